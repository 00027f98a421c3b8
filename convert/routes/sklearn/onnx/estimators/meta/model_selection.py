"""Searches over hyper-parameters, frozen estimators, and classifiers with a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, forward, labels
from ...responses import decision_values
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import model_selection
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import _search_successive_halving as halving

    searches = (model_selection.GridSearchCV, model_selection.RandomizedSearchCV)
    for kind in (*searches, halving.HalvingGridSearchCV, halving.HalvingRandomSearchCV):
        forward(kind, lambda search: search.best_estimator_)
    forward(FrozenEstimator, lambda frozen: frozen.estimator)
    classifier(model_selection.FixedThresholdClassifier, threshold_classifier, _decision)
    classifier(model_selection.TunedThresholdClassifierCV, threshold_classifier, _decision)


def _inner(model: Any) -> Any:
    return getattr(model, "estimator_", model.estimator)


def _decision(g: EstimatorGraph, model: Any) -> Tensor:
    return decision_values(g, _inner(model))


def threshold_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The positive class where its score reaches the threshold; the scores are the inner estimator's own."""
    estimator, positive = _inner(model), _positive_class(model)
    methods = model._get_response_method()
    method = next(m for m in np.atleast_1d(methods) if hasattr(estimator, m))
    scores = [g.call(estimator)[1]] if hasattr(model, "predict_proba") else [decision_values(g, estimator)]
    if method == "predict_proba":
        score = scores[0].columns(positive)
    else:
        score = decision_values(g, estimator) * (1.0 if positive == 1 else -1.0)
    reached = score >= float(_threshold(model, method))
    order = np.array([1 - positive, positive])
    return [labels(reached.cast(np.int64), model.classes_[order]), *scores]


def _positive_class(model: Any) -> int:
    """The index of the positive class, by default the last."""
    scorer = getattr(model, "_curve_scorer", None)
    label = model.pos_label if scorer is None else scorer._get_pos_label()
    return 1 if label is None else int(np.flatnonzero(model.classes_ == label)[0])


def _threshold(model: Any, method: str) -> float:
    chosen = getattr(model, "best_threshold_", None)
    if chosen is None:
        chosen = model.threshold
    return (0.5 if method == "predict_proba" else 0.0) if chosen == "auto" else chosen
