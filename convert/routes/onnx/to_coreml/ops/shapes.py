"""Shapes, and tensors reshaped, reordered or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..branches import ImpossibleError
from ..common import (
    Length,
    countable,
    length,
    lengths,
    positive_axes,
    reshape,
    scalar,
    select,
    static,
    times,
    to_rank,
    transpose,
    unsqueezed,
    vector,
    zero,
)
from ..mil import Var, is_symbolic, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Ints, Operand, narrowed


@translates("Identity")
def identity(node: Node, x: Operand) -> Any:
    """x."""
    return x


@translates("Shape")
def shape_all(node: Node, x: Var) -> Any:
    """All lengths."""
    return shape(node, x)


@translates("Shape", since=15)
def shape(node: Node, x: Var, *, start: int = 0, end: int | None = None) -> Any:
    """The lengths from ``start`` to ``end``."""
    parts = lengths(x)[start:end]
    if all(isinstance(p, int) for p in parts):
        return np.array(parts, np.int64)
    return mb.shape(x=x) if len(parts) == x.rank else vector(parts)


@translates("Size")
def size(node: Node, x: Var) -> Any:
    """The number of elements."""
    count = times(lengths(x))
    return np.array(count, np.int64) if isinstance(count, int) else scalar(count)


@translates("Reshape")
def reshape_attribute(node: Node, x: Var, *, shape: Ints) -> Var:
    """x in the attribute's shape."""
    return _reshaped(node, x, shape, 0)


@translates("Reshape", since=5)
def reshape_input(node: Node, x: Var, shape: Operand, *, allowzero: int = 0) -> Var:
    """x in another shape, where 0 copies a length and -1 is inferred."""
    if shape.known:
        return _reshaped(node, x, [int(n) for n in shape.content], allowzero)
    return mb.reshape(x=countable(x), shape=_without_zeros(x, shape.content))


def _reshaped(node: Node, x: Var, shape: Sequence[int], allowzero: int) -> Var:
    x = countable(x)
    parts: list[Length] = [length(x, i) if n == 0 and not allowzero else n for i, n in enumerate(shape)]
    if any(isinstance(p, int) and p == 0 for p in parts):
        raise node.unsupported("its result is empty, and Core ML has no empty tensors")
    if static(x) and -1 in parts:
        others = times([p for p in parts if p != -1])
        parts[parts.index(-1)] = int(np.prod(x.shape)) // int(str(others))
    return reshape(x, parts)


def _without_zeros(x: Var, shape: Var) -> Var:
    """A computed shape, with zeros replaced by the lengths of ``x``."""
    known = shape.sym_val
    if known is not None and not any(n == 0 for n in np.reshape(known, -1)):
        return shape
    own = mb.shape(x=x)
    count = int(shape.shape[0])
    if count > x.rank:
        own = mb.concat(values=[own, np.ones(count - x.rank, np.int32)], axis=0)
    elif count < x.rank:
        own = mb.slice_by_index(x=own, begin=[0], end=[count])
    return select(cond=mb.equal(x=shape, y=np.int32(0)), a=own, b=shape)


@translates("Flatten")
def flatten(node: Node, x: Var, *, axis: int) -> Var:
    """A matrix: the axes before ``axis``, and the rest."""
    sizes, split = lengths(x), axis if axis >= 0 else axis + x.rank
    return reshape(countable(x), [times(sizes[:split]), times(sizes[split:])])


@translates("Squeeze")
def squeeze_attribute(node: Node, x: Var, *, axes: Ints = ()) -> Var:
    """x without axes of length 1."""
    return _squeezed(node, x, axes)


@translates("Squeeze", since=13)
def squeeze(node: Node, x: Var, axes: Array | None = None) -> Var:
    """x without the axes of the second input, or without all axes of length 1."""
    return _squeezed(node, x, () if axes is None else axes.reshape(-1))


def _squeezed(node: Node, x: Var, axes: Sequence[int] | Any) -> Var:
    """MIL's own operator keeps axes of unknown length."""
    if x.rank == 0:
        return x
    found = positive_axes(axes, x.rank) or _axes_of_length_1(node, x)
    longer = [x.shape[axis] for axis in found if not is_symbolic(x.shape[axis]) and x.shape[axis] != 1]
    if longer:
        raise ImpossibleError(node.unsupported(f"an axis of length {longer[0]} can't be removed"))
    if any(is_symbolic(x.shape[axis]) for axis in found):
        return reshape(countable(x), [part for axis, part in enumerate(lengths(x)) if axis not in found])
    return mb.squeeze(x=countable(x), axes=found) if found else x


def _axes_of_length_1(node: Node, x: Var) -> list[int]:
    """Core ML's ranks are fixed. Raises PG404 where an axis of the model's inputs decides about the result's."""
    for axis, size in enumerate(x.shape):
        if not is_symbolic(size):
            continue
        shortest = node.frame.at_least(size)
        if shortest is not None and shortest <= 1:
            raise node.needs_lengths(
                f"without axes, the number of axes of its result depends on a length that the model leaves open: it "
                f"drops axis {axis} where that is 1"
            )
        node.frame.note(f"{node}: without axes, it keeps axis {axis}, whose length is open; at 1 the source drops it")
    return [i for i, d in enumerate(x.shape) if d == 1]


@translates("Unsqueeze")
def unsqueeze_attribute(node: Node, x: Var, *, axes: Ints) -> Var:
    """x with new axes of length 1."""
    return unsqueeze(node, x, np.array(axes))


@translates("Unsqueeze", since=13)
def unsqueeze(node: Node, x: Var, axes: Array) -> Var:
    """x with new axes of length 1, counted in the result."""
    flat = axes.reshape(-1)
    return unsqueezed(countable(x), sorted(positive_axes(flat, x.rank + flat.size)))


@translates("Transpose")
def transposed(node: Node, x: Var, *, perm: Ints | None = None) -> Var:
    """x with its axes in another order, by default the reverse one."""
    return transpose(countable(x), perm if perm is not None else range(x.rank)[::-1])


@translates("Expand", since=8)
def expand(node: Node, x: Var, shape: Operand) -> Var:
    """x broadcast to another shape."""
    x = countable(x)
    if not shape.known:
        return _broadcast(x, shape.content)
    wanted = [int(n) for n in shape.content]
    x = to_rank(x, max(len(wanted), x.rank))
    wanted = [1] * (x.rank - len(wanted)) + wanted
    reps = [n if x.shape[i] == 1 else 1 for i, n in enumerate(wanted)]
    if any(n not in (1, x.shape[i]) and x.shape[i] != 1 for i, n in enumerate(wanted)):
        return _broadcast(x, np.array(wanted, np.int32))
    return x if max(reps, default=1) == 1 else mb.tile(x=x, reps=reps)


def _broadcast(x: Var, shape: Any) -> Var:
    """x in a computed shape: broadcast against zeros of that shape."""
    return mb.add(x=x, y=mb.fill(shape=shape, value=zero(x)))


@translates("Tile", since=6)
def tile(node: Node, x: Var, repeats: Operand) -> Var:
    """x repeated along each axis."""
    reps = narrowed(repeats.content) if repeats.known else repeats.content
    return mb.tile(x=countable(x), reps=reps) if x.rank else x


@translates("DepthToSpace")
def depth_to_space(node: Node, x: Var, *, blocksize: int, mode: str = "DCR") -> Var:
    """Blocks of channels become squares of pixels; the position in the square is outermost or (CRD) innermost."""
    if blocksize == 1:  # the network builder requires more than 1
        return mb.identity(x=x)
    if mode == "CRD":
        return mb.pixel_shuffle(x=x, upscale_factor=blocksize)
    return mb.depth_to_space(x=x, block_size=blocksize)


@translates("SpaceToDepth")
def space_to_depth(node: Node, x: Var, *, blocksize: int, mode: str = "DCR") -> Var:
    """Squares of pixels become blocks of channels, their position is outermost or (CRD) innermost."""
    if blocksize == 1:
        return mb.identity(x=x)
    y = mb.space_to_depth(x=x, block_size=blocksize)
    if mode == "DCR":
        return y
    samples, _, height, width = lengths(y)
    channels, area = int(x.shape[1]), blocksize**2
    apart = reshape(y, [samples, area, channels, times([height, width])])
    return reshape(transpose(apart, [0, 2, 1, 3]), [samples, channels * area, height, width])


@translates("ReverseSequence", since=10)
def reverse_sequence(node: Node, x: Var, sequence_lens: Var, *, batch_axis: int, time_axis: int) -> Var:
    """The first ``sequence_lens`` elements of each sequence reversed."""
    x = countable(x)
    return mb.reverse_sequence(x=x, lengths=sequence_lens, seq_axis=time_axis, batch_axis=batch_axis)
