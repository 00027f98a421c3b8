"""Linear classifiers in double: their labels turn on the sign of a sum, which float32 may turn."""

from __future__ import annotations

from typing import Any

from .declare import Conversion, classifier, labels
from .responses import linear_decision
from .values import Value


def register() -> None:
    """Register this module's converters."""
    from sklearn import linear_model
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.svm import LinearSVC

    for kind in (
        LinearDiscriminantAnalysis,
        LinearSVC,
        linear_model.LogisticRegression,
        linear_model.LogisticRegressionCV,
        linear_model.PassiveAggressiveClassifier,
        linear_model.Perceptron,
        linear_model.RidgeClassifier,
        linear_model.RidgeClassifierCV,
        linear_model.SGDClassifier,
    ):
        classifier(kind, linear_classifier, linear_decision)


def linear_classifier(g: Conversion, model: Any) -> list[Value]:
    """The class of the greatest decision value, or the sign of a single one, and the model's scores."""
    decision = linear_decision(g, model)
    binary = len(model.classes_) == 2
    index = (decision > 0.0).cast("int64").reshape(-1) if binary else decision.argmax()
    label = labels(index, model.classes_)
    if not hasattr(model, "predict_proba"):
        return [label, decision.reshape(-1) if binary else decision]
    return [label, _probabilities(g, decision, model)]


def _probabilities(g: Conversion, decision: Value, model: Any) -> Value:
    """Each class against the rest and normalised; softmax for multinomial models."""
    huber = getattr(model, "loss", None) == "modified_huber"
    shares = (decision.clip(-1.0, 1.0) + 1.0) * 0.5 if huber else decision.sigmoid()
    if len(model.classes_) == 2:
        return g.concat([1.0 - shares, shares])
    if not hasattr(model, "loss"):
        return decision.softmax()
    total = shares.sum(keepdims=True)
    return total.equals(0.0).where(1.0 / len(model.classes_), shares / total)
