"""Images resized and cropped; height and width are the last two axes."""

from __future__ import annotations

from math import floor

import numpy as np

from ...bind import Ints, Numerics, Op, lowers
from ...errors import unsupported
from ...graph import Dim, Graph, Tensor
from ...shared.sampling import ALIGN_ENDPOINTS, ROI_ALIGN, STRICT_ALIGN_ENDPOINTS, UPSAMPLE, grid, sampled, tent

UNALIGNED = "UNALIGN_CORNERS"

TRANSFORMATIONS = {
    "STRICT_ALIGN_CORNERS": "align_corners",
    "ALIGN_CORNERS": "tf_crop_and_resize",
    "DEFAULT": "asymmetric",
    UNALIGNED: "half_pixel",
}
"""Sampling modes by ONNX's names. For the whole image, tf_crop_and_resize is align_corners, single points centred."""

INTERVALS = {
    "STRICT_ALIGN_CORNERS": STRICT_ALIGN_ENDPOINTS,
    "ALIGN_CORNERS": ALIGN_ENDPOINTS,
    "DEFAULT": UPSAMPLE,
    "OFFSET_CORNERS": ROI_ALIGN,
}


@lowers("upsample_nearest_neighbor", numerics=Numerics.RAW)
def upsample_nearest_neighbor(
    g: Graph, *, x: Tensor, scale_factor_height: float = 1, scale_factor_width: float = 1
) -> Tensor:
    """Output i is input floor(i * length / output length)."""
    for axis, factor in zip((-2, -1), (scale_factor_height, scale_factor_width), strict=True):
        x = _nearest(g, x, axis, _times(g, g.dim(x, axis), factor), 0)
    return x


@lowers("resize_nearest_neighbor", numerics=Numerics.RAW)
def resize_nearest_neighbor(g: Graph, *, x: Tensor, target_size_height: int, target_size_width: int) -> Tensor:
    """Output i is input floor((i + 1/2) * length / output length)."""
    return _nearest(g, _nearest(g, x, -2, target_size_height, 1), -1, target_size_width, 1)


def _nearest(g: Graph, x: Tensor, axis: int, target: Dim, halves: int) -> Tensor:
    """floor((i + halves / 2) * length / target) along one axis, in integers: float32 is inexact."""
    length = g.dim(x, axis)
    if isinstance(length, int) and isinstance(target, int):
        positions = g.const((2 * np.arange(target) + halves) * length // (2 * target))
    else:
        count, two, odd = (g.const(n, "int64") for n in (0, 2, halves))
        every = g.op("Range", count, g.reshape(g.vector([target]), []), g.const(1, "int64"))
        doubled = g.op("Add", g.op("Mul", every, two), odd)
        positions = g.op("Div", g.op("Mul", doubled, g.vector([length])), g.op("Mul", g.vector([target]), two))
    return g.op("Gather", x, positions, axis=axis)


@lowers("upsample_bilinear")
def upsample_bilinear(
    g: Graph, op: Op, *, x: Tensor, scale_factor_height: float = 1, scale_factor_width: float = 1,
    align_corners: bool = True, half_pixel_centers: bool | None = None,
) -> Tensor:  # fmt: skip
    """Height and width multiplied by a factor; the quotient of the sizes is used as the scale."""
    if align_corners and half_pixel_centers:
        raise unsupported(str(op), "align_corners and half_pixel_centers contradict each other")
    offset = "DEFAULT" if half_pixel_centers is False else UNALIGNED
    factors = (scale_factor_height, scale_factor_width)
    size = [_times(g, g.dim(x, axis), factor) for axis, factor in zip((-2, -1), factors, strict=True)]
    return _linear(g, op, x, size, "STRICT_ALIGN_CORNERS" if align_corners else offset)


def _times(g: Graph, length: Dim, factor: float) -> Dim:
    if isinstance(length, int):
        return floor(np.float32(factor) * length)
    if factor == int(factor):
        return g.calc("Mul", length, int(factor))
    product = g.op("Mul", g.cast(length, "float32"), g.const(factor, "float32"))
    return g.cast(g.op("Floor", product), "int64")


@lowers("resize_bilinear")
def resize_bilinear(
    g: Graph, op: Op, *, x: Tensor, target_size_height: int = 1, target_size_width: int = 1,
    sampling_mode: str = "DEFAULT",
) -> Tensor:  # fmt: skip
    """Height and width of a given size."""
    return _linear(g, op, x, [target_size_height, target_size_width], sampling_mode)


@lowers("resize", opset=17, numerics=Numerics.ROUND)
def resize(
    g: Graph, op: Op, *, x: Tensor, shape: Tensor, resized_dims: int, interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> Tensor:  # fmt: skip
    """The last ``resized_dims`` axes take their lengths from the end of ``shape``, where 0 keeps a length."""
    size = [_target(g, x, shape, i - resized_dims) for i in range(resized_dims)]
    if interpolation_mode == "LINEAR":
        result = _linear(g, op, g.cast(x, "float32"), size, sampling_mode)
        return g.cast(result, x.dtype)
    if interpolation_mode != "NEAREST_NEIGHBOR":
        raise unsupported(str(op), f"interpolation_mode '{interpolation_mode}' is not one of LINEAR, NEAREST_NEIGHBOR")
    if sampling_mode not in ("DEFAULT", UNALIGNED):
        raise unsupported(
            str(op), f"rounding to the nearest element is not documented for sampling_mode '{sampling_mode}'"
        )
    for axis, target in zip(range(-resized_dims, 0), size, strict=True):
        x = _nearest(g, x, axis, target, 1)
    return x


def _target(g: Graph, x: Tensor, shape: Tensor, axis: int) -> Dim:
    if shape.value is not None:
        return int(shape.value[axis]) or g.dim(x, axis)
    asked = g.op("Gather", g.cast(shape, "int64"), g.const([axis], "int64"))
    kept = g.vector([g.dim(x, axis)])
    return g.op("Where", g.op("Equal", asked, g.const(0, "int64")), kept, asked)


def _linear(g: Graph, op: Op, x: Tensor, size: list[Dim], mode: str) -> Tensor:
    """The last ``len(size)`` axes resized linearly; leading axes are folded, as ONNX Runtime requires."""
    if mode not in INTERVALS and mode not in TRANSFORMATIONS:
        raise unsupported(
            str(op), f"sampling_mode '{mode}' is not one of {', '.join((*TRANSFORMATIONS, 'OFFSET_CORNERS'))}"
        )
    axes = len(size)
    if axes > 3 or (axes != 2 and mode == "OFFSET_CORNERS"):
        raise unsupported(str(op), f"{axes} axes can't be resized together with sampling_mode '{mode}'")
    kept = [g.dim(x, axis) for axis in range(x.rank - axes)]
    if mode == "OFFSET_CORNERS":
        # The closest mode of ONNX returns an axis unchanged if its length stays the same.
        return sampled(g, x, *(_weights(g, x, a, s) for a, s in zip((-2, -1), size, strict=True)))
    tail = [g.dim(x, axis) for axis in range(-axes, 0)]
    widening = [1] * max(0, 2 - axes)
    folded = g.reshape(x, [1, -1, *widening, *tail])
    sizes = g.vector([1, g.dim(folded, 1), *widening, *size])
    region = [0.0] * (2 + len(widening) + axes) + [1.0] * (2 + len(widening) + axes)
    transformation = TRANSFORMATIONS[mode]
    roi = g.const(region, "float32") if transformation == "tf_crop_and_resize" else None
    scaled = g.op(
        "Resize", folded, roi, None, sizes, mode="linear", coordinate_transformation_mode=transformation
    )  # fmt: skip
    return g.reshape(scaled, [*kept, *size])


def _weights(g: Graph, x: Tensor, axis: int, target: Dim) -> Tensor:
    if not isinstance(target, int):
        raise unsupported(x.name, "sampling_mode 'OFFSET_CORNERS' needs a size that is known before the model runs")
    length = g.dim(x, axis)
    return tent(g, grid(g, g.const([0], "float32"), last_index(g, length), target, ROI_ALIGN), length)


def last_index(g: Graph, length: Dim) -> Tensor:
    """The greatest coordinate of an axis, as a vector of one element."""
    return g.cast(g.vector([g.calc("Sub", length, 1)]), "float32")


@lowers("crop", numerics=Numerics.RAW)
def crop(g: Graph, *, x: Tensor, crop_height: Ints, crop_width: Ints) -> Tensor:
    """Height and width without their first and last elements."""
    (top, bottom), (left, right) = crop_height, crop_width
    ends = [g.calc("Sub", g.dim(x, -2), bottom), g.calc("Sub", g.dim(x, -1), right)]
    return g.op("Slice", x, g.const([top, left], "int64"), g.vector(ends), g.const([-2, -1], "int64"))
