"""Regions of interest, columns of windows, and deformed windows."""

from __future__ import annotations

from itertools import product

import numpy as np

from ...common import floating, reshape, select, sliced, static, unsqueezed
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Array, Ints
from ...windows import Window, window_of
from .interpolation import linear, weighted_values


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
    """The columns of sliding windows, added up at the windows' positions in the image."""
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
        position = np.arange(k)[:, None] * dilation + np.arange(count) * stride
        elements, windows = flat.shape
        flat = (flat[:, None, :, None] * size + position[None, :, None, :]).reshape(elements * k, windows * count)
    return flat.astype(np.int32)


@translates("DeformConv", since=19)
def deform_conv(
    node: Node, x: Var, w: Var, offset: Var, b: Var | None = None, mask: Var | None = None, *,
    dilations: Ints | None = None, group: int, kernel_shape: Ints | None = None, offset_group: int,
    pads: Ints | None = None, strides: Ints | None = None,
) -> Var:  # fmt: skip
    """A convolution with deformed windows: each element of each window is read at its own offset."""
    if not static(x) or x.rank != 4:
        raise node.needs_lengths("its input must be a 2-D image of known shape")
    window = window_of(x, kernel_shape or w.shape[2:], strides, dilations, pads, "NOTSET")
    samples, channels, *sizes = (int(d) for d in x.shape)
    height, width = window.outputs(sizes)
    taps = int(np.prod(window.kernel))
    base = [_taps(window, axis, count) for axis, count in enumerate((height, width))]
    rows = np.broadcast_to(base[0][:, None, :, None], (*window.kernel, height, width)).reshape(
        1, 1, taps, height, width
    )
    columns = np.broadcast_to(base[1][None, :, None, :], (*window.kernel, height, width)).reshape(rows.shape)
    deformed = reshape(offset, [samples * offset_group, taps, 2, height * width])
    images = reshape(x, [samples * offset_group, channels // offset_group, *sizes])
    points = []
    for axis, plain in enumerate((rows, columns)):
        shift = mb.squeeze(x=sliced(deformed, 2, axis, axis + 1), axes=[2])
        points.append(mb.add(x=shift, y=plain.reshape(1, taps, height * width).astype(np.float32)))
    total = None
    for corner in product(*map(linear, points)):
        part = weighted_values(images, corner, sizes, "zeros", 0)
        total = part if total is None else mb.add(x=total, y=part)
    if mask is not None:
        total = mb.mul(x=total, y=reshape(mask, [samples * offset_group, 1, taps, height * width]))
    unfolded = reshape(total, [samples, group, channels // group * taps, height * width])
    kernel = reshape(floating(w), [1, group, int(w.shape[0]) // group, channels // group * taps])
    y = reshape(mb.matmul(x=kernel, y=unfolded), [samples, int(w.shape[0]), height, width])
    return y if b is None else mb.add(x=y, y=reshape(b, [1, -1, 1, 1]))


def _taps(window: Window, axis: int, count: int) -> Array:
    """The positions of each window's elements along one axis: (elements, windows)."""
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
    """Each region of interest as a grid of means (or maxima) of bilinear samples."""
    if sampling_ratio < 1:
        raise node.unsupported("sampling_ratio 0 makes the number of samples depend on the region")
    if not static(x) or not static(rois):
        raise node.unsupported("the shapes of its inputs must be known")
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
    """The positions of the samples along one axis: (regions, bins * ratio)."""
    extent = mb.sub(x=high, y=low)
    extent = mb.maximum(x=extent, y=np.float32(1)) if at_least_one else extent
    steps = (np.arange(bins * ratio, dtype=np.float32) + 0.5) / (bins * ratio)
    return mb.add(x=low, y=mb.mul(x=extent, y=steps.reshape(1, -1).astype(np.float32)))


def _bounded_samples(images: Var, grid: list[Var], sizes: list[int], mode: str) -> Var:
    """Bilinear samples; those more than one element outside of the image are 0, others are clamped to the border."""
    inside = None
    bounded = []
    for p, size in zip(grid, sizes, strict=True):
        within = mb.logical_and(x=mb.greater_equal(x=p, y=np.float32(-1)), y=mb.less_equal(x=p, y=np.float32(size)))
        inside = within if inside is None else mb.logical_and(x=inside, y=within)
        bounded.append(mb.minimum(x=mb.maximum(x=p, y=np.float32(0)), y=np.float32(size - 1)))
    parts = [weighted_values(images, corner, sizes, "border", 0) for corner in product(*map(linear, bounded))]
    total = parts[0]
    for part in parts[1:]:
        total = mb.add(x=total, y=part) if mode == "avg" else mb.maximum(x=total, y=part)
    return select(unsqueezed(inside, [1]), total, np.float32(0))
