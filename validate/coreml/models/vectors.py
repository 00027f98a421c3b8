"""Feature engineering on numbers: scaling, imputing, selecting and joining."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Pairs, Slot, Tensor
from .base import MAX_ELEMENTS, ModelContext, pairs_input, tensor_input, transformed

L_MAX, L_1, L_2 = range(3)
"""Normalizer.NormType."""


def scaler(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """(x + shift) * scale; either may be missing, a single number, or one number per element."""
    x, p = g.cast(tensor_input(context, slots), "float64"), context.body
    shifted = g.op("Add", x, _operand(g, p.shiftValue, x)) if p.shiftValue else x
    scaled = g.op("Mul", shifted, _operand(g, p.scaleValue, x)) if p.scaleValue else shifted
    return transformed(context, scaled)


def _operand(g: Graph, numbers: list[float], x: Tensor) -> Tensor:
    values = np.array(numbers, np.float64)
    return g.const(values.reshape(x.static_shape) if values.size > 1 and x.static_shape else values)


def normalizer(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """x divided by its norm; a zero vector stays as it is."""
    x = g.cast(tensor_input(context, slots), "float64")
    kind = {L_MAX: "ReduceMax", L_1: "ReduceSum", L_2: "ReduceSumSquare"}.get(context.body.normType)
    if kind is None:
        raise unsupported("the normalizer", f"norm type {context.body.normType} is unknown")
    norm = g.op(kind, x if kind == "ReduceSumSquare" else g.op("Abs", x))
    root = g.op("Sqrt", norm) if kind == "ReduceSumSquare" else norm
    zero = g.op("Equal", root, g.like(0, root))
    return transformed(context, g.op("Div", x, g.op("Where", zero, g.like(1, root), root)))


def imputer(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """x with missing values replaced; the marker of a missing value is NaN by default."""
    p, slot = context.body, slots[context.input_names[0]]
    kind = p.WhichOneof("ImputedValue")
    if kind is None:
        raise damaged("the imputer", "it has no imputed value")
    if isinstance(slot, Pairs):
        return transformed(context, _imputed_pairs(g, p, kind, pairs_input(context, slots)))
    dtype = {"imputedStringValue": "str", "imputedInt64Value": "int64", "imputedInt64Array": "int64"}.get(
        kind, "float64"
    )
    x = slot if dtype == "str" else g.cast(slot, dtype)
    filling = getattr(p, kind)
    values = g.const(np.array(filling.vector if kind.endswith("Array") else filling, dtype))
    if kind.endswith("Array") and x.static_shape:
        values = g.reshape(values, x.static_shape)
    return transformed(context, g.op("Where", _is_missing(g, p, x), values, x))


def _is_missing(g: Graph, p: Message, x: Tensor) -> Tensor:
    kind = p.WhichOneof("ReplaceValue")
    marker = getattr(p, kind) if kind else np.nan
    if x.dtype.kind == "f" and np.isnan(marker):
        return g.op("IsNaN", x)
    if kind is None:
        raise damaged("the imputer", "it doesn't define the marker of missing values")
    return g.op("Equal", x, g.const(np.array(marker, x.dtype if x.dtype.kind != "U" else None)))


def _imputed_pairs(g: Graph, p: Message, kind: str, x: Pairs) -> Pairs:
    """A dictionary with missing values replaced by those of the imputer's dictionary."""
    table = dict(getattr(p, kind).map)
    known = labels_of(list(table))
    matches = g.op("Equal", g.op("Unsqueeze", x.keys, g.const([1], "int64")), g.const(known))
    fillings = g.op("Where", matches, g.const(list(table.values()), "float64"), g.const(0, "float64"))
    own = g.op("ReduceSum", fillings, g.const([1], "int64"), keepdims=0)
    has = g.cast(g.op("ReduceMax", g.cast(matches, "int32"), g.const([1], "int64"), keepdims=0), "bool")
    return Pairs(x.keys, g.op("Where", g.op("And", has, _is_missing(g, p, x.values)), own, x.values))


def labels_of(labels: list[object]) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Keys as an array of int64 or of text."""
    return np.array(labels, None if labels and isinstance(labels[0], str) else np.int64)


def array_feature_extractor(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Selected elements of an array."""
    x = g.reshape(tensor_input(context, slots), [-1])
    wanted = np.array(context.body.extractIndex, np.uint64).astype(np.int64)
    if x.static_shape and wanted.max(initial=0) >= x.static_shape[0]:
        raise damaged("the array feature extractor", f"it refers to element {wanted.max()} of {x.static_shape[0]}")
    return transformed(context, g.op("Gather", x, g.const(wanted)))


def feature_vectorizer(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """All inputs as one vector; a dictionary by index becomes a dense part of it."""
    parts = []
    for column in context.body.inputList:
        if column.inputColumn not in slots:
            raise damaged("the feature vectorizer", f"it takes '{column.inputColumn}', which is not an input")
        parts.append(_column(g, slots[column.inputColumn], column))
    return transformed(context, parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=0))


def _column(g: Graph, slot: Slot, column: Message) -> Tensor:
    if isinstance(slot, Pairs):
        if slot.keys.dtype.kind not in "iu":
            raise unsupported(f"input '{column.inputColumn}'", "only dictionaries with integer keys can become vectors")
        if column.inputDimensions > MAX_ELEMENTS:
            raise damaged(
                f"input '{column.inputColumn}'", f"a vector of {column.inputDimensions} elements is implausibly large"
            )
        return dense(g, slot, np.arange(column.inputDimensions))
    flat = g.reshape(g.cast(slot, "float64"), [-1])
    if flat.static_shape and flat.static_shape[0] != column.inputDimensions:
        raise damaged(
            f"input '{column.inputColumn}'", f"it has {flat.static_shape[0]} elements, not {column.inputDimensions}"
        )
    return flat


def dense(g: Graph, pairs: Pairs, labels: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Tensor:
    """The values of a dictionary in the order of ``labels``, 0 where it has none."""
    matches = g.op("Equal", g.op("Unsqueeze", g.const(labels), g.const([1], "int64")), pairs.keys)
    values = g.cast(pairs.values, "float64")
    return g.op("ReduceSum", g.op("Where", matches, values, g.like(0, values)), g.const([1], "int64"), keepdims=0)
