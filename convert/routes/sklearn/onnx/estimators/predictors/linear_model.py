"""Linear models in double: labels turn on the sign of a sum, log links on the range of float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import Conversion, Output, classifier, declare, labels, regressor
from ...responses import linear_decision
from ...tensors import Tensor

REGRESSORS = (
    "ARDRegression",
    "BayesianRidge",
    "ElasticNet",
    "ElasticNetCV",
    "HuberRegressor",
    "Lars",
    "LarsCV",
    "Lasso",
    "LassoCV",
    "LassoLars",
    "LassoLarsCV",
    "LassoLarsIC",
    "LinearRegression",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV",
    "PassiveAggressiveRegressor",
    "QuantileRegressor",
    "Ridge",
    "RidgeCV",
    "SGDRegressor",
    "TheilSenRegressor",
)
"""Regressors of sklearn.linear_model that predict ``x @ coef_.T + intercept_``."""

CLASSIFIERS = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "PassiveAggressiveClassifier",
    "Perceptron",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
)
"""Classifiers of sklearn.linear_model that decide by ``x @ coef_.T + intercept_``."""


def register() -> None:
    """Register this module's converters."""
    from sklearn import linear_model
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.svm import LinearSVC, LinearSVR

    for kind in (LinearDiscriminantAnalysis, LinearSVC, *(getattr(linear_model, name) for name in CLASSIFIERS)):
        classifier(kind, linear_classifier, linear_decision)
    for kind in (LinearSVR, *(getattr(linear_model, name) for name in REGRESSORS)):
        regressor(kind, linear_decision, lambda model: len(np.atleast_2d(model.coef_)))
    for kind in (linear_model.GammaRegressor, linear_model.PoissonRegressor, linear_model.TweedieRegressor):
        declare(kind, generalized_linear_regressor, _unbounded)


def _unbounded(model: Any) -> list[Output]:
    """A prediction in double: an exponential of moderate numbers leaves the range of float32."""
    return [Output("variable", (1,), np.dtype(np.float64))]


def linear_classifier(g: Conversion, model: Any) -> list[Tensor]:
    """The class of the greatest decision value, or the sign of a single one, and the model's scores."""
    decision = linear_decision(g, model)
    binary = len(model.classes_) == 2
    index = (decision > 0.0).cast("int64").reshape(-1) if binary else decision.argmax()
    label = labels(index, model.classes_)
    if not hasattr(model, "predict_proba"):
        return [label, decision.reshape(-1) if binary else decision]
    return [label, _probabilities(g, decision, model)]


def generalized_linear_regressor(g: Conversion, model: Any) -> Tensor:
    """The linear prediction through the inverse of the link, which is the logarithm or the identity."""
    from sklearn._loss.link import LogLink

    linear = linear_decision(g, model)
    return linear.exp() if isinstance(model._base_loss.link, LogLink) else linear


def _probabilities(g: Conversion, decision: Tensor, model: Any) -> Tensor:
    """Each class against the rest and normalised; softmax for multinomial models."""
    huber = getattr(model, "loss", None) == "modified_huber"
    shares = (decision.clip(-1.0, 1.0) + 1.0) * 0.5 if huber else decision.sigmoid()
    if len(model.classes_) == 2:
        return g.concat([1.0 - shares, shares])
    if not hasattr(model, "loss"):
        return decision.softmax()
    total = shares.sum(keepdims=True)
    return total.equals(0.0).where(1.0 / len(model.classes_), shares / total)
