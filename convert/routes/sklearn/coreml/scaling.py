"""Scalers, normalisers, projections and choices of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .....validate.coreml.files.proto import module
from ..models.families import SELECTORS
from .builder import Builder
from .linear import sum_weighted
from .wires import VECTOR, Columns, Floats, Origin, unsupported


def standard_scaler(b: Builder, model: Any, x: Columns) -> Columns:
    """(x - mean) / deviation, or one of the two."""
    return scale_columns(
        b, x, None if model.mean_ is None else -model.mean_, _reciprocal(model.scale_), model.transform
    )


def robust_scaler(b: Builder, model: Any, x: Columns) -> Columns:
    """(x - median) / range, or one of the two."""
    shift = -model.center_ if model.with_centering else None
    return scale_columns(b, x, shift, _reciprocal(model.scale_ if model.with_scaling else None), model.transform)


def max_abs_scaler(b: Builder, model: Any, x: Columns) -> Columns:
    """x / max |x|."""
    return _unclipped(b, model, scale_columns(b, x, None, _reciprocal(model.scale_), model.transform))


def min_max_scaler(b: Builder, model: Any, x: Columns) -> Columns:
    """scale * x + min."""
    return _unclipped(b, model, scale_columns(b, x, model.min_ / model.scale_, model.scale_, model.transform))


def _unclipped(b: Builder, model: Any, result: Columns) -> Columns:
    """The result; with ``clip`` one that only trees can use, since no stage of Core ML bounds values."""
    if not model.clip:
        return result
    (wire,) = result
    clipped = b.wire("clipped", wire.kind, wire.width, single=wire.single, origin=wire.origin)
    b.mark_unsupported(clipped, unsupported(model, "Core ML's scaler doesn't clip"))
    return (clipped,)


def _reciprocal(scale: Floats | None) -> Floats | None:
    return None if scale is None else 1.0 / scale


def scale_columns(
    b: Builder,
    x: Columns,
    shift: Floats | None,
    factor: Floats | None,
    function: Callable[[Floats], Floats] | None = None,
) -> Columns:
    """factor * (x + shift). ``function`` is the source's own, if it never decreases."""
    origin = None if function is None else Origin(x, function)
    vector = b.vector(x)
    result = b.wire("scaled", VECTOR, vector.width, single=vector.single, origin=origin)
    body = b.stage((vector,), (result,)).scaler
    body.shiftValue.extend(np.zeros(vector.width) if shift is None else shift)
    body.scaleValue.extend(np.ones(vector.width) if factor is None else factor)
    return (result,)


def normalizer(b: Builder, model: Any, x: Columns) -> Columns:
    """x divided by one of its norms."""
    kinds = module("Normalizer_pb2").Normalizer
    vector = b.vector(x)
    result = b.wire("normal", VECTOR, vector.width)
    body = b.stage((vector,), (result,)).normalizer
    body.normType = {"max": kinds.LMax, "l1": kinds.L1, "l2": kinds.L2}[model.norm]
    return (result,)


def select_columns(b: Builder, model: Any, x: Columns) -> Columns:
    """The columns that the selector keeps."""
    return b.select(x, model.get_support(indices=True).tolist())


def identity(b: Builder, model: Any, x: Columns) -> Columns:
    """A FunctionTransformer without function. Raises PG404 for any other."""
    if model.func is not None:
        raise unsupported(model, "Core ML's classic models can't run Python functions")
    return x


def principal_components(b: Builder, model: Any, x: Columns) -> Columns:
    """Centred and projected; with unit variance if ``whiten``."""
    scale = np.sqrt(model.explained_variance_) if model.whiten else np.ones(len(model.components_))
    weights = model.components_ / np.maximum(scale, np.finfo(np.float64).eps)[:, None]
    return (sum_weighted(b, x, weights, -weights @ model.mean_),)


def projection(b: Builder, model: Any, x: Columns) -> Columns:
    """``x @ components_.T``."""
    return (sum_weighted(b, x, model.components_, np.zeros(model.components_.shape[0])),)


TRANSFORMERS = {
    "StandardScaler": standard_scaler,
    "RobustScaler": robust_scaler,
    "MaxAbsScaler": max_abs_scaler,
    "MinMaxScaler": min_max_scaler,
    "Normalizer": normalizer,
    "FunctionTransformer": identity,
    **dict.fromkeys(SELECTORS, select_columns),
    **dict.fromkeys(("PCA", "IncrementalPCA"), principal_components),
    **dict.fromkeys(
        ("TruncatedSVD", "GaussianRandomProjection", "SparseRandomProjection", "NeighborhoodComponentsAnalysis"),
        projection,
    ),
}
