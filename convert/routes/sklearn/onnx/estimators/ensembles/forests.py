"""scikit-learn's decision trees and forests: one ensemble node each; NaN goes where the fit sends it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.forests import embedding_trees, read_tree
from ...declare import EstimatorGraph, classifier, label_dtype, labels, regressor, transformer
from ...tensors import Tensor
from .trees import Ensemble, add_ensemble, single_features


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


def tree_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``: a leaf holds the share of each class."""
    return _classes(_sums(g, [model]), model)


def forest_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``: the mean of the trees' shares."""
    return _classes(_sums(g, model.estimators_) / len(model.estimators_), model)


def tree_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict``."""
    return _sums(g, [model])


def forest_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict``: the mean of the trees."""
    return _sums(g, model.estimators_) / len(model.estimators_)


def random_trees_embedding(g: EstimatorGraph, model: Any) -> Tensor:
    """``transform``: each tree turns one column on, that of the leaf reached (dense, also for ``sparse_output``)."""
    trees = embedding_trees(model)
    targets = trees[-1].target + trees[-1].value.shape[1]
    return add_ensemble(g, single_features(g), Ensemble(trees, targets))


def _sums(g: EstimatorGraph, estimators: list[Any]) -> Tensor:
    trees = tuple(read_tree(estimator) for estimator in estimators)
    return add_ensemble(g, single_features(g), Ensemble(trees, trees[0].value.shape[1]))


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
