"""Attention."""

from __future__ import annotations

import math

import numpy as np

from ..bind import lowers
from ..graph import Graph, Tensor


@lowers("scaled_dot_product_attention", opset=18)
def scaled_dot_product_attention(
    g: Graph, *, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None
) -> Tensor:
    """softmax(query * transpose(key) / sqrt(E) + mask) * value; a boolean mask selects the positions that take part."""
    swapped = g.transpose(key, (*range(key.rank - 2), key.rank - 1, key.rank - 2))
    scores = g.op("Div", g.op("MatMul", query, swapped), _scale(g, query))
    if attn_mask is not None:
        scores = g.op("Add", scores, _addend(g, attn_mask))
    return g.op("MatMul", g.op("Softmax", scores, axis=-1), value)


def _scale(g: Graph, query: Tensor) -> Tensor:
    length = g.dim(query, -1)
    if isinstance(length, int):
        return g.like(math.sqrt(length), query)
    return g.op("Sqrt", g.cast(length, query.dtype))


def _addend(g: Graph, mask: Tensor) -> Tensor:
    if mask.dtype != np.bool_:
        return mask
    return g.op("Where", mask, g.const(0, "float32"), g.const(-np.inf, "float32"))
