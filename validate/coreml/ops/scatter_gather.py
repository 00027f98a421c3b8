"""Elements by index: read (gather), and replaced or combined (scatter).

From iOS17 on a negative index is out of bounds. An index out of bounds is undefined unless ``validate_indices``
requests an error; here it is always an error.
"""

from __future__ import annotations

import numpy as np

from ..bind import Numerics, Op, lowers
from ..errors import unsupported
from ..graph import Dim, Graph, Tensor
from .elementwise_binary import without_zero

OUTSIDE = np.iinfo(np.int32).max
"""An index past the end of every axis; ONNX Runtime rejects it."""

REDUCTIONS = {"update": "none", "add": "add", "mul": "mul", "max": "max", "min": "min"}
"""The modes that ONNX supports."""


def as_index(g: Graph, indices: Tensor) -> Tensor:
    """``indices`` in a type that ONNX accepts. Negative ones count from the end."""
    return indices if indices.dtype == np.int32 else g.cast(indices, "int64")


def as_positive_index(g: Graph, op: Op, indices: Tensor) -> Tensor:
    """``indices`` with negative ones moved past the end of every axis. Raises PG404 for a negative constant."""
    indices = as_index(g, indices)
    if indices.value is None:
        negative = g.op("Less", indices, g.like(0, indices))
        return g.op("Where", negative, g.like(OUTSIDE, indices), indices)
    if np.any(indices.value < 0):
        raise unsupported(str(op), f"the index {indices.value.min()} is negative, which is out of bounds from iOS17 on")
    return indices


def gathered(g: Graph, x: Tensor, indices: Tensor, axis: int, batch_dims: int) -> Tensor:
    """Slices of ``x`` along ``axis``; the first ``batch_dims`` axes of both operands are batch axes."""
    if not batch_dims:
        return g.op("Gather", x, indices, axis=axis)
    position = axis % x.rank
    front = g.transpose(x, (*range(batch_dims), position, *range(batch_dims, position), *range(position + 1, x.rank)))
    last = g.const([-1], "int64")
    taken = g.op("GatherND", front, g.op("Unsqueeze", g.cast(indices, "int64"), last), batch_dims=batch_dims)
    # GatherND puts the axes of the indices first; the axes of x before ``axis`` must precede them.
    end = indices.rank + position - batch_dims
    perm = (*range(batch_dims), *range(indices.rank, end), *range(batch_dims, indices.rank), *range(end, taken.rank))
    return g.transpose(taken, perm)


@lowers("gather", numerics=Numerics.RAW)
def gather(g: Graph, *, x: Tensor, indices: Tensor, axis: int = 0) -> Tensor:
    """The slices of x at ``indices`` along ``axis``."""
    return gathered(g, x, as_index(g, indices), axis, 0)


@lowers("gather", opset=16, numerics=Numerics.RAW)
def gather_in_batches(g: Graph, *, x: Tensor, indices: Tensor, axis: int = 0, batch_dims: int = 0) -> Tensor:
    """As before, separately for each element of the first ``batch_dims`` axes."""
    return gathered(g, x, as_index(g, indices), axis, batch_dims)


@lowers("gather", opset=17, numerics=Numerics.RAW)
def gather_by_positive_index(
    g: Graph, op: Op, *, x: Tensor, indices: Tensor, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    """As before, without negative indices."""
    return gathered(g, x, as_positive_index(g, op, indices), axis, batch_dims)


@lowers("gather_along_axis", numerics=Numerics.RAW)
def gather_along_axis(g: Graph, *, x: Tensor, indices: Tensor, axis: int = 0) -> Tensor:
    """The elements of x whose coordinate on ``axis`` is given by ``indices``."""
    return g.op("GatherElements", x, as_index(g, indices), axis=axis)


@lowers("gather_along_axis", opset=17, numerics=Numerics.RAW)
def gather_along_axis_by_positive_index(
    g: Graph, op: Op, *, x: Tensor, indices: Tensor, axis: int = 0, validate_indices: bool = False
) -> Tensor:
    """As before, without negative indices."""
    return g.op("GatherElements", x, as_positive_index(g, op, indices), axis=axis)


@lowers("gather_nd", numerics=Numerics.RAW)
def gather_nd(g: Graph, *, x: Tensor, indices: Tensor) -> Tensor:
    """The slices of x at the coordinates in the last axis of ``indices``."""
    return g.op("GatherND", x, g.cast(indices, "int64"))


@lowers("gather_nd", opset=16, numerics=Numerics.RAW)
def gather_nd_in_batches(g: Graph, *, x: Tensor, indices: Tensor, batch_dims: int = 0) -> Tensor:
    """As before, separately for each element of the first ``batch_dims`` axes."""
    return g.op("GatherND", x, g.cast(indices, "int64"), batch_dims=batch_dims)


@lowers("gather_nd", opset=17, numerics=Numerics.RAW)
def gather_nd_by_positive_index(
    g: Graph, op: Op, *, x: Tensor, indices: Tensor, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    """As before, without negative indices."""
    return g.op("GatherND", x, g.cast(as_positive_index(g, op, indices), "int64"), batch_dims=batch_dims)


def scattered(g: Graph, op: Op, data: Tensor, indices: Tensor, updates: Tensor, axis: int, mode: str) -> Tensor:
    """``data`` with ``updates``, of the shape of ``indices``, combined into it along ``axis``.

    ONNX Runtime's ScatterElements applies them one after the other. (Its ScatterND works in parallel and loses updates
    of the same position, so it isn't used here.)
    """
    if mode == "sub":
        mode, updates = "add", g.op("Neg", updates)
    if mode == "div":
        ones = g.op("Expand", g.like(1, data), g.shape_of(data))
        divisor = scattered(g, op, ones, indices, updates, axis, "mul")
        return g.op("Div", data, divisor if data.dtype.kind == "f" else without_zero(g, divisor))
    if mode not in REDUCTIONS:
        raise unsupported(str(op), f"mode '{mode}' is not one of {', '.join([*REDUCTIONS, 'sub', 'div'])}")
    return g.op("ScatterElements", data, indices, updates, axis=axis, reduction=REDUCTIONS[mode])


def scattered_slices(g: Graph, op: Op, data: Tensor, indices: Tensor, updates: Tensor, axis: int, mode: str) -> Tensor:
    """``data`` with slices along ``axis`` combined; in ``updates`` the axes of ``indices`` replace ``axis``."""
    position = axis % data.rank
    if indices.rank != 1:
        indices = g.reshape(indices, [-1])
        before, after = range(position), range(position + 1, data.rank)
        updates = g.reshape(updates, [*(g.dim(data, i) for i in before), -1, *(g.dim(data, i) for i in after)])
    lined_up = g.reshape(indices, [-1, *(1,) * (data.rank - 1 - position)])
    everywhere = g.typed(g.op("Expand", lined_up, g.shape_of(updates)), updates.shape)
    return scattered(g, op, data, everywhere, updates, position, mode)


@lowers("scatter")
def scatter(
    g: Graph, op: Op, *, data: Tensor, indices: Tensor, updates: Tensor, axis: int = 0, mode: str = "add"
) -> Tensor:
    """data with the slices at ``indices`` along ``axis`` replaced or combined."""
    return scattered_slices(g, op, data, as_index(g, indices), updates, axis, mode)


@lowers("scatter", opset=17)
def scatter_by_positive_index(
    g: Graph,
    op: Op,
    *,
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> Tensor:
    """As before, without negative indices."""
    return scattered_slices(g, op, data, as_positive_index(g, op, indices), updates, axis, mode)


@lowers("scatter_along_axis")
def scatter_along_axis(
    g: Graph, op: Op, *, data: Tensor, indices: Tensor, updates: Tensor, axis: int = 0, mode: str = "add"
) -> Tensor:
    """data with the elements that gather_along_axis would read replaced or combined."""
    return scattered(g, op, data, as_index(g, indices), updates, axis, mode)


@lowers("scatter_along_axis", opset=17)
def scatter_along_axis_by_positive_index(
    g: Graph,
    op: Op,
    *,
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> Tensor:
    """As before, without negative indices."""
    return scattered(g, op, data, as_positive_index(g, op, indices), updates, axis, mode)


def scattered_points(g: Graph, op: Op, data: Tensor, indices: Tensor, updates: Tensor, mode: str) -> Tensor:
    """``data`` with the slices at the positions in the last axis of ``indices`` combined."""
    depth = g.dim(indices, -1)
    if not isinstance(depth, int):
        raise unsupported(str(op), "the length of the last axis of 'indices' is not known before the model runs")
    shape = [g.dim(data, i) for i in range(data.rank)]
    strides: list[Dim] = [1]
    for length in reversed(shape[1:depth]):
        strides.insert(0, g.calc("Mul", length, strides[0]))
    inside = _inside(g, g.cast(indices, "int64"), g.vector(shape[:depth]))
    lines = g.op("ReduceSum", g.op("Mul", inside, g.vector(strides)), g.const([-1], "int64"), keepdims=0)
    combined = scattered_slices(g, op, g.reshape(data, [-1, *shape[depth:]]), lines, updates, 0, mode)
    return g.reshape(combined, shape)


def _inside(g: Graph, indices: Tensor, lengths: Tensor) -> Tensor:
    """``indices`` counted from the front; an index out of bounds would otherwise become a valid flat index."""
    wrapped = g.op("Where", g.op("Less", indices, g.like(0, indices)), g.op("Add", indices, lengths), indices)
    # One comparison for both bounds: a negative number is huge as an unsigned one.
    fits = g.op("Less", g.cast(wrapped, "uint64"), g.cast(lengths, "uint64"))
    return g.op("Where", fits, wrapped, g.like(OUTSIDE, indices))


@lowers("scatter_nd")
def scatter_nd(g: Graph, op: Op, *, data: Tensor, indices: Tensor, updates: Tensor, mode: str = "add") -> Tensor:
    """data with the slices that gather_nd would read replaced or combined."""
    return scattered_points(g, op, data, as_index(g, indices), updates, mode)


@lowers("scatter_nd", opset=17)
def scatter_nd_by_positive_index(
    g: Graph,
    op: Op,
    *,
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    mode: str = "add",
    validate_indices: bool = False,
) -> Tensor:
    """As before, without negative indices."""
    return scattered_points(g, op, data, as_positive_index(g, op, indices), updates, mode)
