"""scikit-learn's decision trees, alone or in forests, boosting and isolation forests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tree import Tree
from .links import Link

if TYPE_CHECKING:
    import numpy.typing as npt


def read_tree(
    estimator: Any,
    value: npt.NDArray[np.float64] | None = None,
    target: int = 0,
    columns: npt.NDArray[Any] | None = None,
) -> Tree:
    """A fitted decision tree; leaves hold ``value`` (nodes, columns), by default what the tree itself predicts.

    ``columns`` maps the tree's features to the input's, for a tree that was fitted on only some of them.
    """
    fitted = estimator.tree_
    leaf = fitted.children_left < 0
    feature = np.where(leaf, 0, fitted.feature)
    return Tree(
        feature=feature if columns is None else np.asarray(columns)[feature],
        threshold=fitted.threshold,
        left=fitted.children_left,
        right=fitted.children_right,
        missing_left=fitted.missing_go_to_left.astype(np.bool_),
        value=fitted.value.reshape(fitted.node_count, -1) if value is None else value,
        target=target,
    )


def embedding_trees(model: Any) -> tuple[Tree, ...]:
    """The trees of a RandomTreesEmbedding: each turns one of its own columns on, that of the leaf that is reached."""
    trees, first = [], 0
    for estimator, leaves in zip(model.estimators_, model.one_hot_encoder_.categories_, strict=True):
        hot = np.zeros((estimator.tree_.node_count, len(leaves)))
        hot[leaves, np.arange(len(leaves))] = 1
        trees.append(read_tree(estimator, hot, first))
        first += len(leaves)
    return tuple(trees)


def boosted_trees(model: Any) -> list[Tree]:
    """The trees of a GradientBoostingClassifier or GradientBoostingRegressor, scaled by the learning rate."""
    return [
        read_tree(estimator, model.learning_rate * estimator.tree_.value[:, :, 0], target)
        for stage in model.estimators_
        for target, estimator in enumerate(stage)
    ]


def boosting_base(model: Any) -> Tree | None:
    """The number that gradient boosting starts from; None where it starts from the predictions of an estimator."""
    if model.init is not None and model.init != "zero":
        return None
    return Tree.constant(model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0])


def boosting_link(model: Any) -> tuple[Link, float]:
    """The link to the probabilities of scikit-learn's gradient boosting, and the factor in front of it."""
    link = Link.SOFTMAX if model.n_trees_per_iteration_ > 1 else Link.SIGMOID
    return link, 2.0 if model.loss == "exponential" else 1.0


def path_lengths(model: Any) -> tuple[tuple[Tree, ...], float]:
    """An isolation forest's trees, which sum up to a sample's path length, and the length that it is divided by."""
    lengths = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)
    trees = tuple(
        read_tree(estimator, (path + rest - 1.0).reshape(-1, 1), columns=columns)
        for estimator, columns, (path, rest) in zip(model.estimators_, model.estimators_features_, lengths, strict=True)
    )
    unit = len(trees) * _average_path_length(model._max_samples)
    # Trees of one sample have no length; scikit-learn then sets the ratio of the two to 1.
    return (trees, unit) if unit else ((Tree.constant([1.0]),), 1.0)


def _average_path_length(samples: int) -> float:
    """The mean depth at which a search in a random binary tree over ``samples`` keys fails (Liu, Ting, Zhou 2008)."""
    if samples <= 2:
        return float(samples == 2)
    return float(2.0 * (np.log(samples - 1.0) + np.euler_gamma) - 2.0 * (samples - 1.0) / samples)
