"""scikit-learn's histogram gradient boosting: double thresholds, missing values, categories."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tree import Tree
from .categories import SetSplit, tabulate
from .links import Link

if TYPE_CHECKING:
    import numpy.typing as npt

    from .categories import Tables

    Array = npt.NDArray[Any]

MISSING = 0
"""The number of the category of missing and unknown values; the known ones follow."""


def base_of(model: Any) -> Tree:
    """The scores that boosting starts from."""
    return Tree.constant(model._baseline_prediction.ravel())


def link_of(model: Any) -> Link:
    """The link to a regressor's prediction or a classifier's probabilities."""
    if hasattr(model, "classes_"):
        return Link.SOFTMAX if model.n_trees_per_iteration_ > 1 else Link.SIGMOID
    return Link.EXPONENTIAL if model.loss in ("poisson", "gamma") else Link.IDENTITY


def trees_of(model: Any) -> tuple[Tree, ...]:
    """All trees, as they read the features that the model's preprocessor, if there is one, gives them."""
    targets = model.n_trees_per_iteration_
    return tuple(_read_tree(predictor, number % targets) for number, predictor in enumerate(_predictors(model)))


def _predictors(model: Any) -> list[Any]:
    return [predictor for stage in model._predictors for predictor in stage]


def _read_tree(predictor: Any, target: int) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(np.bool_)
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].copy(),
        left=left,
        right=right,
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        value=nodes["value"].reshape(-1, 1),
        target=target,
    )


def known_categories(model: Any) -> list[list[Any]]:
    """The categories of each categorical feature, by code."""
    return [_known(categories) for categories in model._preprocessor.named_transformers_["encoder"].categories_]


def _known(categories: Array) -> list[Any]:
    """The categories that have a code: all but the missing value, which is last."""
    return [value for value in categories.tolist() if value is not None and value == value]


def tabulated(model: Any, trees: tuple[Tree, ...]) -> tuple[tuple[Tree, ...], Tables]:
    """Trees over the numerical features and the columns of the tables, by MISSING and then the known categories.

    The preprocessor puts the categorical features before the others.
    """
    counts = [len(values) for values in known_categories(model)]
    splits = [
        split for number, predictor in enumerate(_predictors(model)) for split in _set_splits(number, predictor, counts)
    ]
    shifted = [replace(tree, feature=tree.feature - len(counts)) for tree in trees]
    return tabulate(shifted, splits, int((~model.is_categorical_).sum()))


def _set_splits(number: int, predictor: Any, counts: list[int]) -> list[SetSplit]:
    """The categorical splits of one tree; ``counts`` holds the number of known categories by feature."""
    splits = []
    for place in np.flatnonzero(predictor.nodes["is_categorical"] & ~predictor.nodes["is_leaf"].astype(np.bool_)):
        node = predictor.nodes[place]
        codes = np.arange(counts[node["feature_idx"]])
        words = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
        left = (words[codes // 32] >> (codes % 32).astype(np.uint32)) & 1
        right = np.concatenate([[not node["missing_go_to_left"]], left == 0])
        splits.append(SetSplit(number, int(place), int(node["feature_idx"]), right))
    return splits
