"""CatBoost's models.

CatBoost can write ONNX itself, but not with boolean labels, not for non-symmetric trees, and through
TreeEnsembleClassifier.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.catboost import (
    dimensions,
    has_several_labels,
    prediction_link,
    probability_link,
    read,
    threshold_of,
)
from .......validate.trees.readers.categories import tabulate
from ...declare import EstimatorGraph, Output, declare, label_dtype, labels, regressor
from ...tensors import Tensor
from .categories import append_columns, category_numbers
from .links import apply_link, both_classes
from .trees import Ensemble, add_ensemble, single_features


def register() -> None:
    """Register this module's converters."""
    import catboost

    declare(catboost.CatBoostClassifier, catboost_classifier, _classifier_outputs)
    regressor(catboost.CatBoostRegressor, catboost_regressor, dimensions)
    for kind in (catboost.CatBoostRanker, catboost.CatBoost):
        regressor(kind, raw_scores, dimensions)


def raw_scores(g: EstimatorGraph, model: Any) -> Tensor:
    """The scaled sum of the trees and the bias, (n, dimensions): ``predict`` of a ranker or a plain CatBoost."""
    boosting = read(model)
    if not boosting.categories:
        return add_ensemble(g, single_features(g), Ensemble(boosting.trees, boosting.targets))
    trees, tables = tabulate(boosting.trees, boosting.splits, len(boosting.floats))
    numbers = {
        each.number: category_numbers(g.inputs[each.place], each.keys())
        for each in boosting.categories
        if each.number in tables
    }
    floats = [g.inputs[place].cast(np.float32) for place in boosting.floats]
    x = append_columns(g, floats, tables, numbers)
    return add_ensemble(g, x, Ensemble(trees, boosting.targets))


def catboost_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict``."""
    return apply_link(prediction_link(model), raw_scores(g, model))


def catboost_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``; like CatBoost's, labels are (n, 1) if each class has a score."""
    score = raw_scores(g, model)
    shares = apply_link(probability_link(model), score)
    if has_several_labels(model):
        return [(score > 0.0).cast(np.int64), shares]
    if dimensions(model) > 1:
        return [labels(score.argmax(), model.classes_).reshape(-1, 1), shares]
    limit = threshold_of(model)
    is_second = (score > np.log(limit / (1 - limit))).cast(np.int64).reshape(-1)
    return [labels(is_second, model.classes_), both_classes(shares)]


def _classifier_outputs(model: Any) -> list[Output]:
    """Shapes as CatBoost's own: one label per row for a single score, a column of them if each class has a score."""
    count = len(model.classes_)
    if has_several_labels(model):
        return [Output("label", (count,), np.dtype(np.int64)), Output("probabilities", (count,))]
    shape = (1,) if dimensions(model) > 1 else ()
    return [Output("label", shape, label_dtype(model.classes_)), Output("probabilities", (count,))]
