"""Feature engineering on categories: integers and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import damaged
from ..files.proto import Message
from ..graph import Graph, Pairs, Slot, Tensor
from ..onnx_types import ML_DOMAIN
from .base import ModelContext, pairs_input, tensor_input, transformed
from .vectors import dense, labels_of

if TYPE_CHECKING:
    from ...signature import Array

ERROR_ON_UNKNOWN = 0
"""OneHotEncoder.HandleUnknown."""


def one_hot_encoder(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A vector with a 1 at the category's position in the list; if sparse, a dictionary with that position."""
    p = context.body
    known = _labels(p, p.WhichOneof("CategoryType"), "the one-hot encoder")
    position = _position(g, tensor_input(context, slots), known)
    if p.handleUnknown == ERROR_ON_UNKNOWN:
        position = _checked(g, position, len(known))
    hits = g.op("Equal", g.const(np.arange(len(known))), position)
    if not p.outputSparse:
        return transformed(context, g.cast(hits, "float64"))
    keys = g.reshape(g.op("NonZero", hits), [-1])
    ones = g.op("Expand", g.const([1.0], "float64"), g.op("Shape", keys))
    return transformed(context, Pairs(keys, ones))


def dict_vectorizer(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The values of known keys by their position in the list: a vector, or a dictionary by position."""
    p, pairs = context.body, pairs_input(context, slots)
    known = _labels(p, p.WhichOneof("Map"), "the dictionary vectorizer")
    (output,) = context.description.output
    if output.type.WhichOneof("Type") != "dictionaryType":
        return transformed(context, dense(g, pairs, known))
    positions = _position(g, pairs.keys, known)
    is_known = g.op("GreaterOrEqual", positions, g.const(0, "int64"))
    return transformed(context, Pairs(*(g.op("Compress", v, is_known, axis=0) for v in (positions, pairs.values))))


def categorical_mapping(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Text for an integer, or an integer for text. Keys that aren't in the table give the default, or an error."""
    p = context.body
    kind = p.WhichOneof("MappingType")
    table = dict(getattr(p, kind).map) if kind else {}
    if not table:
        raise damaged("the categorical mapping", "its table is empty")
    position = _position(g, tensor_input(context, slots), labels_of(list(table)))
    values = list(table.values())
    fallback = p.WhichOneof("ValueOnUnknown")
    if fallback is None:
        position = _checked(g, position, len(values))
    else:
        # An unknown key has the position -1, the last one.
        values.append(getattr(p, fallback))
    return transformed(context, g.op("Gather", g.const(labels_of(values)), position))


def _labels(p: Message, kind: str | None, what: str) -> Array:
    if kind is None or not getattr(p, kind).vector:
        raise damaged(what, "it has no categories")
    return labels_of(list(getattr(p, kind).vector))


def _position(g: Graph, x: Tensor, known: Array) -> Tensor:
    """The position of each element of ``x`` in ``known``; -1 for unknown elements."""
    is_text = known.dtype.kind == "U"
    keys = {"keys_strings" if is_text else "keys_int64s": known.tolist()}
    types = [(np.dtype("int64"), x.shape)]
    (position,) = g.ops(
        "LabelEncoder", x if is_text else g.cast(x, "int64"), outputs=1, domain=ML_DOMAIN, types=types,
        values_int64s=list(range(len(known))), default_int64=-1, **keys,
    )  # fmt: skip
    return position


def _checked(g: Graph, position: Tensor, count: int) -> Tensor:
    """``position``, where an unknown category is an error: ONNX Runtime rejects an index past the end."""
    behind = g.op("Where", g.op("Less", position, g.const(0, "int64")), g.const(count, "int64"), position)
    return g.op("Gather", g.const(np.arange(count)), behind)
