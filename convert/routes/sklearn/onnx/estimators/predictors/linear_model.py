"""Linear models in double: the sign of a sum decides labels, and log links may exceed the range of float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....models.families import LINEAR_CLASSIFIERS, LINEAR_REGRESSORS, LOG_LINKED_REGRESSORS
from ...declare import EstimatorGraph, Output, classifier, declare, labels, regressor
from ...responses import linear_decision
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import linear_model
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.svm import LinearSVC, LinearSVR

    for kind in (LinearDiscriminantAnalysis, LinearSVC, *(getattr(linear_model, name) for name in LINEAR_CLASSIFIERS)):
        classifier(kind, linear_classifier, linear_decision)
    for kind in (LinearSVR, *(getattr(linear_model, name) for name in LINEAR_REGRESSORS)):
        regressor(kind, linear_decision, lambda model: len(np.atleast_2d(model.coef_)))
    for name in LOG_LINKED_REGRESSORS:
        declare(getattr(linear_model, name), generalized_linear_regressor, _unbounded)


def _unbounded(model: Any) -> list[Output]:
    """A prediction in double: exponentials of moderate numbers exceed the range of float32."""
    return [Output("variable", (1,), np.dtype(np.float64))]


def linear_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class of the greatest decision value, or the sign of a single one, and the model's scores."""
    decision = linear_decision(g, model)
    binary = len(model.classes_) == 2
    index = (decision > 0.0).cast("int64").reshape(-1) if binary else decision.argmax()
    label = labels(index, model.classes_)
    if not hasattr(model, "predict_proba"):
        return [label, decision.reshape(-1) if binary else decision]
    return [label, _probabilities(g, decision, model)]


def generalized_linear_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The linear prediction through the inverse of the link, which is the logarithm or the identity."""
    from sklearn._loss.link import LogLink

    linear = linear_decision(g, model)
    return linear.exp() if isinstance(model._base_loss.link, LogLink) else linear


def _probabilities(g: EstimatorGraph, decision: Tensor, model: Any) -> Tensor:
    """Each class against the rest and normalised; softmax for multinomial models."""
    huber = getattr(model, "loss", None) == "modified_huber"
    shares = (decision.clip(-1.0, 1.0) + 1.0) * 0.5 if huber else decision.sigmoid()
    if len(model.classes_) == 2:
        return g.concat([1.0 - shares, shares])
    if not hasattr(model, "loss"):
        return decision.softmax()
    total = shares.sum(keepdims=True)
    return total.equals(0.0).where(1.0 / len(model.classes_), shares / total)
