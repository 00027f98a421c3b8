"""Elements of tensors read and replaced by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import countable, length, lengths, positions, reshape, scalar, select, times, unsqueezed, vector
from ..mil import Var, mb
from ..node import Node
from ..registry import translates

REDUCTIONS = {"none": "update", "add": "add", "mul": "mul", "max": "max", "min": "min"}


def _counted(node: Node, indices: Var, size: Any) -> Var:
    """Indices counted from the front: from iOS17 on Core ML doesn't accept negative ones."""
    if indices.val is not None and isinstance(size, int):
        return mb.const(val=np.asarray(np.where(indices.val < 0, indices.val + size, indices.val), np.int32))
    if node.target.specification < 8:
        return indices
    size = np.int32(size) if isinstance(size, int) else scalar(size)
    return select(cond=mb.less(x=indices, y=np.int32(0)), a=mb.add(x=indices, y=size), b=indices)


@translates("Gather")
def gather(node: Node, data: Var, indices: Var, *, axis: int) -> Var:
    """Slices along an axis."""
    indices, axis = _counted(node, indices, length(data, axis)), axis % data.rank
    if node.target.program or indices.rank or data.rank == 1:
        return mb.gather(x=countable(data), indices=indices, axis=axis)
    # In a neural network an index has at least one axis, so the axis that a scalar index removes would remain.
    rows = mb.gather(x=countable(data), indices=mb.expand_dims(x=indices, axes=[0]), axis=axis)
    return mb.squeeze(x=rows, axes=[axis])


@translates("GatherElements", since=11)
def gather_elements(node: Node, data: Var, indices: Var, *, axis: int) -> Var:
    """One element per index; the index replaces its coordinate on ``axis``."""
    indices, axis = _counted(node, indices, length(data, axis)), axis % data.rank
    return mb.gather_along_axis(x=_cropped(countable(data), indices, axis), indices=indices, axis=axis)


def _other_lengths(data: Var, indices: Var, axis: int) -> bool:
    """Whether the indices are shorter than the data on any axis but ``axis``, as far as the shapes tell."""
    return any(d != n for i, (d, n) in enumerate(zip(data.shape, indices.shape, strict=True)) if i != axis)


def _cropped(data: Var, indices: Var, axis: int) -> Var:
    """The data up to the lengths of the indices on all axes but ``axis``: in MIL these are equal."""
    if not _other_lengths(data, indices, axis):
        return data
    sizes = [length(data if i == axis else indices, i) for i in range(data.rank)]
    return mb.slice_by_size(x=data, begin=[0] * data.rank, size=vector(sizes))


@translates("GatherND", since=11)
def gather_nd(node: Node, data: Var, indices: Var, *, batch_dims: int = 0) -> Var:
    """Slices at coordinates."""
    indices = _coordinates(node, data, indices, batch_dims)
    if not batch_dims:
        return mb.gather_nd(x=countable(data), indices=indices)
    node.need("iOS16")
    return mb.gather_nd(x=countable(data), indices=indices, batch_dims=batch_dims)


def _coordinates(node: Node, data: Var, indices: Var, skipped: int = 0) -> Var:
    """Coordinates counted from the front, if the lengths are known."""
    width = int(indices.shape[-1])
    sizes = lengths(data)[skipped : skipped + width]
    if not all(isinstance(n, int) for n in sizes):
        return indices
    row = np.array(sizes, np.int32)
    if indices.val is not None:
        return mb.const(val=np.where(indices.val < 0, indices.val + row, indices.val).astype(np.int32))
    return select(cond=mb.less(x=indices, y=np.int32(0)), a=mb.add(x=indices, y=row), b=indices)


@translates("Scatter", since=9)
@translates("ScatterElements", since=11)
def scatter_elements(node: Node, data: Var, indices: Var, updates: Var, *, axis: int, reduction: str = "none") -> Var:
    """One update per index; the index replaces its coordinate on ``axis``."""
    indices = _counted(node, indices, length(data, axis))
    data, updates, axis = countable(data), countable(updates), axis % data.rank
    mode = REDUCTIONS[reduction]
    if _other_lengths(data, indices, axis):
        return mb.scatter_nd(data=data, indices=_every_coordinate(indices, axis), updates=updates, mode=mode)
    return mb.scatter_along_axis(data=data, indices=indices, updates=updates, axis=axis, mode=mode)


def _every_coordinate(indices: Var, axis: int) -> Var:
    """The coordinates of each index on all axes, along a new last one: its own place, but the index on ``axis``."""
    zeros = mb.mul(x=indices, y=np.int32(0))
    places = [
        indices if i == axis else mb.add(x=zeros, y=unsqueezed(positions(length(indices, i)), range(1, rest)))
        for i, rest in enumerate(range(indices.rank, 0, -1))
    ]
    return mb.stack(values=places, axis=indices.rank)


@translates("ScatterND", since=11)
def scatter_nd(node: Node, data: Var, indices: Var, updates: Var, *, reduction: str = "none") -> Var:
    """Slices replaced at coordinates."""
    indices = _coordinates(node, data, indices)
    data, updates = countable(data), countable(updates)
    return mb.scatter_nd(data=data, indices=indices, updates=updates, mode=REDUCTIONS[reduction])


@translates("Compress", since=9)
def compress(node: Node, x: Var, condition: Var, *, axis: int | None = None) -> Var:
    """The slices along an axis, or the elements, for which a condition is true."""
    x = countable(x)
    if axis is None:
        x, axis = reshape(x, [times(lengths(x))]), 0
    kept = reshape(mb.non_zero(x=mb.cast(x=condition, dtype="int32")), [-1])
    return mb.gather(x=x, indices=kept, axis=axis)
