"""Shapes, and tensors brought into another shape or repeated."""

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
    places,
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
from ..values import Array, Ints, Operand, cast_name, narrowed


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
    """x in another shape, where 0 stands for its own length and -1 for what is left."""
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
    """A computed shape; a zero in it is the length of ``x`` there."""
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
    """A matrix: the axes before ``axis`` and those from it on."""
    sizes, split = lengths(x), axis if axis >= 0 else axis + x.rank
    return reshape(countable(x), [times(sizes[:split]), times(sizes[split:])])


@translates("Squeeze")
def squeeze_attribute(node: Node, x: Var, *, axes: Ints = ()) -> Var:
    """x without axes of length 1."""
    return _squeezed(node, x, axes)


@translates("Squeeze", since=13)
def squeeze(node: Node, x: Var, axes: Array | None = None) -> Var:
    """x without the axes of the second input, or all of length 1."""
    return _squeezed(node, x, () if axes is None else axes.reshape(-1))


def _squeezed(node: Node, x: Var, axes: Sequence[int] | Any) -> Var:
    """MIL's own operator keeps an axis whose length it doesn't know."""
    if x.rank == 0:
        return x
    found = positive_axes(axes, x.rank) or [i for i, d in enumerate(x.shape) if d == 1]
    longer = [x.shape[axis] for axis in found if not is_symbolic(x.shape[axis]) and x.shape[axis] != 1]
    if longer:
        raise ImpossibleError(node.unsupported(f"an axis of length {longer[0]} is to be taken away"))
    if any(is_symbolic(x.shape[axis]) for axis in found):
        return reshape(countable(x), [part for axis, part in enumerate(lengths(x)) if axis not in found])
    return mb.squeeze(x=countable(x), axes=found) if found else x


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
    """x in a shape that is only known when the model runs: broadcast against zeros of that shape."""
    return mb.add(x=x, y=mb.fill(shape=shape, value=zero(x)))


@translates("Tile", since=6)
def tile(node: Node, x: Var, repeats: Operand) -> Var:
    """x repeated along each axis."""
    reps = narrowed(repeats.content) if repeats.known else repeats.content
    return mb.tile(x=countable(x), reps=reps) if x.rank else x


@translates("Concat", since=4)
def concat(node: Node, *xs: Operand, axis: int) -> Any:
    """Tensors one after the other; empty ones are nothing."""
    filled = [node.variable(x) for x in xs if not (x.known and x.content.size == 0)]
    return mb.concat(values=[countable(x) for x in filled], axis=axis) if len(filled) > 1 else filled[0]


@translates("Split", since=2)
def split_attribute(node: Node, x: Var, *, axis: int, split: Ints = ()) -> Any:
    """Parts of the attribute's lengths, or as many equal ones as there are outputs."""
    return _parts(node, countable(x), axis, list(split), node.outputs)


@translates("Split", since=13)
def split_input(node: Node, x: Var, split: Array | None = None, *, axis: int, num_outputs: int | None = None) -> Any:
    """Parts of the given lengths, or as many equal ones as there are outputs, the last perhaps smaller."""
    sizes = [] if split is None else [int(n) for n in split]
    return _parts(node, countable(x), axis, sizes, num_outputs or node.outputs)


def _parts(node: Node, x: Var, axis: int, sizes: list[int], count: int) -> Any:
    total = length(x, axis)
    if not sizes and isinstance(total, int):
        chunk = -(-total // count)
        sizes = [max(0, min(chunk, total - i * chunk)) for i in range(count)]
    if 0 in sizes and static(x):
        return _some_empty(node, x, axis, sizes)
    if len(sizes) == 1 or (not sizes and count == 1):
        return (x,)
    return mb.split(x=x, axis=axis, **({"split_sizes": sizes} if sizes else {"num_splits": count}))


def _some_empty(node: Node, x: Var, axis: int, sizes: list[int]) -> list[Any]:
    """Core ML has no empty tensors: such parts are constants, which mean nothing to whoever joins them again."""
    filled = [n for n in sizes if n]
    parts = iter(mb.split(x=x, axis=axis, split_sizes=filled) if len(filled) > 1 else [x])
    shape = list(map(int, x.shape))
    shape[axis] = 0
    return [next(parts) if n else np.zeros(shape, node.dtype()) for n in sizes]


@translates("ConstantOfShape", since=9)
def constant_of_shape(node: Node, shape: Var, *, value: Array | None = None) -> Var:
    """One number everywhere."""
    array = narrowed(np.zeros(1, np.float32) if value is None else value)
    number = array.astype(np.int32) if array.dtype == bool else array
    return mb.fill(shape=shape, value=number.reshape(-1)[0])


@translates("EyeLike", since=9)
def eye_like(node: Node, x: Var, *, k: int, dtype: int | None = None) -> Any:
    """1 on the k-th diagonal, 0 elsewhere."""
    result = node.results[0] or node.dtype()
    if static(x):
        return np.eye(int(x.shape[0]), int(x.shape[1]), k).astype(result)
    rows, columns = unsqueezed(places(length(x, 0)), [1]), places(length(x, 1))
    on = mb.equal(x=mb.add(x=rows, y=np.int32(k)), y=columns)
    return mb.cast(x=on, dtype=cast_name(result))


@translates("Range", since=11)
def arange(node: Node, start: Var, limit: Var, delta: Var) -> Var:
    """start, start + delta, ... before limit."""
    return mb.range_1d(start=scalar(start), end=scalar(limit), step=scalar(delta))


@translates("OneHot", since=9)
def one_hot(node: Node, indices: Var, depth: Var, values: Var, *, axis: int) -> Var:
    """The second of two values at each index along a new axis, the first elsewhere; negative ones count back."""
    place = axis % (indices.rank + 1)
    indices = unsqueezed(mb.cast(x=indices, dtype="int32"), [place])
    count = mb.cast(x=scalar(depth), dtype="int32")
    known = depth.val is not None
    spots: Any = places(int(np.reshape(depth.val, -1)[0]) if known else unsqueezed(count, [0]))
    spots = reshape(spots, [-1 if i == place else 1 for i in range(indices.rank)])
    behind = mb.equal(x=mb.add(x=indices, y=count), y=spots)
    off, on = mb.split(x=countable(values), axis=0, num_splits=2)
    hit = mb.logical_or(x=mb.equal(x=indices, y=spots), y=behind)
    return select(cond=hit, a=scalar(on), b=scalar(off))


@translates("DepthToSpace")
def depth_to_space(node: Node, x: Var, *, blocksize: int, mode: str = "DCR") -> Var:
    """Blocks of channels become squares of pixels, the block's rows outermost or (CRD) innermost."""
    if blocksize == 1:  # the network builder demands more
        return mb.identity(x=x)
    if mode == "CRD":
        return mb.pixel_shuffle(x=x, upscale_factor=blocksize)
    return mb.depth_to_space(x=x, block_size=blocksize)


@translates("SpaceToDepth")
def space_to_depth(node: Node, x: Var, *, blocksize: int, mode: str = "DCR") -> Var:
    """Squares of pixels become blocks of channels, the pixels' place outermost or (CRD) innermost."""
    if blocksize == 1:
        return mb.identity(x=x)
    y = mb.space_to_depth(x=x, block_size=blocksize)
    if mode == "DCR":
        return y
    samples, _, height, width = lengths(y)
    channels, area = int(x.shape[1]), blocksize**2
    apart = reshape(y, [samples, area, channels, times([height, width])])
    return reshape(transpose(apart, [0, 2, 1, 3]), [samples, channels * area, height, width])


@translates("Trilu", since=14)
def trilu(node: Node, x: Var, k: Var | None = None, *, upper: int) -> Var:
    """The triangle on one side of the k-th diagonal, 0 elsewhere."""
    x = countable(x)
    offset = mb.sub(x=places(length(x, -1)), y=unsqueezed(places(length(x, -2)), [1]))
    diagonal = np.int32(0) if k is None else scalar(k)
    kept = (mb.greater_equal if upper else mb.less_equal)(x=offset, y=diagonal)
    return select(cond=kept, a=x, b=zero(x))


@translates("NonZero", since=9)
def non_zero(node: Node, x: Var) -> Var:
    """The coordinates of what isn't zero, one row per axis."""
    x = countable(x)
    return mb.transpose(x=mb.non_zero(x=x if x.rank else mb.expand_dims(x=x, axes=[0])), perm=[1, 0])


@translates("ReverseSequence", since=10)
def reverse_sequence(node: Node, x: Var, sequence_lens: Var, *, batch_axis: int, time_axis: int) -> Var:
    """The first elements of each sequence reversed."""
    x = countable(x)
    return mb.reverse_sequence(x=x, lengths=sequence_lens, seq_axis=time_axis, batch_axis=batch_axis)
