"""TransformedTargetRegressor, and the inverses of the transformers that it may hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, Output, declare
from ...functions import elementwise, normal_distribution
from ...tables import interpolate
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn.compose import TransformedTargetRegressor

    declare(TransformedTargetRegressor, transformed_target_regressor, _output)


def _output(model: Any) -> list[Output]:
    """One column per target; in double where a linear model's unbounded prediction may leave the range of float32."""
    targets = 1 if model._training_dim == 1 else int(model.transformer_.n_features_in_)
    return [Output("variable", (targets,), np.dtype(np.float64) if hasattr(model.regressor_, "coef_") else None)]


def transformed_target_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The regressor's prediction after the transformer's inverse."""
    return inverse(g.call(model.regressor_)[0], model.transformer_)


def inverse(y: Tensor, transformer: Any) -> Tensor:
    """``inverse_transform`` of a fitted transformer. Raises RuntimeError for one without a translation."""
    from sklearn import pipeline, preprocessing

    inverses: dict[type, Callable[[Tensor, Any], Tensor]] = {
        preprocessing.FunctionTransformer: _function,
        preprocessing.MaxAbsScaler: lambda y, scaler: y * scaler.scale_,
        preprocessing.MinMaxScaler: lambda y, scaler: (y - scaler.min_) / scaler.scale_,
        preprocessing.PowerTransformer: _power,
        preprocessing.QuantileTransformer: _quantile,
        preprocessing.RobustScaler: lambda y, scaler: _unscaled(y, scaler.scale_, scaler.center_),
        preprocessing.StandardScaler: lambda y, scaler: _unscaled(y, scaler.scale_, scaler.mean_),
        pipeline.Pipeline: _pipeline,
    }
    if type(transformer) not in inverses:
        known = ", ".join(sorted(kind.__name__ for kind in inverses))
        raise RuntimeError(
            f"the inverse of {type(transformer).__name__} has no translation to ONNX, only those of {known}"
        )
    return inverses[type(transformer)](y, transformer)


def _pipeline(y: Tensor, pipeline: Any) -> Tensor:
    for _, step in reversed(pipeline.steps):
        y = y if step in ("passthrough", None) else inverse(y, step)
    return y


def _function(y: Tensor, transformer: Any) -> Tensor:
    if transformer.inverse_func is None:
        return y
    if transformer.inv_kw_args:
        raise RuntimeError(f"FunctionTransformer(inv_kw_args={transformer.inv_kw_args!r}) has no translation to ONNX")
    return elementwise(transformer.inverse_func)(y)


def _unscaled(y: Tensor, scale: Any, centre: Any) -> Tensor:
    spread = y if scale is None else y * scale
    return spread if centre is None else spread + centre


def _power(y: Tensor, transformer: Any) -> Tensor:
    if transformer.standardize:
        y = _unscaled(y, transformer._scaler.scale_, transformer._scaler.mean_)
    columns = [y.columns([j]) for j in range(len(transformer.lambdas_))]
    invert = {"box-cox": _inverse_box_cox, "yeo-johnson": _inverse_yeo_johnson}[transformer.method]
    return y.graph.concat([invert(column, float(e)) for column, e in zip(columns, transformer.lambdas_, strict=True)])


def _inverse_box_cox(y: Tensor, exponent: float) -> Tensor:
    """``(e y + 1)^(1 / e)``, ``exp(y)`` where e is 0."""
    return y.exp() if exponent == 0 else (y * exponent + 1.0) ** (1 / exponent)


def _inverse_yeo_johnson(y: Tensor, exponent: float) -> Tensor:
    """The inverse of Box-Cox minus 1 where y is positive; elsewhere with ``2 - e`` and opposite signs."""
    positive = _inverse_box_cox(y.maximum(0.0), exponent) - 1.0
    negative = 1.0 - _inverse_box_cox(-(y.minimum(0.0)), 2.0 - exponent)
    return (y >= 0.0).where(positive, negative)


def _quantile(y: Tensor, transformer: Any) -> Tensor:
    """Interpolation between the quantiles; the ends of the distribution become the outermost quantiles."""
    shares = normal_distribution(y) if transformer.output_distribution == "normal" else y
    quantiles = list(transformer.quantiles_.T)
    found = interpolate(shares, [transformer.references_] * len(quantiles), quantiles)
    if transformer.output_distribution == "uniform":
        return found
    found = (shares + 1e-7 > 1.0).where(transformer.quantiles_[-1], found)
    return (shares - 1e-7 < 0.0).where(transformer.quantiles_[0], found)
