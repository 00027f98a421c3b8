"""Operators that rearrange a tensor's elements: shapes, axes, and blocks. For slices see :mod:`.slicing`."""

from __future__ import annotations

import numpy as np

from ..bind import Array, Bools, Ints, Numerics, Op, lowers
from ..graph import Graph, Tensor, Tensors

moves = Numerics.RAW


@lowers("depth_to_space", numerics=moves)
def depth_to_space(g: Graph, *, x: Tensor, block_size: int) -> Tensor:
    """Channels into blocks; the position in the block is the slower part of the channel index."""
    return g.op("DepthToSpace", x, blocksize=block_size, mode="DCR")


@lowers("pixel_shuffle", numerics=moves)
def pixel_shuffle(g: Graph, *, x: Tensor, upscale_factor: int) -> Tensor:
    """Channels into blocks; the position in the block is the faster part of the channel index."""
    return g.op("DepthToSpace", x, blocksize=upscale_factor, mode="CRD")


@lowers("space_to_depth", numerics=moves)
def space_to_depth(g: Graph, *, x: Tensor, block_size: int) -> Tensor:
    """The inverse of depth_to_space."""
    return g.op("SpaceToDepth", x, blocksize=block_size)


@lowers("pixel_unshuffle", opset=16, numerics=moves)
def pixel_unshuffle(g: Graph, *, x: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of pixel_shuffle."""
    f = downscale_factor
    n, c, h, w = (g.dim(x, a) for a in range(4))
    h, w = g.calc("Div", h, f), g.calc("Div", w, f)
    blocks = g.transpose(g.reshape(x, [n, c, h, f, w, f]), (0, 1, 3, 5, 2, 4))
    return g.reshape(blocks, [n, g.calc("Mul", c, f * f), h, w])


@lowers("space_to_batch", numerics=moves)
def space_to_batch(g: Graph, *, x: Tensor, block_shape: Ints, paddings: Array) -> Tensor:
    """Blocks of the padded image into the batch; the position in the block is the slower part of the batch index."""
    (top, bottom), (left, right) = paddings.tolist()
    inner = [0] * (x.rank - 4)
    padded = g.op("Pad", x, g.const([0, 0, top, left, *inner, 0, 0, bottom, right, *inner], "int64"))
    n, c, h, w, *rest = (g.dim(padded, a) for a in range(x.rank))
    a, b = block_shape
    h, w = g.calc("Div", h, a), g.calc("Div", w, b)
    blocks = g.reshape(padded, [n, c, h, a, w, b, *rest])
    return g.reshape(g.transpose(blocks, (3, 5, 0, 1, 2, 4, *range(6, x.rank + 2))), [-1, c, h, w, *rest])


@lowers("batch_to_space", numerics=moves)
def batch_to_space(g: Graph, *, x: Tensor, block_shape: Ints, crops: Array) -> Tensor:
    """The inverse of space_to_batch."""
    (top, bottom), (left, right) = crops.tolist()
    a, b = block_shape
    _, c, h, w, *rest = (g.dim(x, axis) for axis in range(x.rank))
    blocks = g.transpose(g.reshape(x, [a, b, -1, c, h, w, *rest]), (2, 3, 4, 0, 5, 1, *range(6, x.rank + 2)))
    h, w = g.calc("Mul", h, a), g.calc("Mul", w, b)
    ends = g.vector([g.calc("Sub", h, bottom), g.calc("Sub", w, right)])
    whole = g.reshape(blocks, [-1, c, h, w, *rest])
    return g.op("Slice", whole, g.const([top, left], "int64"), ends, g.const([2, 3], "int64"))


@lowers("expand_dims", numerics=moves)
def expand_dims(g: Graph, *, x: Tensor, axes: Ints) -> Tensor:
    """x with axes of length 1 inserted at ``axes`` of the result."""
    return g.op("Unsqueeze", x, g.const(axes, "int64"))


@lowers("squeeze", numerics=moves)
def squeeze(g: Graph, op: Op, *, x: Tensor, axes: Ints | None = None) -> Tensor:
    """x without the axes of length 1 among ``axes`` (all by default); longer axes are left alone."""
    candidates = range(x.rank) if axes is None else sorted(a % x.rank for a in axes)
    lengths = x.shape or ()
    sure = [a for a in candidates if lengths[a] == 1]
    declared = op.outputs[0].shape
    # The declared rank determines whether an axis of unknown length is removed.
    if declared is not None and len(declared) < x.rank - len(sure):
        sure = [a for a in candidates if lengths[a] in (1, None)]
    return g.op("Squeeze", x, g.const(sure, "int64")) if sure else x


@lowers("reshape", numerics=moves)
def reshape(g: Graph, *, x: Tensor, shape: Tensor) -> Tensor:
    """x in another shape: 0 copies the dimension at its position, -1 is inferred."""
    return g.op("Reshape", x, g.cast(shape, "int64"))


@lowers("reshape", opset=17, numerics=moves)
def reshape_from_the_right(g: Graph, *, x: Tensor, shape: Tensor) -> Tensor:
    """As before, but a 0 copies the dimension at the same distance from the end, or is 1 if there is none."""
    if shape.value is None or 0 not in shape.value or shape.value.size == x.rank:
        return reshape(g, x=x, shape=shape)
    from_end = range(-shape.value.size, 0)
    copied = [g.dim(x, i) if -i <= x.rank else 1 for i in from_end]
    return g.reshape(x, [int(d) or c for d, c in zip(shape.value, copied, strict=True)])


@lowers("reshape_like", opset=16, numerics=moves)
def reshape_like(g: Graph, *, x: Tensor, ref_tensors: Tensors, begins: Ints, ends: Ints, end_masks: Bools) -> Tensor:
    """x in a shape assembled from parts of other tensors' shapes."""
    parts = [
        g.op("Shape", t, start=b, end=None if masked else e)
        for t, b, e, masked in zip(ref_tensors, begins, ends, end_masks, strict=True)
    ]
    return g.op("Reshape", x, g.op("Concat", *parts, axis=0))


@lowers("reverse", numerics=moves)
def reverse(g: Graph, *, x: Tensor, axes: Ints | None = None) -> Tensor:
    """x reversed along ``axes`` (all by default)."""
    over = tuple(range(x.rank)) if axes is None else axes
    if not over:
        return x
    starts, ends = g.const([-1] * len(over), "int64"), g.const([np.iinfo(np.int64).min] * len(over), "int64")
    return g.op("Slice", x, starts, ends, g.const(over, "int64"), g.const([-1] * len(over), "int64"))


@lowers("reverse_sequence", numerics=moves)
def reverse_sequence(g: Graph, *, x: Tensor, lengths: Tensor, seq_axis: int = 0, batch_axis: int = 0) -> Tensor:
    """The first lengths[b] elements along seq_axis reversed, for each b of batch_axis."""
    first = (batch_axis % x.rank, seq_axis % x.rank)
    perm = (*first, *(a for a in range(x.rank) if a not in first))
    turned = g.op("ReverseSequence", g.transpose(x, perm), g.cast(lengths, "int64"), batch_axis=0, time_axis=1)
    return g.transpose(turned, [perm.index(a) for a in range(x.rank)])


@lowers("transpose", numerics=moves)
def transpose(g: Graph, *, x: Tensor, perm: Ints) -> Tensor:
    """x with its axes in another order."""
    return g.transpose(x, perm) if perm else x


@lowers("sliding_windows", numerics=moves)
def sliding_windows(g: Graph, *, x: Tensor, axis: int, size: int, stride: int = 1) -> Tensor:
    """Every window of ``size`` elements along ``axis``; the window's own axis follows it."""
    position = axis % x.rank
    end = g.calc("Sub", g.dim(x, position), size - 1)
    starts = g.op("Range", g.const(0, "int64"), g.reshape(g.vector([end]), []), g.const(stride, "int64"))
    windows = g.op("Add", g.op("Unsqueeze", starts, g.const([1], "int64")), g.const(np.arange(size)))
    return g.op("Gather", x, windows, axis=position)
