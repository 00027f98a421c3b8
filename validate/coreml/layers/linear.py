"""Products with a stored matrix."""

from __future__ import annotations

from ..graph import Graph, Value
from ..layer import Layer, lowers


@lowers("innerProduct")
def inner_product(g: Graph, layer: Layer, x: Value) -> Value:
    """weights * x + bias over the last axis; from rank 4 on, over the last three taken together."""
    p = layer.params
    weights = g.const(layer.weights(p.weights, (p.outputChannels, p.inputChannels)).T)
    rows = x if x.rank < 4 else g.op("Flatten", x, axis=x.rank - 3)
    product = g.op("MatMul", rows, weights)
    if p.hasBias:
        product = g.op("Add", product, g.const(layer.weights(p.bias, (p.outputChannels,))))
    if x.rank < 4:
        return product
    return g.reshape(product, [*(g.dim(x, a) for a in range(x.rank - 3)), p.outputChannels, 1, 1])
