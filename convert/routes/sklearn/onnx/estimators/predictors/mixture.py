"""Gaussian mixtures in double: the component of the greatest density, and each one's share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import LABEL, EstimatorGraph, Output, declare
from ...tensors import Tensor

Array = NDArray[Any]


def register() -> None:
    """Register this module's converters."""
    from sklearn import mixture

    for kind in (mixture.GaussianMixture, mixture.BayesianGaussianMixture):
        declare(kind, gaussian_mixture, lambda model: [LABEL, Output("probabilities", (model.n_components,))])


def gaussian_mixture(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``.

    What doesn't depend on the sample (weights, determinants, the priors' terms) is one constant per component. It
    is read off scikit-learn's own result for one sample.
    """
    factors = _factors(model)
    sample = model.means_[:1]
    distances = [((sample - mean) @ factor) ** 2 for mean, factor in zip(model.means_, factors, strict=True)]
    constant = model._estimate_weighted_log_prob(sample) + 0.5 * np.stack([d.sum(axis=1) for d in distances], axis=1)
    squares = [_squared(g.x - mean, factor) for mean, factor in zip(model.means_, factors, strict=True)]
    density = g.concat(squares) * -0.5 + constant
    return [density.argmax(), density.softmax()]


def _factors(model: Any) -> list[Array]:
    """A matrix for each component that turns a deviation into standard normal numbers."""
    cholesky = model.precisions_cholesky_
    width = model.means_.shape[1]
    if model.covariance_type == "tied":
        return [cholesky] * model.n_components
    if model.covariance_type == "spherical":
        return [np.eye(width) * scale for scale in cholesky]
    return [np.diag(scales) for scales in cholesky] if model.covariance_type == "diag" else list(cholesky)


def _squared(deviation: Tensor, factor: Array) -> Tensor:
    scaled = deviation @ factor
    return (scaled * scaled).sum(keepdims=True)
