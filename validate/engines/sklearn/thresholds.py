"""The split thresholds of fitted trees of every library, by feature."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .walk import inner

if TYPE_CHECKING:
    import numpy.typing as npt

    Splits = tuple[npt.NDArray[Any], npt.NDArray[np.float64]]


def thresholds_of(estimator: Any, width: int) -> list[npt.NDArray[np.float64]]:
    """Split thresholds of the trees in ``estimator``, one array for each of its ``width`` features."""
    features, thresholds = [np.empty(0, np.int64)], [np.empty(0)]
    for feature, threshold in _splits(estimator):
        features.append(feature)
        thresholds.append(np.asarray(threshold, np.float64))
    feature, threshold = np.concatenate(features), np.concatenate(thresholds)
    return [threshold[feature == i] for i in range(width)]


def _splits(estimator: Any) -> Iterator[Splits]:
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        inside = tree.feature >= 0
        yield tree.feature[inside], tree.threshold[inside]
    elif hasattr(estimator, "_predictors"):
        yield from _histograms(estimator)
    elif type(estimator).__module__.split(".")[0] in _BOOSTERS:
        yield from _BOOSTERS[type(estimator).__module__.split(".")[0]](estimator)
    else:
        yield from _members(estimator)


def _histograms(estimator: Any) -> Iterator[Splits]:
    """Histogram boosting renumbers its features if some are categorical: those first, then the others."""
    categorical = estimator.is_categorical_
    order = np.arange(estimator.n_features_in_) if categorical is None else np.argsort(~categorical, kind="stable")
    for predictor in (predictor for group in estimator._predictors for predictor in group):
        nodes = predictor.nodes
        inside = (nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)
        yield order[nodes["feature_idx"][inside]], nodes["num_threshold"][inside]


def _members(estimator: Any) -> Iterator[Splits]:
    """Trees of an ensemble; a bagged one may have been fitted on some features only, with its own numbering."""
    trees = [member for member in inner(estimator) if hasattr(member, "tree_")]
    subsets = getattr(estimator, "estimators_features_", None)
    for i, member in enumerate(trees):
        for feature, threshold in _splits(member):
            yield (feature if subsets is None else np.asarray(subsets[i])[feature]), threshold


def _xgboost(estimator: Any) -> Iterator[Splits]:
    native = estimator.get_booster() if hasattr(estimator, "get_booster") else estimator
    booster = json.loads(native.save_raw("json"))["learner"]["gradient_booster"]
    for tree in booster.get("gbtree", booster).get("model", {}).get("trees", ()):
        inside = np.asarray(tree["left_children"]) >= 0
        yield np.asarray(tree["split_indices"])[inside], np.asarray(tree["split_conditions"], np.float64)[inside]


def _lightgbm(estimator: Any) -> Iterator[Splits]:
    text = getattr(estimator, "booster_", estimator).model_to_string()
    features, thresholds = (re.findall(rf"^{name}=(.*)$", text, re.M) for name in ("split_feature", "threshold"))
    for feature, threshold in zip(features, thresholds, strict=True):
        yield np.array(feature.split(), np.int64), np.array(threshold.split(), np.float64)


def _catboost(estimator: Any) -> Iterator[Splits]:
    for feature, borders in estimator.get_borders().items():
        yield np.full(len(borders), feature, np.int64), np.asarray(borders, np.float64)


_BOOSTERS = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}
