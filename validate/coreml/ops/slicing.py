"""Slices by index and size, and their updates (coremltools has these among the tensor transformations)."""

from __future__ import annotations

import numpy as np

from ..bind import Bools, Ints, Numerics, lowers
from ..graph import Graph, Tensor

LAST = np.iinfo(np.int64).max
"""ONNX's Slice clamps this to the end, and its negative to the position before the first element."""


@lowers("slice_by_index", numerics=Numerics.RAW)
def slice_by_index(
    g: Graph,
    *,
    x: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """x[begin:end:stride] per axis; a mask opens a bound, squeeze selects the element at begin and drops the axis."""
    none = (False,) * x.rank
    squeeze = squeeze_mask or none
    starts, ends, steps = _bounds(
        g, begin, end, stride or (1,) * x.rank, begin_mask or none, end_mask or none, squeeze
    )  # fmt: skip
    sliced = g.op("Slice", x, starts, ends, g.const(np.arange(x.rank)), steps)
    gone = [i for i, s in enumerate(squeeze) if s]
    return g.op("Squeeze", sliced, g.const(gone, "int64")) if gone else sliced


@lowers("slice_update", opset=18, numerics=Numerics.RAW)
def slice_update(
    g: Graph,
    *,
    x: Tensor,
    update: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Tensor:
    """x with the elements that slice_by_index would select replaced by ``update``."""
    none = (False,) * x.rank
    squeeze = squeeze_mask or none
    starts, ends, steps = _bounds(
        g, begin, end, stride or (1,) * x.rank, begin_mask or none, end_mask or none, squeeze
    )  # fmt: skip
    lengths = g.shape_of(x)
    positions = [_sliced_range(g, lengths, starts, ends, steps, axis) for axis in range(x.rank)]
    counts = g.op("Concat", *(g.op("Shape", p) for p in positions), axis=0)
    last = g.const([-1], "int64")
    grid = [
        g.op("Unsqueeze", g.op("Expand", g.reshape(p, [-1, *(1,) * (x.rank - 1 - axis)]), counts), last)
        for axis, p in enumerate(positions)
    ]
    return g.op("ScatterND", x, g.op("Concat", *grid, axis=-1), g.op("Reshape", update, counts))


def _sliced_range(g: Graph, lengths: Tensor, starts: Tensor, ends: Tensor, steps: Tensor, axis: int) -> Tensor:
    """The positions along ``axis`` that the slice selects."""
    at = g.const([axis], "int64")
    length = g.reshape(g.op("Gather", lengths, at), [])
    every = g.op("Range", g.const(0, "int64"), length, g.const(1, "int64"))
    zeroth = g.const([0], "int64")
    return g.op("Slice", every, *(g.op("Gather", v, at) for v in (starts, ends)), zeroth, g.op("Gather", steps, at))


def _bounds(
    g: Graph, begin: Tensor, end: Tensor, stride: Ints, begin_mask: Bools, end_mask: Bools, squeeze: Bools
) -> tuple[Tensor, Tensor, Tensor]:
    """Starts, ends and steps for ONNX's Slice."""
    steps = np.where(squeeze, 1, stride).astype(np.int64)
    forward = steps > 0
    starts = _masked(g, g.cast(begin, "int64"), begin_mask, np.where(forward, 0, LAST))
    ends = _masked(g, g.cast(end, "int64"), end_mask, np.where(forward, LAST, -LAST))
    if any(squeeze):
        ends = _where(g, g.const(squeeze), _next(g, starts), ends)
    return starts, ends, g.const(steps)


def _masked(g: Graph, bounds: Tensor, mask: Bools, open_end: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Tensor:
    return _where(g, g.const(mask), g.const(open_end.astype(np.int64)), bounds) if any(mask) else bounds


def _next(g: Graph, starts: Tensor) -> Tensor:
    """One past each start; after -1 comes the end, not 0."""
    if starts.value is not None:
        return g.const(np.where(starts.value == -1, LAST, starts.value + 1))
    is_last = g.op("Equal", starts, g.const(-1, "int64"))
    return g.op("Where", is_last, g.const(LAST, "int64"), g.op("Add", starts, g.const(1, "int64")))


def _where(g: Graph, mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    if mask.value is not None and yes.value is not None and no.value is not None:
        return g.const(np.where(mask.value, yes.value, no.value))
    return g.op("Where", mask, yes, no)


@lowers("slice_by_size", numerics=Numerics.RAW)
def slice_by_size(g: Graph, *, x: Tensor, begin: Tensor, size: Tensor) -> Tensor:
    """``size`` elements from ``begin`` on, per axis; -1 selects all remaining elements."""
    lengths = g.shape_of(x)
    begin, size = g.cast(begin, "int64"), g.cast(size, "int64")
    zero = g.const(0, "int64")
    starts = g.op("Where", g.op("Less", begin, zero), g.op("Add", begin, lengths), begin)
    ends = g.op("Where", g.op("Less", size, zero), lengths, g.op("Add", starts, size))
    return g.op("Slice", x, starts, ends, g.const(np.arange(x.rank)))
