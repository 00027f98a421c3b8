"""XGBoost's boosters (gbtree and dart), alone or behind its scikit-learn classes.

Everything is read from the JSON form that ``Booster.save_raw("json")`` documents, so that a booster trained by an
older release arrives in today's form. XGBoost compares float32 with ``x < threshold``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .......validate.errors import ParityGateError
from ...declare import LABEL, Conversion, Output, declare, regressor
from ...tensors import Tensor
from .categories import FIRST, CodeSplit, SetSplit, append_columns, category_number, set_splits, tabulate
from .forests import features
from .trees import BELOW, Ensemble, Tree, add_ensemble, reachable

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def register() -> None:
    """Register this module's converters."""
    import xgboost

    for kind in (xgboost.XGBClassifier, xgboost.XGBRFClassifier):
        declare(kind, xgb_classifier, _classifier_outputs)
    for kind in (xgboost.XGBRegressor, xgboost.XGBRFRegressor, xgboost.XGBRanker):
        regressor(kind, xgb_regressor, lambda model: targets(model.get_booster()))
    regressor(xgboost.Booster, xgb_booster, targets)


@dataclass(frozen=True, slots=True)
class Objective:
    """``link`` takes the base score to the scale of the trees, ``output`` their sum to what is predicted."""

    link: Callable[[Floats], Floats]
    output: Callable[[Tensor], Tensor]


def same(score: Any) -> Any:
    """The score itself."""
    return score


_IDENTITY = Objective(same, same)
_LOGISTIC = Objective(lambda share: np.log(share / (1 - share)), Tensor.sigmoid)
_EXPONENTIAL = Objective(np.log, Tensor.exp)

OBJECTIVES = {
    "binary:hinge": Objective(same, lambda score: (score > 0.0).cast(np.float64)),
    "binary:logistic": _LOGISTIC,
    "binary:logitraw": _IDENTITY,
    "count:poisson": _EXPONENTIAL,
    "multi:softmax": Objective(same, lambda score: score.argmax().cast(np.float64).reshape(-1, 1)),
    "multi:softprob": Objective(same, Tensor.softmax),
    "rank:map": _IDENTITY,
    "rank:ndcg": _IDENTITY,
    "rank:pairwise": _IDENTITY,
    "reg:absoluteerror": _IDENTITY,
    "reg:gamma": _EXPONENTIAL,
    "reg:linear": _IDENTITY,
    "reg:logistic": _LOGISTIC,
    "reg:pseudohubererror": _IDENTITY,
    "reg:quantileerror": _IDENTITY,
    "reg:squarederror": _IDENTITY,
    "reg:squaredlogerror": _IDENTITY,
    "reg:tweedie": _EXPONENTIAL,
    "survival:aft": _EXPONENTIAL,
    "survival:cox": _EXPONENTIAL,
}


@dataclass(frozen=True, slots=True)
class Boosting:
    """A booster's trees, the last of which is its base score, and their splits on sets of categories."""

    trees: tuple[Tree, ...]
    splits: tuple[SetSplit, ...]
    features: int
    targets: int
    objective: str


def xgb_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``; labels are 0, 1, ... as XGBoost demands."""
    boosting = read(model.get_booster(), rounds_of(model))
    score = _score(c, boosting, model.missing)
    if model.n_classes_ > 2:
        return [score.argmax(), score.softmax()]
    share = OBJECTIVES[boosting.objective].output(score)
    label = (share.cast(np.float32) > 0.5).cast(np.int64)
    if boosting.targets > 1:
        return [label, share]
    return [label.reshape(-1), c.concat([1.0 - share, share])]


def xgb_regressor(c: Conversion, model: Any) -> Tensor:
    """``predict`` of a regressor or a ranker."""
    boosting = read(model.get_booster(), rounds_of(model))
    return OBJECTIVES[boosting.objective].output(_score(c, boosting, model.missing))


def xgb_booster(c: Conversion, booster: Any) -> Tensor:
    """``Booster.predict``, with all rounds."""
    boosting = read(booster)
    return OBJECTIVES[boosting.objective].output(_score(c, boosting, np.nan))


def targets(booster: Any) -> int:
    """How many columns ``Booster.predict`` gives."""
    learner = json.loads(booster.save_config())["learner"]
    return 1 if learner["objective"]["name"] == "multi:softmax" else _targets(learner["learner_model_param"])


def read(booster: Any, rounds: int | None = None) -> Boosting:
    """The first ``rounds`` of a booster, by default all of them. Raises PG404 for what has no translation."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    objective, machine = learner["objective"]["name"], learner["gradient_booster"]
    if machine["name"] not in ("gbtree", "dart"):
        raise ParityGateError("PG404", "XGBoost", f"the booster {machine['name']!r} is not made of trees")
    if objective not in OBJECTIVES:
        raise ParityGateError("PG404", "XGBoost", f"the objective {objective!r} has no translation")
    model = machine["gbtree"]["model"] if machine["name"] == "dart" else machine["model"]
    end = len(model["trees"]) if rounds is None else model["iteration_indptr"][rounds]
    weights = machine.get("weight_drop", [1.0] * end)
    parameters = learner["learner_model_param"]
    base = OBJECTIVES[objective].link(np.array(json.loads(parameters["base_score"]), np.float64))
    count = _targets(parameters)
    trees = [_read_tree(*each) for each in zip(model["trees"][:end], model["tree_info"], weights, strict=False)]
    return Boosting(
        trees=(*trees, Tree.constant(np.broadcast_to(base, count))),
        splits=_set_splits(model["trees"][:end]),
        features=int(parameters["num_feature"]),
        targets=count,
        objective=objective,
    )


def _classifier_outputs(model: Any) -> list[Output]:
    """A label and the classes' shares; with several labels at once, a label and a share for each."""
    count = targets(model.get_booster()) if model.n_classes_ == 2 else 1
    several = (count,) if count > 1 else ()
    return [Output("label", several, LABEL.dtype), Output("probabilities", several or (model.n_classes_,))]


def rounds_of(model: Any) -> int | None:
    """The rounds that the scikit-learn classes predict with: up to the best one after early stopping."""
    try:
        return int(model.best_iteration) + 1
    except AttributeError:
        return None


def _targets(parameters: dict[str, str]) -> int:
    return max(1, int(parameters["num_class"]), int(parameters["num_target"]))


def _read_tree(raw: dict[str, Any], group: int, weight: float) -> Tree:
    left, right = np.array(raw["left_children"]), np.array(raw["right_children"])
    conditions = np.array(raw["split_conditions"], np.float32).astype(np.float64)
    value = conditions.reshape(-1, 1)
    if vectors := raw.get("leaf_weights"):  # a leaf of several targets: `right` is its row
        rows = np.array(vectors, np.float32).astype(np.float64).reshape(-1, int(raw["tree_param"]["size_leaf_vector"]))
        value = rows[np.where(left < 0, right, 0)]
    missing_left = np.array(raw["default_left"], np.bool_)
    tree = Tree(np.array(raw["split_indices"]), conditions, left, right, missing_left, value * weight, group)
    return reachable(tree) if int(raw["tree_param"]["num_deleted"]) else tree


def _set_splits(raws: list[dict[str, Any]]) -> tuple[SetSplit, ...]:
    """Every categorical split: the categories that it lists go right, what isn't a category goes left."""
    return set_splits(
        [
            CodeSplit(
                number,
                node,
                raw["split_indices"][node],
                np.array(raw["categories"][start : start + size]),
                members_right=True,
                missing_right=not raw["default_left"][node],
            )
            for number, raw in enumerate(raws)
            for node, start, size in zip(
                raw["categories_nodes"], raw["categories_segments"], raw["categories_sizes"], strict=True
            )
        ]
    )


def _score(c: Conversion, boosting: Boosting, missing: float) -> Tensor:
    """The sum of the trees, (n, targets)."""
    x = features(c)
    if not np.isnan(missing):
        x = x.equals(missing).where(np.nan, x)
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    indices = {}
    for feature, table in tables.items():
        code = x.columns([feature])
        indices[feature] = category_number(code, code >= 0.0, len(table) - FIRST)
    x = append_columns(c, [x], tables, indices)
    return add_ensemble(c, x, Ensemble(trees, boosting.targets, BELOW))
