"""Blobs that don't depend on values: constants, fills, ranges, broadcasts."""

from __future__ import annotations

import numpy as np

from ..errors import damaged
from ..graph import Graph, Tensor
from ..layer import Layer, lowers
from ..ops.tensor_operation import range_1d
from ..shared.floats import expanded, shape_vector


@lowers("loadConstant")
def load_constant(g: Graph, layer: Layer) -> Tensor:
    """Stored data of rank 5, with the shape (1, 1, C, H, W)."""
    return g.const(layer.weights(layer.params.data, (1, 1, *layer.params.shape)))


@lowers("loadConstantND")
def load_constant_nd(g: Graph, layer: Layer) -> Tensor:
    """Stored data of any shape."""
    return g.const(layer.weights(layer.params.data, tuple(layer.params.shape)))


def _filled(g: Graph, layer: Layer, shape: Tensor) -> Tensor:
    return expanded(g, g.const([layer.params.value], "float32"), shape)


@lowers("fillLike")
def fill_like(g: Graph, layer: Layer, like: Tensor) -> Tensor:
    """``value`` in the shape of the input."""
    return _filled(g, layer, g.shape_of(like))


@lowers("fillStatic")
def fill_static(g: Graph, layer: Layer) -> Tensor:
    """``value`` in the shape targetShape."""
    return _filled(g, layer, g.const(tuple(layer.params.targetShape), "int64"))


@lowers("fillDynamic")
def fill_dynamic(g: Graph, layer: Layer, shape: Tensor) -> Tensor:
    """``value`` in the shape given by the input."""
    return _filled(g, layer, shape_vector(g, shape))


@lowers("broadcastToLike")
def broadcast_to_like(g: Graph, layer: Layer, x: Tensor, like: Tensor) -> Tensor:
    """x broadcast to the shape of the second input."""
    return expanded(g, x, g.shape_of(like))


@lowers("broadcastToStatic")
def broadcast_to_static(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x broadcast to targetShape."""
    return expanded(g, x, g.const(tuple(layer.params.targetShape), "int64"))


@lowers("broadcastToDynamic")
def broadcast_to_dynamic(g: Graph, layer: Layer, x: Tensor, shape: Tensor) -> Tensor:
    """x broadcast to the shape given by the second input."""
    return expanded(g, x, shape_vector(g, shape))


@lowers("rangeStatic")
def range_static(g: Graph, layer: Layer) -> Tensor:
    """From startValue in steps of stepSizeValue, endValue excluded."""
    p = layer.params
    if not p.stepSizeValue:
        raise damaged(str(layer), "stepSizeValue is 0")
    return g.const(np.arange(p.startValue, p.endValue, p.stepSizeValue), "float32")


@lowers("rangeDynamic")
def range_dynamic(
    g: Graph, layer: Layer, end: Tensor, start: Tensor | None = None, step: Tensor | None = None
) -> Tensor:
    """The same with a computed end and, optionally, start and step."""
    p = layer.params
    first = start or g.const(p.startValue, "float32")
    return range_1d(g, end=end, start=first, step=step or g.const(p.stepSizeValue, "float32"))
