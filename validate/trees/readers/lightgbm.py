"""LightGBM's boosters, alone or in its scikit-learn classes.

Everything is read from the text form of a model, which holds each tree as arrays. LightGBM compares doubles with
``x <= threshold``; how it treats NaN and zero is the feature's missing type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ..tree import Tree
from .categories import CodeSplit, SetSplit, set_splits
from .links import Link

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..tree import Floats, Ints

    Fields = dict[str, str]

CATEGORICAL, DEFAULT_LEFT = 1, 2
"""Bits of a node's decision type; the two bits above hold its missing type."""

NONE, ZERO, NAN = 0, 1, 2
"""Missing types: NaN counts as 0; NaN and 0 are missing; NaN is missing."""

ALMOST_ZERO = float(np.float32(1e-35))
"""LightGBM treats a number no further from zero than this as zero, before it compares."""

OBJECTIVES = {
    "binary": Link.SIGMOID,
    "cross_entropy": Link.SIGMOID,
    "cross_entropy_lambda": Link.SOFTPLUS,
    "fair": Link.IDENTITY,
    "gamma": Link.EXPONENTIAL,
    "huber": Link.IDENTITY,
    "lambdarank": Link.IDENTITY,
    "mape": Link.IDENTITY,
    "multiclass": Link.SOFTMAX,
    "multiclassova": Link.SIGMOID,
    "poisson": Link.EXPONENTIAL,
    "quantile": Link.IDENTITY,
    "rank_xendcg": Link.IDENTITY,
    "regression": Link.IDENTITY,
    "regression_l1": Link.IDENTITY,
    "tweedie": Link.EXPONENTIAL,
}
"""Objective -> the link from the score to what ``Booster.predict`` gives."""


@dataclass(frozen=True, slots=True)
class Boosting:
    """A booster's trees and their splits on sets of categories; ``rounds`` is what an average is divided by, else 1.

    ``zero_missing`` holds the features for which zero is missing, ``objective`` the name and its parameters (empty
    for an objective that is a Python function).
    """

    trees: tuple[Tree, ...]
    splits: tuple[SetSplit, ...]
    features: int
    targets: int
    rounds: int
    zero_missing: Ints
    objective: tuple[str, ...]

    def link(self) -> tuple[Link, float]:
        """The link of the objective, and the factor in front of it. Raises PG404 for an unknown objective."""
        if not self.objective:
            return Link.IDENTITY, 1.0
        name, *options = self.objective
        if name not in OBJECTIVES:
            raise ParityGateError("PG404", "LightGBM", f"the objective {name!r} has no translation")
        if "sqrt" in options:
            return Link.SIGNED_SQUARE, 1.0
        slope = next((float(option.partition(":")[2]) for option in options if option.startswith("sigmoid:")), 1.0)
        return OBJECTIVES[name], slope


def read(booster: Any) -> Boosting:
    """A booster from its text form, up to the best round. Raises PG404 for what has no translation."""
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
    """Thresholds for comparing small numbers as they are, equivalent to the given ones, which compare them as zero."""
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
    """The features for which zero is missing. Raises PG404 where that holds for only some nodes of a feature."""
    features = np.concatenate([_numbers(raw, "split_feature") for raw in raws] or [np.zeros(0, int)])
    kinds = np.concatenate([_numbers(raw, "decision_type") for raw in raws] or [np.zeros(0, int)])
    numerical = kinds & CATEGORICAL == 0
    zero = kinds >> 2 == ZERO
    missing, present = (np.unique(features[numerical & chosen]) for chosen in (zero, ~zero))
    if len(both := np.intersect1d(missing, present)):
        raise ParityGateError("PG404", "LightGBM", f"feature {both[0]} treats zero as missing in some trees only")
    return missing
