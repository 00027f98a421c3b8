"""scikit-learn's gradient boosting, by trees of either kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..onnx.estimators.ensembles.forests import read_tree
from ..onnx.estimators.ensembles.hist_gradient_boosting import known_categories, tabulated, trees_of
from ..onnx.estimators.ensembles.trees import Tree
from .builder import Builder
from .labels import labels_of
from .links import exponential
from .single import single
from .tables import Table, looked_up
from .trees import LOGISTIC, SOFTMAX, sorted_out, summed
from .wires import Answer, Columns, refused


def gradient_boosting_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``."""
    return Answer({"prediction": summed(b, x, _boosted(model))})


def gradient_boosting_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``."""
    slope = 2.0 if model.loss == "exponential" else 1.0
    trees = [replace(tree, value=slope * tree.value) for tree in _boosted(model)]
    return _classified(b, model, x, trees, model.n_trees_per_iteration_)


def _boosted(model: Any) -> list[Tree]:
    if model.init is not None and model.init != "zero":
        raise refused(model, "it starts from the predictions of another estimator, not from a number")
    base = model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0]
    trees = [
        read_tree(estimator, model.learning_rate * estimator.tree_.value[:, :, 0], target)
        for stage in model.estimators_
        for target, estimator in enumerate(stage)
    ]
    return [Tree.constant(base), *single(trees)]


def hist_gradient_boosting_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``; for losses on a logarithmic scale, the exponential of the sum."""
    total = summed(b, *_histograms(b, model, x))
    return Answer({"prediction": exponential(b, total) if model.loss in ("poisson", "gamma") else total})


def hist_gradient_boosting_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``."""
    return _classified(b, model, *_histograms(b, model, x))


def _classified(b: Builder, model: Any, x: Columns, trees: Sequence[Tree], targets: int) -> Answer:
    return sorted_out(b, x, trees, targets, labels_of(model), transform=SOFTMAX if targets > 1 else LOGISTIC)


def _histograms(b: Builder, model: Any, x: Columns) -> tuple[Columns, list[Tree], int]:
    """The features that the trees read, the trees, and how many sums they have; they compare doubles.

    Behind the numerical features stand the columns of the tables, which tell for each set of categories whether a
    feature's belongs to it.
    """
    base, trees, targets = (
        Tree.constant(model._baseline_prediction.ravel()),
        trees_of(model),
        model.n_trees_per_iteration_,
    )
    if model._preprocessor is None:
        return x, [base, *trees], targets
    known, (final, tables) = known_categories(model), tabulated(model, trees)
    categorical = np.flatnonzero(model.is_categorical_)
    wires = b.select(x, np.flatnonzero(~model.is_categorical_).tolist())
    if tables:
        columns = b.select(x, [int(categorical[feature]) for feature in tables])
        rows = [Table(known[feature], table[1:], table[0], table[0]) for feature, table in tables.items()]
        wires += (looked_up(b, columns, rows),)
    return wires, [base, *final], targets


PREDICTORS = {
    "GradientBoostingRegressor": gradient_boosting_regressor,
    "GradientBoostingClassifier": gradient_boosting_classifier,
    "HistGradientBoostingRegressor": hist_gradient_boosting_regressor,
    "HistGradientBoostingClassifier": hist_gradient_boosting_classifier,
}
