"""Partial least squares and related methods."""

from __future__ import annotations

from typing import Any

from ...declare import EstimatorGraph, regressor, transformer
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import cross_decomposition

    for kind in (cross_decomposition.CCA, cross_decomposition.PLSCanonical, cross_decomposition.PLSRegression):
        regressor(kind, pls, lambda model: int(model.coef_.shape[0]))
    transformer(cross_decomposition.PLSSVD, pls_svd)


def pls(g: EstimatorGraph, model: Any) -> Tensor:
    """A linear model of the centred features."""
    return (g.x - model._x_mean) @ model.coef_.T + model.intercept_


def pls_svd(g: EstimatorGraph, model: Any) -> Tensor:
    """Scores of the scaled features."""
    return ((g.x - model._x_mean) / model._x_std) @ model.x_weights_
