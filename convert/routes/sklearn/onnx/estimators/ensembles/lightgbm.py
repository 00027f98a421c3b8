"""LightGBM's boosters, alone or behind its scikit-learn classes.

Everything is read from the text form of a model, which holds each tree as arrays. LightGBM compares doubles with
``x <= threshold``; what it does with NaN and zero is the feature's missing type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .......validate.errors import ParityGateError
from ...declare import Conversion, classifier, labels, regressor
from ...tensors import Tensor
from .categories import FIRST, CodeSplit, SetSplit, append_columns, category_number, set_splits, tabulate
from .trees import Ensemble, Tree, add_ensemble, numbers

if TYPE_CHECKING:
    import numpy.typing as npt

    from .trees import Floats, Ints

    Fields = dict[str, str]

CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of a node's decision type; the two bits above hold its missing type."""

NONE, ZERO, NAN = 0, 1, 2
"""Missing types: NaN counts as 0; NaN and 0 are missing; NaN is missing."""

ALMOST_ZERO = float(np.float32(1e-35))
"""LightGBM takes what is not further from zero than this for zero, before it compares."""


def register() -> None:
    """Register this module's converters."""
    import lightgbm

    classifier(lightgbm.LGBMClassifier, lgbm_classifier, lgbm_scores)
    for kind in (lightgbm.LGBMRegressor, lightgbm.LGBMRanker):
        regressor(kind, lgbm_regressor)
    regressor(lightgbm.Booster, lgbm_booster, lambda booster: booster.num_model_per_iteration())


@dataclass(frozen=True, slots=True)
class Boosting:
    """A booster's trees and their splits on sets of categories; ``rounds`` is what an average is divided by, else 1.

    ``zero_missing`` holds the features for which zero is missing, ``objective`` the name and its parameters.
    """

    trees: tuple[Tree, ...]
    splits: tuple[SetSplit, ...]
    features: int
    targets: int
    rounds: int
    zero_missing: Ints
    objective: tuple[str, ...]


def lgbm_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``."""
    boosting = read(model.booster_)
    if not boosting.objective:
        raise ParityGateError("PG404", "LightGBM", "a classifier with an objective of its own gives no probabilities")
    share = _output(_score(c, boosting), boosting.objective)
    shares = share if boosting.targets > 1 else c.concat([1.0 - share, share])
    return [labels(shares.argmax(), model.classes_), shares]


def lgbm_scores(c: Conversion, model: Any) -> Tensor:
    """``decision_function`` (which LightGBM has since 4.7): the score before the objective, (n, targets)."""
    return _score(c, read(model.booster_))


def lgbm_regressor(c: Conversion, model: Any) -> Tensor:
    """``predict`` of a regressor or a ranker."""
    return lgbm_booster(c, model.booster_)


def lgbm_booster(c: Conversion, booster: Any) -> Tensor:
    """``Booster.predict``, up to the best round after early stopping."""
    boosting = read(booster)
    return _output(_score(c, boosting), boosting.objective)


def read(booster: Any) -> Boosting:
    """A booster as its text form tells, up to the best round. Raises PG404 for what has no translation."""
    head, *parts = booster.model_to_string().split("\nend of trees")[0].split("\nTree=")
    header, raws = _fields(head), [_fields(part) for part in parts]
    if any(raw.get("is_linear", "0") != "0" for raw in raws):
        raise ParityGateError("PG404", "LightGBM", "its trees have linear models in the leaves (linear_tree)")
    targets = int(header["num_tree_per_iteration"])
    trees = [_read_tree(raw, number % targets) for number, raw in enumerate(raws)]
    return Boosting(
        trees=tuple(trees) or (Tree.constant([0.0] * targets),),
        splits=set_splits([split for number, raw in enumerate(raws) for split in _code_splits(number, raw)]),
        features=int(header["max_feature_idx"]) + 1,
        targets=targets,
        rounds=len(trees) // targets if "average_output" in head.splitlines() else 1,
        zero_missing=_zero_missing(raws),
        objective=tuple(header.get("objective", "").split()),
    )


def _fields(text: str) -> Fields:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _numbers(raw: Fields, key: str, kind: type = int) -> npt.NDArray[Any]:
    return np.array(raw.get(key, "").split(), kind)


def _read_tree(raw: Fields, target: int) -> Tree:
    """Inner nodes first, then the leaves; a negative child is the complement of a leaf's number."""
    threshold, leaves = _past_zero(_numbers(raw, "threshold", float)), _numbers(raw, "leaf_value", float)
    inner, none = len(threshold), np.full(len(leaves), -1)
    children = [_numbers(raw, side) for side in ("left_child", "right_child")]
    left, right = (np.concatenate([np.where(child < 0, inner + ~child, child), none]) for child in children)
    kind = _numbers(raw, "decision_type")
    missing_left = np.where(kind >> 2 == NONE, threshold >= 0, kind & DEFAULT_LEFT != 0)

    def padded(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([values, np.zeros(len(leaves), values.dtype)])

    value = np.concatenate([np.zeros(inner), leaves]).reshape(-1, 1)
    return Tree(
        padded(_numbers(raw, "split_feature")), padded(threshold), left, right, padded(missing_left), value, target
    )


def _past_zero(threshold: Floats) -> Floats:
    """Thresholds that compare small numbers as they are in the way that the given ones compare them as zero."""
    below, above = (threshold >= -ALMOST_ZERO) & (threshold < 0), (threshold >= 0) & (threshold < ALMOST_ZERO)
    return np.where(below, np.nextafter(-ALMOST_ZERO, -np.inf), np.where(above, ALMOST_ZERO, threshold))


def _code_splits(number: int, raw: Fields) -> list[CodeSplit]:
    """One tree's categorical splits: members of the set go left, everything else goes right."""
    feature, place = _numbers(raw, "split_feature"), _numbers(raw, "threshold", float).astype(int)
    bounds, words = _numbers(raw, "cat_boundaries"), _numbers(raw, "cat_threshold", np.uint32)
    splits = []
    for node in np.flatnonzero(_numbers(raw, "decision_type") & CATEGORICAL):
        own = words[bounds[place[node]] : bounds[place[node] + 1]]
        members = np.flatnonzero(np.unpackbits(own.astype("<u4").view(np.uint8), bitorder="little"))
        splits.append(
            CodeSplit(number, int(node), int(feature[node]), members, members_right=False, missing_right=True)
        )
    return splits


def _zero_missing(raws: list[Fields]) -> Ints:
    """The features whose zeros are missing. Raises PG404 where only some nodes of a feature see it that way."""
    features = np.concatenate([_numbers(raw, "split_feature") for raw in raws] or [np.zeros(0, int)])
    kinds = np.concatenate([_numbers(raw, "decision_type") for raw in raws] or [np.zeros(0, int)])
    numerical = kinds & CATEGORICAL == 0
    zero = kinds >> 2 == ZERO
    missing, present = (np.unique(features[numerical & chosen]) for chosen in (zero, ~zero))
    if len(both := np.intersect1d(missing, present)):
        raise ParityGateError("PG404", "LightGBM", f"feature {both[0]} has zero as missing in some trees only")
    return missing


def _score(c: Conversion, boosting: Boosting) -> Tensor:
    """The sum (or the mean) of the trees, (n, targets)."""
    x = raw = numbers(c, c.inputs)
    if len(boosting.zero_missing):
        limit = np.full((1, boosting.features), -1.0)
        limit[0, boosting.zero_missing] = ALMOST_ZERO
        x = (abs(raw) <= limit).where(np.nan, raw)
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    indices = {}
    for feature, table in tables.items():
        code = raw.columns([feature])
        indices[feature] = category_number(code, code > -1.0, len(table) - FIRST)
    x = append_columns(c, [x], tables, indices)
    return add_ensemble(c, x, Ensemble(trees, boosting.targets)) / boosting.rounds


def same(score: Tensor) -> Tensor:
    """The score itself."""
    return score


OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "binary": Tensor.sigmoid,
    "cross_entropy": Tensor.sigmoid,
    "cross_entropy_lambda": lambda score: (score.exp() + 1.0).log(),
    "fair": same,
    "gamma": Tensor.exp,
    "huber": same,
    "lambdarank": same,
    "mape": same,
    "multiclass": Tensor.softmax,
    "multiclassova": Tensor.sigmoid,
    "poisson": Tensor.exp,
    "quantile": same,
    "rank_xendcg": same,
    "regression": same,
    "regression_l1": same,
    "tweedie": Tensor.exp,
}


def _output(score: Tensor, objective: tuple[str, ...]) -> Tensor:
    """What the booster predicts for a score; one without an objective predicts the score itself."""
    if not objective:
        return score
    name, *options = objective
    if name not in OUTPUTS:
        raise ParityGateError("PG404", "LightGBM", f"the objective {name!r} has no translation")
    if "sqrt" in options:
        return score.sign() * score * score
    slope = next((float(option.partition(":")[2]) for option in options if option.startswith("sigmoid:")), 1.0)
    return OUTPUTS[name](score * slope if slope != 1.0 else score)
