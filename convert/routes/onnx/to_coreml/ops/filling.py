"""Constant, one-hot and triangular tensors, ranges, and the positions of non-zero elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import (
    countable,
    length,
    positions,
    reshape,
    scalar,
    select,
    static,
    unsqueezed,
    zero,
)
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array, cast_name, narrowed


@translates("ConstantOfShape", since=9)
def constant_of_shape(node: Node, shape: Var, *, value: Array | None = None) -> Var:
    """A tensor filled with one number."""
    array = narrowed(np.zeros(1, np.float32) if value is None else value)
    number = array.astype(np.int32) if array.dtype == bool else array
    return mb.fill(shape=shape, value=number.reshape(-1)[0])


@translates("EyeLike", since=9)
def eye_like(node: Node, x: Var, *, k: int, dtype: int | None = None) -> Any:
    """1 on the k-th diagonal, 0 elsewhere."""
    result = node.results[0] or node.dtype()
    if static(x):
        return np.eye(int(x.shape[0]), int(x.shape[1]), k).astype(result)
    rows, columns = unsqueezed(positions(length(x, 0)), [1]), positions(length(x, 1))
    on = mb.equal(x=mb.add(x=rows, y=np.int32(k)), y=columns)
    return mb.cast(x=on, dtype=cast_name(result))


@translates("Range", since=11)
def arange(node: Node, start: Var, limit: Var, delta: Var) -> Var:
    """start, start + delta, ... before limit."""
    return mb.range_1d(start=scalar(start), end=scalar(limit), step=scalar(delta))


@translates("OneHot", since=9)
def one_hot(node: Node, indices: Var, depth: Var, values: Var, *, axis: int) -> Var:
    """The second of two values at each index along a new axis, else the first; negative ones count from the end."""
    position = axis % (indices.rank + 1)
    indices = unsqueezed(mb.cast(x=indices, dtype="int32"), [position])
    count = mb.cast(x=scalar(depth), dtype="int32")
    known = depth.val is not None
    spots: Any = positions(int(np.reshape(depth.val, -1)[0]) if known else unsqueezed(count, [0]))
    spots = reshape(spots, [-1 if i == position else 1 for i in range(indices.rank)])
    from_end = mb.equal(x=mb.add(x=indices, y=count), y=spots)
    off, on = mb.split(x=countable(values), axis=0, num_splits=2)
    hit = mb.logical_or(x=mb.equal(x=indices, y=spots), y=from_end)
    return select(cond=hit, a=scalar(on), b=scalar(off))


@translates("Trilu", since=14)
def trilu(node: Node, x: Var, k: Var | None = None, *, upper: int) -> Var:
    """The triangle above or below the k-th diagonal, 0 elsewhere."""
    x = countable(x)
    offset = mb.sub(x=positions(length(x, -1)), y=unsqueezed(positions(length(x, -2)), [1]))
    diagonal = np.int32(0) if k is None else scalar(k)
    kept = (mb.greater_equal if upper else mb.less_equal)(x=offset, y=diagonal)
    return select(cond=kept, a=x, b=zero(x))


@translates("NonZero", since=9)
def non_zero(node: Node, x: Var) -> Var:
    """The coordinates of the non-zero elements, shape (rank, elements)."""
    x = countable(x)
    return mb.transpose(x=mb.non_zero(x=x if x.rank else mb.expand_dims(x=x, axes=[0])), perm=[1, 0])
