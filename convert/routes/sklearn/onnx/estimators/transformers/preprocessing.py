"""Transformers that treat each column by itself: bins, powers, quantiles, splines, functions."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import AS_INPUT, EstimatorGraph, Output, declare, transformer
from ...functions import elementwise, log1p, normal_quantile
from ...tables import interpolate, interval, look_up
from ...tensors import Tensor

Array = NDArray[Any]

_NEAR_BOUND = 1e-7
"""BOUNDS_THRESHOLD of sklearn.preprocessing._data."""


def register() -> None:
    """Register this module's converters."""
    from sklearn import preprocessing

    declare(preprocessing.FunctionTransformer, function_transformer, _function_output)
    transformer(preprocessing.KBinsDiscretizer, k_bins_discretizer)
    transformer(preprocessing.Normalizer, normalizer, lambda model: model.n_features_in_)
    transformer(preprocessing.PowerTransformer, power_transformer)
    transformer(preprocessing.QuantileTransformer, quantile_transformer)
    transformer(preprocessing.SplineTransformer, spline_transformer)


def _function_output(model: Any) -> list[Output]:
    return [Output("variable", (getattr(model, "n_features_in_", None),), AS_INPUT if model.func is None else None)]


def function_transformer(g: EstimatorGraph, model: Any) -> Tensor:
    """The input, or a function of numpy applied to it."""
    if model.func is None:
        return g.concat(g.inputs)
    if model.kw_args:
        raise RuntimeError(f"FunctionTransformer(kw_args={model.kw_args!r}) has no translation to ONNX")
    return elementwise(model.func)(g.x)


def normalizer(g: EstimatorGraph, model: Any) -> Tensor:
    """Rows of norm 1."""
    return normalized(g.x, model.norm)


def normalized(x: Tensor, norm: str | None) -> Tensor:
    """Rows of norm ``l1``, ``l2`` or ``max`` 1, unchanged for None; rows of zeros stay zeros."""
    if norm is None:
        return x
    size = abs(x).sum(keepdims=True) if norm == "l1" else abs(x).max(keepdims=True)
    if norm == "l2":
        size = (x * x).sum(keepdims=True).sqrt()
    return x / size.equals(0.0).where(1.0, size)


def k_bins_discretizer(g: EstimatorGraph, model: Any) -> Tensor:
    """The number of inner edges that a value reaches, as it is or one-hot."""
    codes = interval(g.x, [edges[1:-1] for edges in model.bin_edges_])
    if model.encode == "ordinal":
        return codes.cast(np.float64)
    column = np.repeat(np.arange(len(model.n_bins_)), model.n_bins_)
    bins = np.concatenate([np.arange(count) for count in model.n_bins_])
    return codes.columns(column).equals(bins).cast(np.float64)


def power_transformer(g: EstimatorGraph, model: Any) -> Tensor:
    """Box-Cox or Yeo-Johnson per column, then standardised."""
    powers = {"box-cox": box_cox, "yeo-johnson": _yeo_johnson}
    transformed = powers[model.method](g.x, model.lambdas_)
    if not model.standardize:
        return transformed
    return (transformed - model._scaler.mean_) / model._scaler.scale_


def box_cox(x: Tensor, exponent: Array) -> Tensor:
    """``(x^e - 1) / e`` per column, ``log(x)`` where e is 0."""
    zero = exponent == 0
    power = (x ** np.where(zero, 1.0, exponent) - 1.0) / np.where(zero, 1.0, exponent)
    return x.graph.constant(zero).where(x.log(), power) if zero.any() else power


def _yeo_johnson(x: Tensor, exponent: Array) -> Tensor:
    """Box-Cox of ``1 + x`` where x is positive, and of ``1 - x`` with ``2 - e`` and the opposite sign elsewhere."""
    positive = _shifted_box_cox(x.maximum(0.0), exponent)
    negative = _shifted_box_cox(-(x.minimum(0.0)), 2.0 - exponent)
    return (x >= 0.0).where(positive, -negative)


def _shifted_box_cox(x: Tensor, exponent: Array) -> Tensor:
    zero = np.abs(exponent) < np.finfo(np.float64).eps
    power = ((x + 1.0) ** np.where(zero, 1.0, exponent) - 1.0) / np.where(zero, 1.0, exponent)
    return x.graph.constant(zero).where(log1p(x), power) if zero.any() else power


def quantile_transformer(g: EstimatorGraph, model: Any) -> Tensor:
    """The share of training values below, interpolated between quantiles; for "normal", that quantile of it."""
    quantiles = list(model.quantiles_.T)
    shares = interpolate(g.x, quantiles, [model.references_] * len(quantiles))
    if model.output_distribution == "uniform":
        return shares
    low, high = model.quantiles_[0], model.quantiles_[-1]
    bounded = (g.x + _NEAR_BOUND > high).where(1.0, shares)
    bounded = (g.x - _NEAR_BOUND < low).where(0.0, bounded)
    edge = _NEAR_BOUND - np.spacing(1)
    return normal_quantile(bounded.clip(edge, 1 - edge))


def spline_transformer(g: EstimatorGraph, model: Any) -> Tensor:
    """B-spline basis functions of each column, (n, columns * functions)."""
    splines, x = model.bsplines_, g.x
    if model.extrapolation in ("constant", "linear"):
        basis = _extrapolated(x, model)
    elif model.extrapolation == "periodic":
        low, high = (np.array([spline.t[end] for spline in splines]) for end in (model.degree, -model.degree - 1))
        period = np.where(high > low, high - low, 1.0)
        basis = _basis(x - ((x - low) / period).floor() * period, splines)
    else:
        basis = _basis(x, splines)
    if model.handle_missing == "zeros":
        basis = x.is_nan().expand_dims(2).where(0.0, basis)
    kept = basis if model.include_bias else basis.take(np.arange(splines[0].c.shape[1] - 1), axis=2)
    return kept.reshape(0, len(model.get_feature_names_out()))


def _extrapolated(x: Tensor, model: Any) -> Tensor:
    """The basis functions within the bounds; beyond them, those at that end continue, and all others are 0.

    SplineTransformer counts ``degree`` up from column to column when it extrapolates linearly with a degree below 2,
    which moves the bounds of all columns but the first inwards. What it gives is what counts.
    """
    linear, degree = model.extrapolation == "linear", model.degree
    ends: list[tuple[Array, ...]] = []
    for spline in model.bsplines_:
        low, high = spline.t[degree], spline.t[-degree - 1]
        degree += linear and degree <= 1
        function = np.arange(spline.c.shape[1])
        first, last = function < degree, function >= len(function) - degree
        ends.append((low, spline(low) * first, linear * spline(low, nu=1) * first))
        ends.append((high, spline(high) * last, linear * spline(high, nu=1) * last))
    (low, low_value, low_slope), (high, high_value, high_slope) = (
        (np.stack(part) for part in zip(*ends[side::2], strict=True)) for side in (0, 1)
    )
    below = (x - low).expand_dims(2) * low_slope + low_value
    above = (x - high).expand_dims(2) * high_slope + high_value
    outside = (x > high).expand_dims(2).where(above, _basis(x, model.bsplines_))
    return (x < low).expand_dims(2).where(below, outside)


def _basis(x: Tensor, splines: Any) -> Tensor:
    """All basis functions of all columns, (n, columns, functions): each interval's Taylor polynomial at its start."""
    degree = splines[0].k
    starts = [spline.t[degree : -degree - 1] for spline in splines]
    index = interval(x, [start[1:] for start in starts])
    offset = (x - look_up(index, starts)).expand_dims(2)

    def term(order: int) -> Tensor:
        parts = [spline(start, nu=order) / factorial(order) for spline, start in zip(splines, starts, strict=True)]
        return look_up(index, parts)

    result = term(degree)
    for order in reversed(range(degree)):
        result = result * offset + term(order)
    return result
