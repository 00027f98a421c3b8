"""scikit-learn's gradient boosting, by trees of either kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .....validate.trees.readers.forests import boosted_trees, boosting_base, boosting_link
from .....validate.trees.readers.hist_gradient_boosting import base_of, known_categories, link_of, tabulated, trees_of
from .....validate.trees.readers.links import Link
from .....validate.trees.tree import Tree
from .builder import Builder
from .labels import labels_of
from .links import exponentiate
from .single_precision import widen_thresholds
from .tables import Table, look_up
from .trees import classify_by_trees, sum_trees
from .wires import Columns, Outputs, unsupported


def gradient_boosting_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``."""
    return Outputs({"prediction": sum_trees(b, x, _boosted(model))})


def gradient_boosting_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``."""
    link, slope = boosting_link(model)
    trees = [replace(tree, value=slope * tree.value) for tree in _boosted(model)]
    return classify_by_trees(b, x, trees, model.n_trees_per_iteration_, labels_of(model), link)


def _boosted(model: Any) -> list[Tree]:
    base = boosting_base(model)
    if base is None:
        raise unsupported(model, "it starts from the predictions of another estimator, not from a number")
    return [base, *widen_thresholds(boosted_trees(model))]


def hist_gradient_boosting_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``; for losses on a logarithmic scale, the exponential of the sum."""
    features, trees = _features_and_trees(b, model, x)
    total = sum_trees(b, features, trees, model.n_trees_per_iteration_)
    return Outputs({"prediction": exponentiate(b, total) if link_of(model) is Link.EXPONENTIAL else total})


def hist_gradient_boosting_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``."""
    features, trees = _features_and_trees(b, model, x)
    return classify_by_trees(b, features, trees, model.n_trees_per_iteration_, labels_of(model), link_of(model))


def _features_and_trees(b: Builder, model: Any, x: Columns) -> tuple[Columns, list[Tree]]:
    """The features that the trees read, and the trees, which compare doubles.

    The numerical features are followed by the columns of the tables, which say for each set of categories whether a
    feature's value belongs to it.
    """
    base, trees = base_of(model), trees_of(model)
    if model._preprocessor is None:
        return x, [base, *trees]
    known, (changed, tables) = known_categories(model), tabulated(model, trees)
    categorical = np.flatnonzero(model.is_categorical_)
    wires = b.select(x, np.flatnonzero(~model.is_categorical_).tolist())
    if tables:
        columns = b.select(x, [int(categorical[feature]) for feature in tables])
        found = [Table(known[feature], table[1:], table[0], table[0]) for feature, table in tables.items()]
        wires += (look_up(b, columns, found),)
    return wires, [base, *changed]


PREDICTORS = {
    "GradientBoostingRegressor": gradient_boosting_regressor,
    "GradientBoostingClassifier": gradient_boosting_classifier,
    "HistGradientBoostingRegressor": hist_gradient_boosting_regressor,
    "HistGradientBoostingClassifier": hist_gradient_boosting_classifier,
}
