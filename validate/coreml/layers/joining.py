"""Layers that join, split or repeat blobs."""

from __future__ import annotations

from ..graph import Graph, Tensor
from ..layer import Layer, lowers
from ..ops import tensor_operation
from ..shared.floats import shape_vector


@lowers("concat")
def concat(g: Graph, layer: Layer, *xs: Tensor) -> Tensor:
    """The inputs concatenated along the channels, or along the sequence."""
    return g.op("Concat", *xs, axis=-5 if layer.params.sequenceConcat else -3)


@lowers("concatND")
def concat_nd(g: Graph, layer: Layer, *xs: Tensor) -> Tensor:
    """The inputs concatenated along ``axis``; with ``interleave`` their slices alternate."""
    return tensor_operation.concat(g, values=xs, axis=layer.params.axis, interleave=layer.params.interleave)


@lowers("stack")
def stack(g: Graph, layer: Layer, *xs: Tensor) -> Tensor:
    """The inputs along a new axis of the result."""
    return tensor_operation.stack(g, values=xs, axis=layer.params.axis)


@lowers("split")
def split(g: Graph, layer: Layer, x: Tensor) -> tuple[Tensor, ...]:
    """Equal parts along the channels."""
    return _parts(g, layer, x, -3)


@lowers("splitND")
def split_nd(g: Graph, layer: Layer, x: Tensor) -> tuple[Tensor, ...]:
    """Parts along ``axis``: of given sizes, or equal ones."""
    p = layer.params
    if not p.splitSizes:
        return _parts(g, layer, x, p.axis)
    return g.ops("Split", x, g.const(tuple(p.splitSizes), "int64"), outputs=len(layer.outputs), axis=p.axis)


def _parts(g: Graph, layer: Layer, x: Tensor, axis: int) -> tuple[Tensor, ...]:
    """Equal parts; if that isn't possible, the first ones are longer by one element, as in NumPy's array_split."""
    count, length = len(layer.outputs), g.dim(x, axis)
    if not isinstance(length, int):
        return g.ops("Split", x, outputs=count, axis=axis, num_outputs=count)
    sizes = [length // count + (i < length % count) for i in range(count)]
    return g.ops("Split", x, g.const(sizes, "int64"), outputs=count, axis=axis)


@lowers("tile")
def tile(g: Graph, layer: Layer, x: Tensor, repetitions: Tensor | None = None) -> Tensor:
    """x repeated along its last axes, by the counts in the second input or ``reps``."""
    times = g.const(tuple(layer.params.reps), "int64") if repetitions is None else shape_vector(g, repetitions)
    given = (times.static_shape or (x.rank,))[0]
    if given < x.rank:
        times = g.vector([1] * (x.rank - given) + [times])
    return g.typed(g.op("Tile", x, times), (None,) * x.rank)


@lowers("sequenceRepeat")
def sequence_repeat(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x repeated along the sequence axis -5."""
    times = [1] * x.rank
    times[-5] = layer.params.nRepetitions or 1
    return g.op("Tile", x, g.const(times, "int64"))
