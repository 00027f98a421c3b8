"""Pooling over height and width, or depth too; all axes before the channels are batch."""

from __future__ import annotations

from typing import Any

from ..graph import Graph, Tensor
from ..layer import Layer, images, lowers
from ..ops import pool
from .convolution import padding, padding_3d, sizes

MAX, AVERAGE, L2 = range(3)
GLOBAL = {MAX: "ReduceMax", AVERAGE: "ReduceMean", L2: "ReduceL2"}


@lowers("pooling")
def pooling(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The greatest, the mean, or the root of the sum of squares of each window."""
    p = layer.params
    if p.globalPooling:
        return g.op(GLOBAL[p.type], x, g.const((-2, -1), "int64"))
    window = {"kernel_sizes": tuple(p.kernelSize) or (3, 3), "strides": tuple(p.stride) or None, **_padding(p)}
    return images(g, x, 2, lambda image: _pooled(g, layer, image, window, p.avgPoolExcludePadding))


def _padding(p: Any) -> dict[str, Any]:
    """With includeLastPixel the last window may extend past the border, but must start before it."""
    kind = p.WhichOneof("PoolingPaddingType")
    if kind != "includeLastPixel":
        return padding(p, kind)
    height, width = tuple(p.includeLastPixel.paddingAmounts) or (0, 0)
    return {"pad_type": "custom", "pad": (height, height, width, width), "ceil_mode": True}


def _pooled(g: Graph, layer: Layer, x: Tensor, window: dict[str, Any], excludes_padding: bool) -> Tensor:
    if layer.params.type == MAX:
        return pool.max_pool(g, layer.op, x=x, **window)
    if layer.params.type == L2:
        return pool.l2_pool(g, layer.op, x=x, **window)
    return pool.avg_pool(g, layer.op, x=x, exclude_padding_from_average=excludes_padding, **window)


@lowers("pooling3d")
def pooling_3d(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The greatest or the mean of each window over depth, height and width."""
    p = layer.params
    window = {"kernel_sizes": sizes(p, "kernel"), "strides": sizes(p, "stride"), **padding_3d(p)}
    return _pooled(g, layer, x, window, p.countExcludePadding)


@lowers("globalPooling3d")
def global_pooling_3d(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The greatest or the mean over depth, height and width, which remain as axes of length 1."""
    return g.op(GLOBAL[layer.params.type], x, g.const((-3, -2, -1), "int64"))
