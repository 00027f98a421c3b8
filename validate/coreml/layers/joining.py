"""Layers that put blobs together, take them apart, or repeat them."""

from __future__ import annotations

from ..floats import shape_vector
from ..graph import Graph, Value
from ..layer import Layer, lowers
from ..ops import tensor_operation


@lowers("concat")
def concat(g: Graph, layer: Layer, *xs: Value) -> Value:
    """The inputs one after the other along the channels, or along the sequence."""
    return g.op("Concat", *xs, axis=-5 if layer.params.sequenceConcat else -3)


@lowers("concatND")
def concat_nd(g: Graph, layer: Layer, *xs: Value) -> Value:
    """The inputs one after the other along ``axis``, or with ``interleave`` their slices in turn."""
    return tensor_operation.concat(g, values=xs, axis=layer.params.axis, interleave=layer.params.interleave)


@lowers("stack")
def stack(g: Graph, layer: Layer, *xs: Value) -> Value:
    """The inputs along a new axis of the result."""
    return tensor_operation.stack(g, values=xs, axis=layer.params.axis)


@lowers("split")
def split(g: Graph, layer: Layer, x: Value) -> tuple[Value, ...]:
    """Equal parts along the channels."""
    parts = len(layer.outputs)
    return g.ops("Split", x, outputs=parts, axis=-3, num_outputs=parts)


@lowers("splitND")
def split_nd(g: Graph, layer: Layer, x: Value) -> tuple[Value, ...]:
    """Parts along ``axis``: of given sizes, or equal ones."""
    p, parts = layer.params, len(layer.outputs)
    if p.splitSizes:
        return g.ops("Split", x, g.const(tuple(p.splitSizes), "int64"), outputs=parts, axis=p.axis)
    return g.ops("Split", x, outputs=parts, axis=p.axis, num_outputs=parts)


@lowers("tile")
def tile(g: Graph, layer: Layer, x: Value, repetitions: Value | None = None) -> Value:
    """x repeated along its last axes, as often as the second input or ``reps`` says."""
    times = g.const(tuple(layer.params.reps), "int64") if repetitions is None else shape_vector(g, repetitions)
    given = (times.static_shape or (x.rank,))[0]
    if given < x.rank:
        times = g.vector([1] * (x.rank - given) + [times])
    return g.typed(g.op("Tile", x, times), (None,) * x.rank)


@lowers("sequenceRepeat")
def sequence_repeat(g: Graph, layer: Layer, x: Value) -> Value:
    """x repeated along the sequence axis -5."""
    times = [1] * x.rank
    times[-5] = layer.params.nRepetitions or 1
    return g.op("Tile", x, g.const(times, "int64"))
