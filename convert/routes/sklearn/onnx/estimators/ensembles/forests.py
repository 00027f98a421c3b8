"""scikit-learn's decision trees and forests: one ensemble node each, NaN routed as scikit-learn learned to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...declare import Conversion, classifier, label_dtype, labels, regressor, transformer
from ...tensors import Tensor
from .trees import Ensemble, Tree, add_ensemble

if TYPE_CHECKING:
    import numpy.typing as npt


def register() -> None:
    """Register this module's converters."""
    from sklearn import ensemble, tree

    for kind in (tree.DecisionTreeClassifier, tree.ExtraTreeClassifier):
        classifier(kind, tree_classifier)
    for kind in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier):
        classifier(kind, forest_classifier)
    for kind in (tree.DecisionTreeRegressor, tree.ExtraTreeRegressor):
        regressor(kind, tree_regressor, lambda model: model.n_outputs_)
    for kind in (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor):
        regressor(kind, forest_regressor, lambda model: model.n_outputs_)
    transformer(ensemble.RandomTreesEmbedding, random_trees_embedding)


def features(conversion: Conversion) -> Tensor:
    """The features as scikit-learn's trees see them: rounded to float32."""
    return conversion.concat([value.cast(np.float32) for value in conversion.inputs])


def read_tree(
    estimator: Any,
    value: npt.NDArray[np.float64] | None = None,
    target: int = 0,
    columns: npt.NDArray[Any] | None = None,
) -> Tree:
    """A fitted decision tree; leaves hold ``value`` (nodes, columns), by default what the tree itself predicts.

    ``columns`` maps the tree's features to the input's, for a tree that saw only some of them.
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


def tree_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``: a leaf holds the share of each class."""
    return _classes(_sums(c, [model]), model)


def forest_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``: the mean of the trees' shares."""
    return _classes(_sums(c, model.estimators_) / len(model.estimators_), model)


def tree_regressor(c: Conversion, model: Any) -> Tensor:
    """``predict``."""
    return _sums(c, [model])


def forest_regressor(c: Conversion, model: Any) -> Tensor:
    """``predict``: the mean of the trees."""
    return _sums(c, model.estimators_) / len(model.estimators_)


def random_trees_embedding(c: Conversion, model: Any) -> Tensor:
    """``transform``: each tree turns one column on, that of the leaf reached (dense, also for ``sparse_output``)."""
    trees, first = [], 0
    for estimator, leaves in zip(model.estimators_, model.one_hot_encoder_.categories_, strict=True):
        hot = np.zeros((estimator.tree_.node_count, len(leaves)))
        hot[leaves, np.arange(len(leaves))] = 1
        trees.append(read_tree(estimator, hot, first))
        first += len(leaves)
    return add_ensemble(c, features(c), Ensemble(tuple(trees), first))


def _sums(c: Conversion, estimators: list[Any]) -> Tensor:
    trees = tuple(read_tree(estimator) for estimator in estimators)
    return add_ensemble(c, features(c), Ensemble(trees, trees[0].value.shape[1]))


def _classes(shares: Tensor, model: Any) -> list[Tensor]:
    """The label and the shares of the classes; of several outputs the labels as columns, then each one's shares."""
    if model.n_outputs_ == 1:
        return [labels(shares.argmax(), model.classes_), shares]
    width, kind = max(model.n_classes_), label_dtype(model.classes_)
    parts = [shares.columns(width * output + np.arange(count)) for output, count in enumerate(model.n_classes_)]
    chosen = [
        shares.graph.constant(np.asarray(classes).astype(kind)).take(part.argmax()).reshape(-1, 1)
        for part, classes in zip(parts, model.classes_, strict=True)
    ]
    return [shares.graph.concat(chosen), *parts]
