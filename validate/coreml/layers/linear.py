"""Matrix products, and look-ups in a stored matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..graph import Graph, Tensor
from ..layer import Layer, lowers
from ..shared.floats import indices

if TYPE_CHECKING:
    from ...signature import Array


@lowers("innerProduct")
def inner_product(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """weights * x + bias over the last axis; from rank 4 on, over the last three axes together."""
    p = layer.params
    weights = layer.weights(p.weights, (p.outputChannels, p.inputChannels))
    if x.rank < 4:
        return _biased(g, layer, g.op("MatMul", x, g.const(weights.T)), p.outputChannels)
    product = _biased(
        g, layer, g.op("MatMul", g.op("Flatten", x, axis=x.rank - 3), g.const(weights.T)), p.outputChannels
    )
    return g.reshape(product, [*(g.dim(x, a) for a in range(x.rank - 3)), p.outputChannels, 1, 1])


def _biased(g: Graph, layer: Layer, product: Tensor, size: int) -> Tensor:
    p = layer.params
    return g.op("Add", product, g.const(layer.weights(p.bias, (size,)))) if p.hasBias else product


@lowers("batchedMatmul")
def batched_mat_mul(g: Graph, layer: Layer, a: Tensor, b: Tensor | None = None) -> Tensor:
    """The product of two blobs' last two axes, or of one with a stored matrix (in column-major order)."""
    p = layer.params
    if b is None:
        rows, columns = p.weightMatrixFirstDimension, p.weightMatrixSecondDimension
        weights = layer.weights(p.weights, (columns, rows))
        return _biased(g, layer, g.op("MatMul", a, g.const(weights.T)), columns)
    if a.rank == 1:
        a = g.reshape(a, [1, -1])
    if b.rank == 1:
        b = g.reshape(b, [-1, 1])
    return g.op("MatMul", _swapped(g, a) if p.transposeA else a, _swapped(g, b) if p.transposeB else b)


def _swapped(g: Graph, x: Tensor) -> Tensor:
    return g.transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


@lowers("embedding")
def embedding(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The stored vector for each index, along the channel axis; height and width are 1."""
    p = layer.params
    rows = g.reshape(x, [g.dim(x, a) for a in range(x.rank - 3)])
    found = _looked_up(g, layer, rows, layer.weights(p.weights, (p.outputChannels, p.inputDim)))
    return g.op("Unsqueeze", found, g.const((-2, -1), "int64"))


@lowers("embeddingND")
def embedding_nd(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The stored vector for each index, along the last axis."""
    p = layer.params
    rows = g.op("Squeeze", x, g.const([-1], "int64"))
    return _looked_up(g, layer, rows, layer.weights(p.weights, (p.embeddingSize, p.vocabSize)))


def _looked_up(g: Graph, layer: Layer, rows: Tensor, weights: Array) -> Tensor:
    return _biased(g, layer, g.op("Gather", g.const(weights.T), indices(g, rows)), weights.shape[0])


@lowers("dot")
def dot(g: Graph, layer: Layer, x: Tensor, y: Tensor) -> Tensor:
    """The sum of products over the channels, or with cosineSimilarity that of the normalised vectors."""
    channels = g.const([-3], "int64")
    product = g.op("ReduceSum", g.op("Mul", x, y), channels)
    if not layer.params.cosineSimilarity:
        return product
    return g.op("Div", product, g.op("Mul", g.op("ReduceL2", x, channels), g.op("ReduceL2", y, channels)))
