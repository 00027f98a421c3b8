"""Quadratic discriminants in double. The linear ones are linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, labels
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    classifier(QuadraticDiscriminantAnalysis, quadratic_discriminant_analysis, decision)


def quadratic_discriminant_analysis(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class of the greatest posterior."""
    posterior = _log_posterior(g, model)
    return [labels(posterior.argmax(), model.classes_), posterior.softmax()]


def decision(g: EstimatorGraph, model: Any) -> Tensor:
    """The log-posteriors up to a constant; of two classes their difference."""
    posterior = _log_posterior(g, model)
    return posterior @ np.array([[-1.0], [1.0]]) if len(model.classes_) == 2 else posterior


def _log_posterior(g: EstimatorGraph, model: Any) -> Tensor:
    squares = []
    for mean, rotation, scaling in zip(model.means_, model.rotations_, model.scalings_, strict=True):
        scaled = (g.x - mean) @ (rotation / np.sqrt(scaling))
        squares.append((scaled * scaled).sum(keepdims=True))
    determinants = np.array([np.sum(np.log(scaling)) for scaling in model.scalings_])
    return g.concat(squares) * -0.5 + (np.log(model.priors_) - 0.5 * determinants)
