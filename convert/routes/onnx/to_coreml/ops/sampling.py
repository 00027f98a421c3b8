"""Images sampled at computed places: grids, regions, columns and deformed windows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..common import floating, reshape, select, sliced, static, unsqueezed
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Ints
from ..windows import Window, window_of

Weighted = tuple[Var, Any]
"""Whole coordinates along one axis, and the weight of the elements there (None: 1)."""


@translates("GridSample", since=16)
def grid_sample(node: Node, x: Var, grid: Var, *, align_corners: int, mode: str, padding_mode: str) -> Var:
    """x at the points of a grid; its last axis holds coordinates from -1 to 1, the last spatial axis' first."""
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if mode == "linear" and x.rank == 4 and padding_mode in RESAMPLED and node.target.program:
        return _resampled(x, grid, align_corners, padding_mode)
    if not static(x) or not static(grid):
        raise node.unsupported("where the lengths of its inputs aren't known")
    count = x.rank - 2
    sizes = [int(d) for d in x.shape[2:]]
    points = [_place(grid, count - 1 - axis, sizes[axis], align_corners) for axis in range(count)]
    if mode == "nearest":
        points = [mb.round(x=p) for p in points]
    if mode != "cubic":
        points = [_folded(p, n, padding_mode, align_corners) for p, n in zip(points, sizes, strict=True)]
    taps = [TAPS[mode](p) for p in points]
    total = None
    for corner in product(*taps):
        part = _read(x, corner, sizes, padding_mode, align_corners)
        total = part if total is None else mb.add(x=total, y=part)
    return total


RESAMPLED = {"zeros": "constant", "border": "border"}
"""Padding modes -> what Core ML's own sampling calls them."""


def _resampled(x: Var, grid: Var, align_corners: int, padding_mode: str) -> Var:
    """By Core ML's own operator, which has images and bilinear sampling only."""
    return mb.resample(
        x=x,
        coordinates=grid,
        sampling_mode="bilinear",
        padding_mode=RESAMPLED[padding_mode],
        padding_value=np.float32(0),
        coordinates_mode="normalized_minus_one_to_one",
        align_corners=bool(align_corners),
    )


def _place(grid: Var, component: int, size: int, align_corners: int) -> Var:
    """A coordinate from -1 to 1 as a position among ``size`` elements, in the grid's shape but its last axis."""
    value = mb.squeeze(x=sliced(grid, -1, component, component + 1), axes=[-1])
    span, shift = ((size - 1) / 2, (size - 1) / 2) if align_corners else (size / 2, (size - 1) / 2)
    return mb.add(x=mb.mul(x=value, y=np.float32(span)), y=np.float32(shift))


def _folded(p: Var, size: int, padding_mode: str, align_corners: int) -> Var:
    """Positions outside brought to the border or mirrored at it; with zeros they stay."""
    if padding_mode == "border":
        return mb.minimum(x=mb.maximum(x=p, y=np.float32(0)), y=np.float32(size - 1))
    if padding_mode == "reflection":
        return _reflected(p, size, align_corners)
    return p


def _reflected(p: Var, size: int, align_corners: int) -> Var:
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if not span:
        return mb.mul(x=p, y=np.float32(0))
    away = mb.mod(x=mb.sub(x=p, y=np.float32(low)), y=np.float32(2 * span))
    inside = mb.minimum(x=away, y=mb.sub(x=np.float32(2 * span), y=away))
    return mb.minimum(x=mb.maximum(x=mb.add(x=inside, y=np.float32(low)), y=np.float32(0)), y=np.float32(size - 1))


def _nearest(p: Var) -> list[Weighted]:
    return [(p, None)]


def _linear(p: Var) -> list[Weighted]:
    low = mb.floor(x=p)
    part = mb.sub(x=p, y=low)
    return [(low, mb.sub(x=np.float32(1), y=part)), (mb.add(x=low, y=np.float32(1)), part)]


def _cubic(p: Var) -> list[Weighted]:
    """Keys' kernel with a = -0.75."""
    low = mb.floor(x=p)
    t = mb.sub(x=p, y=low)
    found = []
    for offset in (-1, 0, 1, 2):
        d = mb.abs(x=mb.sub(x=t, y=np.float32(offset)))
        coefficients = (1.25, -2.25, 0.0, 1.0) if offset in (0, 1) else (-0.75, 3.75, -6.0, 3.0)
        found.append((mb.add(x=low, y=np.float32(offset)), _polynomial(d, coefficients)))
    return found


def _polynomial(x: Var, coefficients: tuple[float, ...]) -> Var:
    """By Horner's rule, the highest power first."""
    first, second, *rest = (np.float32(c) for c in coefficients)
    total = mb.add(x=mb.mul(x=x, y=first), y=second)
    for c in rest:
        total = mb.add(x=mb.mul(x=total, y=x), y=c)
    return total


TAPS: dict[str, Callable[[Var], list[Weighted]]] = {"nearest": _nearest, "linear": _linear, "cubic": _cubic}


def _read(x: Var, corner: tuple[Weighted, ...], sizes: list[int], padding_mode: str, align_corners: int) -> Var:
    """The elements of x (N, C, ...) at whole coordinates (N, ...), times their weights."""
    inside, flat, weight = None, None, None
    for (place, share), size in zip(corner, sizes, strict=True):
        if padding_mode == "zeros":
            within = mb.logical_and(
                x=mb.greater_equal(x=place, y=np.float32(0)), y=mb.less_equal(x=place, y=np.float32(size - 1))
            )
            inside = within if inside is None else mb.logical_and(x=inside, y=within)
        else:
            place = _folded(place, size, padding_mode, align_corners)
        bounded = mb.minimum(x=mb.maximum(x=place, y=np.float32(0)), y=np.float32(size - 1))
        index = mb.cast(x=mb.round(x=bounded), dtype="int32")
        flat = index if flat is None else mb.add(x=mb.mul(x=flat, y=np.int32(size)), y=index)
        if share is not None:
            weight = share if weight is None else mb.mul(x=weight, y=share)
    values = _gathered(x, flat)
    values = values if weight is None else mb.mul(x=values, y=unsqueezed(weight, [1]))
    return values if inside is None else select(unsqueezed(inside, [1]), values, np.float32(0))


def _gathered(x: Var, flat: Var) -> Var:
    """x (N, C, ...) at flat spatial positions (N, ...): one gather per sample and channel."""
    samples, channels = int(x.shape[0]), int(x.shape[1])
    space = [int(d) for d in flat.shape[1:]]
    images = reshape(x, [samples, channels, int(np.prod(x.shape[2:]))])
    indices = mb.tile(x=reshape(flat, [samples, 1, int(np.prod(space))]), reps=[1, channels, 1])
    return reshape(mb.gather_along_axis(x=images, indices=indices, axis=2), [samples, channels, *space])


@translates("Col2Im", since=18)
def col2im(
    node: Node,
    x: Var,
    image_shape: Array,
    block_shape: Array,
    *,
    dilations: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """Columns of windows added up where the windows lie in the image."""
    image, block = [int(n) for n in image_shape], [int(n) for n in block_shape]
    window = window_of(x, block, strides, dilations, pads, "NOTSET")
    counts = window.outputs(image)
    padded = [n + sum(p) for n, p in zip(image, window.pads, strict=True)]
    flat = _window_positions(window.strides, window.dilations, counts, block, padded)
    samples, area = int(x.shape[0]), int(np.prod(padded))
    channels = int(x.shape[1]) // int(np.prod(block))
    updates = reshape(x, [samples * channels, flat.size])
    zeros = mb.const(val=np.zeros((samples * channels, area), np.float32))
    summed = mb.scatter(data=zeros, indices=flat.reshape(-1), updates=updates, axis=1, mode="add")
    y = reshape(summed, [samples, channels, *padded])
    for axis, (before, _) in enumerate(window.pads):
        y = sliced(y, axis + 2, before, before + image[axis])
    return y


def _window_positions(strides: Ints, dilations: Ints, counts: Ints, block: list[int], sizes: list[int]) -> Array:
    """The flat position of each element of each window, (elements, windows)."""
    flat = np.zeros((1, 1), np.int64)
    for stride, dilation, count, k, size in zip(strides, dilations, counts, block, sizes, strict=True):
        place = np.arange(k)[:, None] * dilation + np.arange(count) * stride
        elements, windows = flat.shape
        flat = (flat[:, None, :, None] * size + place[None, :, None, :]).reshape(elements * k, windows * count)
    return flat.astype(np.int32)


@translates("DeformConv", since=19)
def deform_conv(
    node: Node,
    x: Var,
    w: Var,
    offset: Var,
    b: Var | None = None,
    mask: Var | None = None,
    *,
    dilations: Ints | None = None,
    group: int,
    kernel_shape: Ints | None = None,
    offset_group: int,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """A convolution whose windows are bent: each element of each window is read at an offset of its own."""
    if not static(x) or x.rank != 4:
        raise node.unsupported("but for images whose lengths are known")
    window = window_of(x, kernel_shape or w.shape[2:], strides, dilations, pads, "NOTSET")
    samples, channels, *sizes = (int(d) for d in x.shape)
    height, width = window.outputs(sizes)
    taps = int(np.prod(window.kernel))
    base = [_taps(window, axis, count) for axis, count in enumerate((height, width))]
    rows = np.broadcast_to(base[0][:, None, :, None], (*window.kernel, height, width)).reshape(
        1, 1, taps, height, width
    )
    columns = np.broadcast_to(base[1][None, :, None, :], (*window.kernel, height, width)).reshape(rows.shape)
    bent = reshape(offset, [samples * offset_group, taps, 2, height * width])
    images = reshape(x, [samples * offset_group, channels // offset_group, *sizes])
    points = []
    for axis, plain in enumerate((rows, columns)):
        shift = mb.squeeze(x=sliced(bent, 2, axis, axis + 1), axes=[2])
        points.append(mb.add(x=shift, y=plain.reshape(1, taps, height * width).astype(np.float32)))
    total = None
    for corner in product(*map(_linear, points)):
        part = _read(images, corner, sizes, "zeros", 0)
        total = part if total is None else mb.add(x=total, y=part)
    if mask is not None:
        total = mb.mul(x=total, y=reshape(mask, [samples * offset_group, 1, taps, height * width]))
    unfolded = reshape(total, [samples, group, channels // group * taps, height * width])
    kernel = reshape(floating(w), [1, group, int(w.shape[0]) // group, channels // group * taps])
    y = reshape(mb.matmul(x=kernel, y=unfolded), [samples, int(w.shape[0]), height, width])
    return y if b is None else mb.add(x=y, y=reshape(b, [1, -1, 1, 1]))


def _taps(window: Window, axis: int, count: int) -> Array:
    """Where the elements of each window lie along one axis: (elements, windows)."""
    own = np.arange(window.kernel[axis]) * window.dilations[axis] - window.pads[axis][0]
    return np.asarray(own[:, None] + np.arange(count) * window.strides[axis])


@translates("RoiAlign", since=10)
def roi_align(
    node: Node,
    x: Var,
    rois: Var,
    batch_indices: Var,
    *,
    coordinate_transformation_mode: str = "output_half_pixel",
    mode: str,
    output_height: int,
    output_width: int,
    sampling_ratio: int,
    spatial_scale: float,
) -> Var:
    """Each region of an image as a grid of means (or maxima) of bilinear samples."""
    if sampling_ratio < 1:
        raise node.unsupported("with a number of samples that depends on the region")
    if not static(x) or not static(rois):
        raise node.unsupported("where the lengths of its inputs aren't known")
    half = 0.5 if coordinate_transformation_mode == "half_pixel" else 0.0
    sizes = [int(d) for d in x.shape[2:]]
    corners = [
        mb.sub(x=mb.mul(x=c, y=np.float32(spatial_scale)), y=np.float32(half))
        for c in mb.split(x=rois, axis=1, num_splits=4)
    ]
    outputs = (output_height, output_width)
    points = [
        _samples(corners[1 - axis], corners[3 - axis], outputs[axis], sampling_ratio, half == 0) for axis in range(2)
    ]
    count = int(rois.shape[0])
    steps = [n * sampling_ratio for n in outputs]
    grid = [
        mb.add(x=reshape(points[0], [count, steps[0], 1]), y=np.zeros((1, 1, steps[1]), np.float32)),
        mb.add(x=reshape(points[1], [count, 1, steps[1]]), y=np.zeros((1, steps[0], 1), np.float32)),
    ]
    images = mb.gather(x=x, indices=batch_indices, axis=0)
    values = _bounded_samples(images, grid, sizes, mode)
    merged = reshape(values, [count * int(x.shape[1]), outputs[0], sampling_ratio, outputs[1] * sampling_ratio])
    reduce = mb.reduce_mean if mode == "avg" else mb.reduce_max
    merged = reshape(reduce(x=merged, axes=[2]), [count * int(x.shape[1]), outputs[0], outputs[1], sampling_ratio])
    return reshape(reduce(x=merged, axes=[3]), [count, int(x.shape[1]), *outputs])


def _samples(low: Var, high: Var, bins: int, ratio: int, at_least_one: bool) -> Var:
    """Where the samples lie along one axis: (regions, bins * ratio)."""
    extent = mb.sub(x=high, y=low)
    extent = mb.maximum(x=extent, y=np.float32(1)) if at_least_one else extent
    steps = (np.arange(bins * ratio, dtype=np.float32) + 0.5) / (bins * ratio)
    return mb.add(x=low, y=mb.mul(x=extent, y=steps.reshape(1, -1).astype(np.float32)))


def _bounded_samples(images: Var, grid: list[Var], sizes: list[int], mode: str) -> Var:
    """Bilinear samples; those more than one element outside are 0, others at the border."""
    inside = None
    bounded = []
    for p, size in zip(grid, sizes, strict=True):
        within = mb.logical_and(x=mb.greater_equal(x=p, y=np.float32(-1)), y=mb.less_equal(x=p, y=np.float32(size)))
        inside = within if inside is None else mb.logical_and(x=inside, y=within)
        bounded.append(mb.minimum(x=mb.maximum(x=p, y=np.float32(0)), y=np.float32(size - 1)))
    parts = [_read(images, corner, sizes, "border", 0) for corner in product(*map(_linear, bounded))]
    total = parts[0]
    for part in parts[1:]:
        total = mb.add(x=total, y=part) if mode == "avg" else mb.maximum(x=total, y=part)
    return select(unsqueezed(inside, [1]), total, np.float32(0))
