"""Monotone regression, and the calibration of probabilities with it or with a sigmoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, labels, regressor
from ...responses import decision_values
from ...tables import interpolate
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.isotonic import IsotonicRegression

    classifier(CalibratedClassifierCV, calibrated_classifier)
    regressor(IsotonicRegression, lambda g, model: isotonic(g.x.reshape(-1, 1), model))


def isotonic(x: Tensor, model: Any) -> Tensor:
    """Linear interpolation between the thresholds; outside, the values at the ends or NaN."""
    knots = np.asarray(model.X_thresholds_, np.float64)
    found = interpolate(x, [knots], [np.asarray(model.y_thresholds_, np.float64)])
    if model.out_of_bounds == "clip" or len(knots) == 1:
        return found
    return ((x >= model.X_min_) & (x <= model.X_max_)).where(found, np.nan)


def calibrated_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The mean of the calibrated members' probabilities."""
    parts = [_calibrated(g, member) for member in model.calibrated_classifiers_]
    mean = sum(parts[1:], parts[0]) / float(len(parts))
    return [labels(mean.argmax(), model.classes_), mean]


def _calibrated(g: EstimatorGraph, member: Any) -> Tensor:
    """Probabilities of one member (sklearn.calibration._CalibratedClassifier.predict_proba)."""
    estimator, count = member.estimator, len(member.classes)
    by_decision = hasattr(estimator, "decision_function")
    scores = decision_values(g, estimator) if by_decision else g.call(estimator)[1]
    if count == 2:
        scores = scores.reshape(-1, 1) if by_decision else scores.columns([1])
    if member.method == "temperature":
        return _tempered(scores, member, by_decision)
    shares = [
        _CALIBRATIONS[member.method](scores.columns([i]), calibrator) for i, calibrator in enumerate(member.calibrators)
    ]
    if count == 2:
        return g.concat([1.0 - shares[0], shares[0]])
    placed = g.concat(shares) @ (estimator.classes_[:, None] == member.classes).astype(np.float64)
    total = placed.sum(keepdims=True)
    return total.equals(0.0).where(1 / count, placed / total)


_CALIBRATIONS: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "isotonic": isotonic,
    "sigmoid": lambda scores, calibrator: (-(scores * calibrator.a_ + calibrator.b_)).sigmoid(),
}


def _tempered(scores: Tensor, member: Any, by_decision: bool) -> Tensor:
    """Softmax of scaled logits (_TemperatureScaling.predict)."""
    if len(member.classes) == 2:
        scores = scores.graph.concat([-scores if by_decision else 1.0 - scores, scores])
    logits = scores if by_decision else (scores + 1e-12).log()
    return (logits * member.calibrators[0].beta_).softmax()
