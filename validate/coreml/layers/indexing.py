"""Layers that read or write elements by index, or return indices of elements."""

from __future__ import annotations

from functools import partial

from ..graph import Graph, Tensor
from ..layer import LAYERS, Layer, lowers
from ..ops.scatter_gather import scattered, scattered_points, scattered_slices
from ..ops.tensor_operation import band_part
from ..shared.floats import at_least_1d, indices, number, scalar, truth

MODES = ("update", "add", "sub", "mul", "div", "max", "min")
"""ScatterMode, by the names of the operators."""


@lowers("gather")
def gather(g: Graph, layer: Layer, x: Tensor, positions: Tensor) -> Tensor:
    """The slices of x along ``axis`` at the given indices."""
    return at_least_1d(g, g.op("Gather", x, indices(g, positions), axis=layer.params.axis))


@lowers("gatherND")
def gather_nd(g: Graph, layer: Layer, x: Tensor, positions: Tensor) -> Tensor:
    """The slices of x at the coordinates in the last axis of ``positions``."""
    return at_least_1d(g, g.op("GatherND", x, indices(g, positions)))


@lowers("gatherAlongAxis")
def gather_along_axis(g: Graph, layer: Layer, x: Tensor, positions: Tensor) -> Tensor:
    """The elements of x whose coordinate on ``axis`` is given by ``positions``."""
    return g.op("GatherElements", x, indices(g, positions), axis=layer.params.axis)


@lowers("scatter")
def scatter(g: Graph, layer: Layer, x: Tensor, positions: Tensor, updates: Tensor) -> Tensor:
    """x with the slices along ``axis`` at the given indices updated."""
    p = layer.params
    return scattered_slices(g, layer.op, x, indices(g, positions), updates, p.axis, MODES[p.mode])


@lowers("scatterND")
def scatter_nd(g: Graph, layer: Layer, x: Tensor, positions: Tensor, updates: Tensor) -> Tensor:
    """x with the slices at the coordinates in the last axis of ``positions`` updated."""
    return scattered_points(g, layer.op, x, indices(g, positions), updates, MODES[layer.params.mode])


@lowers("scatterAlongAxis")
def scatter_along_axis(g: Graph, layer: Layer, x: Tensor, positions: Tensor, updates: Tensor) -> Tensor:
    """x with the elements that gatherAlongAxis would read updated."""
    p = layer.params
    return scattered(g, layer.op, x, indices(g, positions), updates, p.axis, MODES[p.mode])


@lowers("topK")
def top_k(g: Graph, layer: Layer, x: Tensor, count: Tensor | None = None) -> tuple[Tensor, ...]:
    """The K greatest or smallest elements along ``axis``, in order, and their indices."""
    p = layer.params
    k = g.const([p.K], "int64") if count is None else g.reshape(indices(g, count), [1])
    values, positions = g.ops("TopK", x, k, outputs=2, axis=p.axis, largest=int(not p.useBottomK))
    return (values, number(g, positions))[: len(layer.outputs)]


@lowers("argSort")
def arg_sort(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The indices that sort x along ``axis``."""
    p = layer.params
    _, positions = g.ops("TopK", x, g.vector([g.dim(x, p.axis)]), outputs=2, axis=p.axis, largest=int(p.descending))
    return number(g, positions)


@lowers("whereNonZero")
def where_non_zero(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The coordinates of all non-zero elements, shape (elements, rank)."""
    rows = g.transpose(g.op("NonZero", truth(g, x)), (1, 0))
    return g.typed(number(g, rows), (None, x.rank))


@lowers("oneHot")
def one_hot(g: Graph, layer: Layer, x: Tensor, size: Tensor | None = None) -> Tensor:
    """A new axis with onValue at the element's index and offValue elsewhere, also for an index out of range."""
    p = layer.params
    depth = g.const(p.oneHotVectorSize, "float32") if size is None else scalar(g, size)
    axis = p.axis % (x.rank + 1)
    every = g.op("Range", g.const(0, "float32"), depth, g.const(1, "float32"))
    if size is None:
        every = g.typed(every, (int(p.oneHotVectorSize),))
    along = g.reshape(every, [-1, *(1,) * (x.rank - axis)])
    hit = g.op("Equal", g.op("Unsqueeze", x, g.const([axis], "int64")), along)
    return g.op("Where", hit, g.like(p.onValue, x), g.like(p.offValue, x))


@lowers("cumSum")
def cumulative_sum(g: Graph, layer: Layer, x: Tensor, axis: Tensor | None = None) -> Tensor:
    """The running sum along an axis; it may exclude the element itself, or run from the end."""
    p = layer.params
    along = g.const(p.axis, "int64") if axis is None else scalar(g, indices(g, axis))
    return g.op("CumSum", x, along, exclusive=int(p.excludeFinalSum), reverse=int(p.reverse))


@lowers("matrixBandPart")
def matrix_band_part(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x with zeros more than numLower below or numUpper above the diagonal; negative numbers keep everything."""
    return band_part(g, x=x, lower=layer.params.numLower, upper=layer.params.numUpper)


def _triangular(upper: int, g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x with zeros beyond the k-th diagonal."""
    return g.op("Trilu", x, g.const(layer.params.k, "int64"), upper=upper)


LAYERS.add("lowerTriangular", partial(_triangular, 0))
LAYERS.add("upperTriangular", partial(_triangular, 1))
