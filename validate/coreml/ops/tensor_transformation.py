"""Operators that rearrange a tensor's elements: shapes, axes, and blocks. For slices see :mod:`.slicing`."""

from __future__ import annotations


import numpy as np

from ..bind import Array, Bools, Ints, Numerics, Op, Values, lowers
from ..graph import Graph, Value
from ..refuse import unsupported

moves = Numerics.RAW


@lowers("depth_to_space", numerics=moves)
def depth_to_space(g: Graph, *, x: Value, block_size: int) -> Value:
    """Channels into blocks; the block's position is the slower part of the channel index."""
    return g.op("DepthToSpace", x, blocksize=block_size, mode="DCR")


@lowers("pixel_shuffle", numerics=moves)
def pixel_shuffle(g: Graph, *, x: Value, upscale_factor: int) -> Value:
    """Channels into blocks; the block's position is the faster part of the channel index."""
    return g.op("DepthToSpace", x, blocksize=upscale_factor, mode="CRD")


@lowers("space_to_depth", numerics=moves)
def space_to_depth(g: Graph, *, x: Value, block_size: int) -> Value:
    """The reverse of depth_to_space."""
    return g.op("SpaceToDepth", x, blocksize=block_size)


@lowers("pixel_unshuffle", opset=16, numerics=moves)
def pixel_unshuffle(g: Graph, op: Op, *, x: Value, downscale_factor: int) -> Value:
    """The reverse of pixel_shuffle."""
    f = downscale_factor
    c, h, w = _sizes(op, x)
    blocks = g.transpose(g.reshape(x, [-1, c, h // f, f, w // f, f]), (0, 1, 3, 5, 2, 4))
    return g.reshape(blocks, [-1, c * f * f, h // f, w // f])


@lowers("space_to_batch", numerics=moves)
def space_to_batch(g: Graph, op: Op, *, x: Value, block_shape: Ints, paddings: Array) -> Value:
    """Blocks of the padded image into the batch; the block's position is the slower part of the batch index."""
    (top, bottom), (left, right) = paddings.tolist()
    c, h, w = _sizes(op, x)
    a, b = block_shape
    h, w = (h + top + bottom) // a, (w + left + right) // b
    padded = g.op("Pad", x, g.const([0, 0, top, left, 0, 0, bottom, right], "int64"))
    blocks = g.transpose(g.reshape(padded, [-1, c, h, a, w, b]), (3, 5, 0, 1, 2, 4))
    return g.reshape(blocks, [-1, c, h, w])


@lowers("batch_to_space", numerics=moves)
def batch_to_space(g: Graph, op: Op, *, x: Value, block_shape: Ints, crops: Array) -> Value:
    """The reverse of space_to_batch."""
    (top, bottom), (left, right) = crops.tolist()
    c, h, w = _sizes(op, x)
    a, b = block_shape
    blocks = g.transpose(g.reshape(x, [a, b, -1, c, h, w]), (2, 3, 4, 0, 5, 1))
    whole = g.reshape(blocks, [-1, c, h * a, w * b])
    starts, ends = g.const([top, left], "int64"), g.const([h * a - bottom, w * b - right], "int64")
    return g.op("Slice", whole, starts, ends, g.const([2, 3], "int64"))


def _sizes(op: Op, x: Value) -> tuple[int, int, int]:
    """Channels, height and width of an image, which must be fixed."""
    sizes = tuple(d for d in (x.shape or ())[1:] if d is not None)
    if x.rank != 4 or len(sizes) != 3:
        raise unsupported(str(op), "it needs an image of rank 4 and fixed size")
    return sizes


@lowers("expand_dims", numerics=moves)
def expand_dims(g: Graph, *, x: Value, axes: Ints) -> Value:
    """x with axes of length 1 inserted at ``axes`` of the result."""
    return g.op("Unsqueeze", x, g.const(axes, "int64"))


@lowers("squeeze", numerics=moves)
def squeeze(g: Graph, op: Op, *, x: Value, axes: Ints | None = None) -> Value:
    """x without the axes of length 1 among ``axes`` (all by default); longer axes are left alone."""
    candidates = range(x.rank) if axes is None else sorted(a % x.rank for a in axes)
    lengths = x.shape or ()
    sure = [a for a in candidates if lengths[a] == 1]
    declared = op.outputs[0].shape
    # The declared rank tells whether an axis of unknown length goes too.
    if declared is not None and len(declared) < x.rank - len(sure):
        sure = [a for a in candidates if lengths[a] in (1, None)]
    return g.op("Squeeze", x, g.const(sure, "int64")) if sure else x


@lowers("reshape", numerics=moves)
def reshape(g: Graph, *, x: Value, shape: Value) -> Value:
    """x in another shape: 0 copies the dimension at its place, -1 is inferred."""
    return g.op("Reshape", x, g.cast(shape, "int64"))


@lowers("reshape", opset=17, numerics=moves)
def reshape_from_the_right(g: Graph, *, x: Value, shape: Value) -> Value:
    """As before, but a 0 copies the dimension that lies as far from the end, or is 1 where there is none."""
    if shape.value is None or 0 not in shape.value or shape.value.size == x.rank:
        return reshape(g, x=x, shape=shape)
    known = (1,) * shape.value.size + (x.shape or ())
    wanted = [int(d) or known[i - shape.value.size] for i, d in enumerate(shape.value)]
    if None not in wanted:
        return g.reshape(x, [int(d or 0) for d in wanted])
    lengths = g.op("Shape", x)
    parts = [
        g.const([d], "int64") if d is not None else g.op("Gather", lengths, g.const([i - len(wanted)], "int64"))
        for i, d in enumerate(wanted)
    ]
    return g.op("Reshape", x, g.op("Concat", *parts, axis=0))


@lowers("reshape_like", opset=16, numerics=moves)
def reshape_like(g: Graph, *, x: Value, ref_tensors: Values, begins: Ints, ends: Ints, end_masks: Bools) -> Value:
    """x in the shape made of parts of other tensors' shapes."""
    parts = [
        g.op("Shape", t, start=b, end=None if masked else e)
        for t, b, e, masked in zip(ref_tensors, begins, ends, end_masks, strict=True)
    ]
    return g.op("Reshape", x, g.op("Concat", *parts, axis=0))


@lowers("reverse", numerics=moves)
def reverse(g: Graph, *, x: Value, axes: Ints | None = None) -> Value:
    """x backwards along ``axes`` (all by default)."""
    over = tuple(range(x.rank)) if axes is None else axes
    if not over:
        return x
    starts, ends = g.const([-1] * len(over), "int64"), g.const([np.iinfo(np.int64).min] * len(over), "int64")
    return g.op("Slice", x, starts, ends, g.const(over, "int64"), g.const([-1] * len(over), "int64"))


@lowers("reverse_sequence", numerics=moves)
def reverse_sequence(g: Graph, *, x: Value, lengths: Value, seq_axis: int = 0, batch_axis: int = 0) -> Value:
    """The first lengths[b] elements along seq_axis backwards, for each b of batch_axis."""
    first = (batch_axis % x.rank, seq_axis % x.rank)
    perm = (*first, *(a for a in range(x.rank) if a not in first))
    turned = g.op("ReverseSequence", g.transpose(x, perm), g.cast(lengths, "int64"), batch_axis=0, time_axis=1)
    return g.transpose(turned, [perm.index(a) for a in range(x.rank)])


@lowers("transpose", numerics=moves)
def transpose(g: Graph, *, x: Value, perm: Ints) -> Value:
    """x with its axes in another order."""
    return g.transpose(x, perm) if perm else x


@lowers("sliding_windows", numerics=moves)
def sliding_windows(g: Graph, *, x: Value, axis: int, size: int, stride: int = 1) -> Value:
    """Every window of ``size`` elements along ``axis``; the window's own axis follows it."""
    place = axis % x.rank
    length = (x.shape or ())[place]
    if length is not None:
        starts = g.const(np.arange(0, length - size + 1, stride))
    else:
        count = g.op("Sub", g.reshape(g.op("Shape", x, start=place, end=place + 1), []), g.const(size - 1, "int64"))
        starts = g.op("Range", g.const(0, "int64"), count, g.const(stride, "int64"))
    windows = g.op("Add", g.op("Unsqueeze", starts, g.const([1], "int64")), g.const(np.arange(size)))
    return g.op("Gather", x, windows, axis=place)


