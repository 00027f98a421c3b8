"""scikit-learn's histogram gradient boosting: doubles compared with doubles, missing values, categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.hist_gradient_boosting import (
    MISSING,
    base_of,
    known_categories,
    link_of,
    tabulated,
    trees_of,
)
from .......validate.trees.tree import Tree
from ...declare import EstimatorGraph, classifier, regressor
from ...tensors import STRING, Tensor
from .categories import append_columns
from .links import apply_link, classify
from .trees import Ensemble, add_ensemble, double_features


def register() -> None:
    """Register this module's converters."""
    from sklearn import ensemble

    classifier(ensemble.HistGradientBoostingClassifier, hist_gradient_boosting_classifier, raw_scores)
    regressor(ensemble.HistGradientBoostingRegressor, hist_gradient_boosting_regressor)


def hist_gradient_boosting_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict``: the raw score, or its exponential for the losses on a logarithmic scale."""
    return apply_link(link_of(model), raw_scores(g, model))


def hist_gradient_boosting_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``."""
    return classify(raw_scores(g, model), link_of(model), model.classes_)


def raw_scores(g: EstimatorGraph, model: Any) -> Tensor:
    """The sum of the trees, (n, trees per iteration)."""
    x, trees = _features_and_trees(g, model)
    return add_ensemble(g, x, Ensemble((base_of(model), *trees), model.n_trees_per_iteration_))


def _features_and_trees(g: EstimatorGraph, model: Any) -> tuple[Tensor, tuple[Tree, ...]]:
    """What the trees read; for a model with categories the numerical features and the columns of its tables."""
    if model._preprocessor is None:
        return double_features(g, g.inputs), trees_of(model)
    known = known_categories(model)
    trees, tables = tabulated(model, trees_of(model))
    categorical, numerical = np.flatnonzero(model.is_categorical_), np.flatnonzero(~model.is_categorical_)
    if len(g.inputs) == model.n_features_in_:  # one input for each column of a table
        x = [double_features(g, [g.inputs[column] for column in numerical])] if len(numerical) else []
        indices = {k: _category_number(g.inputs[categorical[k]], known[k]) for k in tables}
    else:
        x = [double_features(g, [g.inputs[0].columns(numerical)])]
        indices = {k: _category_number(g.inputs[0].columns([categorical[k]]), known[k]) for k in tables}
    return append_columns(g, x, tables, indices), trees


def _category_number(column: Tensor, known: list[Any]) -> Tensor:
    """The number of each category, int64 (n,): its place among the known ones from 1 on, else MISSING."""
    if column.dtype == STRING:
        return column.lookup({str(value): place for place, value in enumerate(known, 1)}, MISSING).reshape(-1)
    hits = column.cast(np.float64).equals(np.asarray(known, np.float64).reshape(1, -1))
    return (hits.cast(np.float64) @ np.arange(1, len(known) + 1)).cast(np.int64)
