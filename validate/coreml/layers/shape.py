"""Layers that rearrange elements in another shape or order."""

from __future__ import annotations

from ..errors import damaged, unsupported
from ..graph import Graph, Tensor
from ..layer import Layer, images, lowers
from ..ops.tensor_transformation import reverse, reverse_sequence, sliding_windows
from ..shared.floats import at_least_1d, dims, number, reshaped, shape_vector

CHANNEL_LAST = 1
"""FlattenOrder and ReshapeOrder."""


@lowers("transpose")
def transpose(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x with its axes in another order; fewer numbers than axes reorder the last axes."""
    axes = tuple(layer.params.axes)
    lead = x.rank - len(axes)
    return g.transpose(x, (*range(lead), *(lead + a for a in axes)))


@lowers("permute")
def permute(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x of rank 5 with sequence, channel, height and width in another order; the batch axis stays."""
    positions = (0, 2, 3, 4)
    first, *rest = (positions[a] for a in layer.params.axis or range(4))
    return g.transpose(x, (first, 1, *rest))


@lowers("flatten")
def flatten(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Channel, height and width as one axis of channels."""
    return g.reshape(_ordered(g, layer, x), [*dims(g, x, 0, x.rank - 3), -1, 1, 1])


@lowers("reshape")
def reshape(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Channel, height and width reshaped; with a target of four lengths, the sequence too."""
    *sequence, c, h, w = layer.params.targetShape
    lead = dims(g, x, 0, x.rank - 3)
    lead[: len(sequence)] = sequence
    if layer.params.mode != CHANNEL_LAST:
        return g.reshape(x, [*lead, c, h, w])
    last = g.reshape(_ordered(g, layer, x), [*lead, h, w, c])
    return g.transpose(last, (*range(x.rank - 3), x.rank - 1, x.rank - 3, x.rank - 2))


def _ordered(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """With CHANNEL_LAST, x in the order (height, width, channel)."""
    if layer.params.mode != CHANNEL_LAST:
        return x
    return g.transpose(x, (*range(x.rank - 3), x.rank - 2, x.rank - 1, x.rank - 3))


@lowers("reshapeStatic")
def reshape_static(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x in the shape targetShape, where -1 is inferred."""
    return g.reshape(x, tuple(layer.params.targetShape))


@lowers("reshapeLike")
def reshape_like(g: Graph, layer: Layer, x: Tensor, like: Tensor) -> Tensor:
    """x in the shape of the second input."""
    return reshaped(g, x, g.shape_of(like))


@lowers("reshapeDynamic")
def reshape_dynamic(g: Graph, layer: Layer, x: Tensor, shape: Tensor) -> Tensor:
    """x in the shape given by the second input, where -1 is inferred."""
    return reshaped(g, x, shape_vector(g, shape))


@lowers("rankPreservingReshape")
def rank_preserving_reshape(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x in a shape where 0 copies the dimension at its position and -1 is inferred."""
    target = tuple(layer.params.targetShape)
    if len(target) != x.rank:
        raise damaged(str(layer), f"targetShape has {len(target)} elements, the input {x.rank} axes")
    return g.reshape(x, [d or g.dim(x, axis) for axis, d in enumerate(target)])


@lowers("expandDims")
def expand_dims(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x with axes of length 1 inserted at ``axes`` of the result; what a slice left without an axis has none here."""
    return g.op("Unsqueeze", g.scalar(x), g.const(tuple(layer.params.axes), "int64"))


@lowers("squeeze")
def squeeze(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x without the axes ``axes``, or without all axes of length 1; at least one axis remains."""
    axes = tuple(layer.params.axes)
    if layer.params.squeezeAll:
        if x.static_shape is None:
            raise unsupported(str(layer), "squeezeAll needs an input of fixed shape")
        axes = tuple(axis for axis, length in enumerate(x.static_shape) if length == 1)
    if not axes or x.shape == (1,):
        return x
    return at_least_1d(g, g.op("Squeeze", x, g.const(axes, "int64")))


@lowers("flattenTo2D")
def flatten_to_2d(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The axes before ``axis`` as one axis, and the rest as another."""
    return g.op("Flatten", x, axis=layer.params.axis)


@lowers("reverse")
def reversed_axes(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x reversed along the marked axes."""
    return reverse(g, x=x, axes=tuple(axis for axis, is_reversed in enumerate(layer.params.reverseDim) if is_reversed))


@lowers("reverseSeq")
def reversed_sequences(g: Graph, layer: Layer, x: Tensor, lengths: Tensor) -> Tensor:
    """The first lengths[b] elements along sequenceAxis reversed, for each b of batchAxis."""
    p = layer.params
    return reverse_sequence(g, x=x, lengths=lengths, seq_axis=p.sequenceAxis, batch_axis=p.batchAxis)


@lowers("slidingWindows")
def windows(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Every window along ``axis``; the window's own axis follows it."""
    p = layer.params
    return sliding_windows(g, x=x, axis=p.axis, size=p.windowSize, stride=p.step or 1)


SPACE_TO_DEPTH, DEPTH_TO_SPACE, PIXEL_SHUFFLE = range(3)


@lowers("reorganizeData")
def reorganize_data(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Blocks of the image into channels, or channels into blocks in one of two orders."""
    size = layer.params.blockSize
    if layer.params.mode == SPACE_TO_DEPTH:
        return images(g, x, 2, lambda image: g.op("SpaceToDepth", image, blocksize=size))
    order = {DEPTH_TO_SPACE: "DCR", PIXEL_SHUFFLE: "CRD"}[layer.params.mode]
    return images(g, x, 2, lambda image: g.op("DepthToSpace", image, blocksize=size, mode=order))


@lowers("getShape")
def get_shape(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The length of each axis."""
    return number(g, g.shape_of(x))
