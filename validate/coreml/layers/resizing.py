"""Layers that scale height and width, or crop boxes and scale them."""

from __future__ import annotations

from ..graph import Dim, Graph, Tensor
from ..layer import Layer, lowers
from ..ops.images.image_resizing import resize_bilinear, upsample_bilinear, upsample_nearest_neighbor
from ..shared.floats import indices
from ..shared.sampling import grid, sampled, tent

NEAREST, BILINEAR = range(2)
DEFAULT, ALIGN_CORNERS_TRUE, ALIGN_CORNERS_FALSE = range(3)
SAMPLING_MODES = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS")
"""SamplingMode, by the names of the operators."""


@lowers("upsample")
def upsample(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Height and width multiplied by a factor, by repetition or bilinear interpolation."""
    p = layer.params
    height, width = tuple(p.scalingFactor) or tuple(p.fractionalScalingFactor) or (1, 1)
    if p.mode == NEAREST:
        return upsample_nearest_neighbor(g, x=x, scale_factor_height=height, scale_factor_width=width)
    return upsample_bilinear(
        g, layer.op, x=x, scale_factor_height=height, scale_factor_width=width,
        align_corners=p.linearUpsampleMode == ALIGN_CORNERS_TRUE,
        half_pixel_centers=False if p.linearUpsampleMode == DEFAULT else None,
    )  # fmt: skip


@lowers("resizeBilinear")
def resize(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Height and width of a given size, sampled at one of four grids."""
    height, width = tuple(layer.params.targetSize) or (1, 1)
    mode = SAMPLING_MODES[layer.params.mode.samplingMethod]
    return resize_bilinear(
        g, layer.op, x=x, target_size_height=height, target_size_width=width, sampling_mode=mode
    )  # fmt: skip


CORNERS_HEIGHT_FIRST, CORNERS_WIDTH_FIRST, CENTER_SIZE_HEIGHT_FIRST, CENTER_SIZE_WIDTH_FIRST = range(4)


@lowers("cropResize")
def crop_resize(g: Graph, layer: Layer, x: Tensor, boxes: Tensor) -> Tensor:
    """Boxes of an image, scaled to one size; a fifth, leading coordinate selects the image."""
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


def _corners(g: Graph, mode: int, boxes: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
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


def _in_pixels(g: Graph, layer: Layer, coordinate: Tensor, length: Dim) -> Tensor:
    p = layer.params
    scaled = g.op("Mul", coordinate, g.const(p.spatialScale or 1.0, "float32"))
    if not p.normalizedCoordinates:
        return scaled
    return g.op("Mul", scaled, g.cast(g.vector([g.calc("Sub", length, 1)]), "float32"))
