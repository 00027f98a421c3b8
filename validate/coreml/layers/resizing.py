"""Layers that scale height and width, or cut boxes out and scale them."""

from __future__ import annotations

from math import floor

import numpy as np

from ..floats import indices
from ..graph import Dim, Graph, Value
from ..layer import Layer, images, lowers
from ..sampling import ALIGN_ENDPOINTS, STRICT_ALIGN_ENDPOINTS, UPSAMPLE, grid, sampled, tent

NEAREST, BILINEAR = range(2)
TRANSFORMATIONS = ("asymmetric", "align_corners", "half_pixel")
"""LinearUpsampleMode: DEFAULT, ALIGN_CORNERS_TRUE, ALIGN_CORNERS_FALSE, by ONNX's names."""


@lowers("upsample")
def upsample(g: Graph, layer: Layer, x: Value) -> Value:
    """Height and width times a factor, by repetition or bilinearly."""
    p = layer.params
    factors = tuple(p.scalingFactor) or tuple(p.fractionalScalingFactor) or (1, 1)
    size = [_scaled(g, g.dim(x, axis), factor) for axis, factor in zip((-2, -1), factors, strict=True)]
    transformation = TRANSFORMATIONS[p.linearUpsampleMode if p.mode == BILINEAR else 0]
    return _resized(g, x, size, transformation, "linear" if p.mode == BILINEAR else "nearest")


def _scaled(g: Graph, length: Dim, factor: float) -> Dim:
    if isinstance(length, int):
        return floor(length * np.float32(factor))
    if factor == int(factor):
        return g.calc("Mul", length, int(factor))
    return indices(g, g.op("Floor", g.op("Mul", g.cast(length, "float32"), g.const(factor, "float32"))))


def _resized(g: Graph, x: Value, size: list[Dim], transformation: str, mode: str) -> Value:
    def resize(image: Value) -> Value:
        shape = g.vector([g.dim(image, 0), g.dim(image, 1), *size])
        return g.op(
            "Resize", image, None, None, shape, mode=mode, nearest_mode="floor",
            coordinate_transformation_mode=transformation,
        )  # fmt: skip

    return images(g, x, 2, resize)


@lowers("resizeBilinear")
def resize_bilinear(g: Graph, layer: Layer, x: Value) -> Value:
    """Height and width of a given size, sampled at one of four grids."""
    p = layer.params
    size = tuple(p.targetSize) or (1, 1)
    mode = p.mode.samplingMethod
    if mode == UPSAMPLE:
        return _resized(g, x, list(size), "asymmetric", "linear")
    if mode == STRICT_ALIGN_ENDPOINTS or (mode == ALIGN_ENDPOINTS and 1 not in size):
        return _resized(g, x, list(size), "align_corners", "linear")
    weights = []
    for axis, count in zip((-2, -1), size, strict=True):
        length = g.dim(x, axis)
        last = g.cast(g.vector([g.calc("Sub", length, 1)]), "float32")
        weights.append(tent(g, grid(g, g.const([0], "float32"), last, count, mode), length))
    return sampled(g, x, *weights)


CORNERS_HEIGHT_FIRST, CORNERS_WIDTH_FIRST, CENTER_SIZE_HEIGHT_FIRST, CENTER_SIZE_WIDTH_FIRST = range(4)


@lowers("cropResize")
def crop_resize(g: Graph, layer: Layer, x: Value, boxes: Value) -> Value:
    """Boxes of an image, scaled to one size; with a fifth coordinate in front each box names its image."""
    p = layer.params
    count = (boxes.shape or ())[-3]
    flat = g.reshape(boxes, [g.dim(boxes, 0), count or -1])
    image = g.reshape(x, [g.dim(x, axis) for axis in range(1, x.rank)])
    if count == 5:
        chosen, flat = g.ops("Split", flat, g.const([1, 4], "int64"), outputs=2, axis=1)
        image = g.op("Gather", image, indices(g, chosen))
    starts, ends = _corners(g, p.boxIndicesMode.boxMode, flat)
    weights = []
    for axis, length, target in zip((0, 1), (g.dim(x, -2), g.dim(x, -1)), tuple(p.targetSize) or (1, 1), strict=True):
        start, end = (_in_pixels(g, layer, corner[axis], length) for corner in (starts, ends))
        points = grid(g, start, end, target, p.mode.samplingMethod)
        weights.append(g.op("Unsqueeze", tent(g, points, length), g.const((1, 2), "int64")))
    return sampled(g, image, *weights)


def _corners(g: Graph, mode: int, boxes: Value) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """The first and the last point of each box, as (height, width)."""
    a, b, c, d = g.ops("Split", boxes, outputs=4, axis=1, num_outputs=4)
    if mode in (CORNERS_WIDTH_FIRST, CENTER_SIZE_WIDTH_FIRST):
        a, b, c, d = b, a, d, c
    if mode in (CORNERS_HEIGHT_FIRST, CORNERS_WIDTH_FIRST):
        return (a, b), (c, d)
    half = [g.op("Mul", size, g.const(0.5, "float32")) for size in (c, d)]
    return tuple(g.op("Sub", m, h) for m, h in zip((a, b), half, strict=True)), tuple(
        g.op("Add", m, h) for m, h in zip((a, b), half, strict=True)
    )


def _in_pixels(g: Graph, layer: Layer, coordinate: Value, length: Dim) -> Value:
    p = layer.params
    scaled = g.op("Mul", coordinate, g.const(p.spatialScale or 1.0, "float32"))
    if not p.normalizedCoordinates:
        return scaled
    return g.op("Mul", scaled, g.cast(g.vector([g.calc("Sub", length, 1)]), "float32"))
