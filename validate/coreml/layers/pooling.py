"""Pooling over height and width; all axes before the channels are batch."""

from __future__ import annotations

from typing import Any

from ..graph import Graph, Value
from ..layer import Layer, images, lowers
from .convolution import padding

MAX, AVERAGE, L2 = 0, 1, 2


@lowers("pooling")
def pooling(g: Graph, layer: Layer, x: Value) -> Value:
    """The greatest, the mean, or the root of the sum of squares of each window."""
    p = layer.params
    if p.globalPooling:
        return _reduced(g, p, x)
    window = {"kernel_shape": tuple(p.kernelSize) or (3, 3), "strides": tuple(p.stride) or (1, 1), **_padding(p)}
    return images(g, x, 2, lambda image: _pooled(g, p, image, window))


def _padding(p: Any) -> dict[str, Any]:
    """With includeLastPixel the last window may reach over the border, but must begin before it: ONNX's ceil_mode."""
    kind = p.WhichOneof("PoolingPaddingType")
    if kind != "includeLastPixel":
        return padding(p, kind)
    return {"pads": (tuple(p.includeLastPixel.paddingAmounts) or (0, 0)) * 2, "ceil_mode": 1}


def _reduced(g: Graph, p: Any, x: Value) -> Value:
    axes = g.const((-2, -1), "int64")
    return g.op({MAX: "ReduceMax", AVERAGE: "ReduceMean", L2: "ReduceL2"}[p.type], x, axes)


def _pooled(g: Graph, p: Any, x: Value, window: dict[str, Any]) -> Value:
    if p.type == MAX:
        return g.op("MaxPool", x, **window)
    if p.type == L2:
        return g.op("LpPool", x, p=2, **window)
    return g.op("AveragePool", x, count_include_pad=int(not p.avgPoolExcludePadding), **window)
