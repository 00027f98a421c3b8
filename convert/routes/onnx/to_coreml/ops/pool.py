"""Pools."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from ..common import floating, is_float, lengths, padded, reshape, select, sliced, times
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Ints
from ..windows import Window, check_pad_type, static_space, window_of

Merge = Callable[[Var, Var], Var]


@translates("MaxPool")
def max_pool(
    node: Node,
    x: Var,
    *,
    auto_pad: str,
    kernel_shape: Ints,
    ceil_mode: int = 0,
    dilations: Ints | None = None,
    pads: Ints | None = None,
    storage_order: int = 0,
    strides: Ints | None = None,
) -> Any:
    """The largest element of each window, and its index."""
    window = window_of(x, kernel_shape, strides, dilations, pads, auto_pad)
    if node.outputs > 1:
        return _with_places(node, x, window, bool(ceil_mode), storage_order)
    if is_float(x) and _native(x, window, bool(ceil_mode)):
        return mb.max_pool(x=x, **_native_arguments(node, window))
    lowest = -np.inf if is_float(x) else np.iinfo(np.int32).min
    return _windowed(node, x, window, bool(ceil_mode), lowest, lambda a, b: mb.maximum(x=a, y=b))


@translates("AveragePool")
def average_pool(
    node: Node,
    x: Var,
    *,
    auto_pad: str,
    kernel_shape: Ints,
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """The mean of each window, with or without the padding."""
    window = window_of(x, kernel_shape, strides, dilations, pads, auto_pad)
    if _native(x, window, bool(ceil_mode)):
        return mb.avg_pool(x=x, exclude_padding_from_average=not count_include_pad, **_native_arguments(node, window))
    total = _windowed(node, x, window, bool(ceil_mode), 0, lambda a, b: mb.add(x=a, y=b))
    counts = _counts(x.shape[2:], window, bool(ceil_mode), bool(count_include_pad))
    return mb.real_div(x=total, y=counts)


@translates("LpPool", since=2)
def lp_pool(
    node: Node,
    x: Var,
    *,
    auto_pad: str,
    kernel_shape: Ints,
    ceil_mode: int = 0,
    dilations: Ints | None = None,
    p: int,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """The p-norm of each window."""
    window = window_of(x, kernel_shape, strides, dilations, pads, auto_pad)
    powers = mb.pow(x=mb.abs(x=x), y=np.float32(p))
    total = _windowed(node, powers, window, bool(ceil_mode), 0, lambda a, b: mb.add(x=a, y=b))
    return mb.pow(x=total, y=np.float32(1 / p))


def _native(x: Var, window: Window, ceil: bool) -> bool:
    """Whether Core ML's pools are equivalent: no dilation, and rounding up has no effect."""
    if set(window.dilations) != {1} or (ceil and not static_space(x)):
        return False
    sizes = x.shape[2:]
    return not ceil or window.outputs(sizes, ceil=True) == window.outputs(sizes)


def _native_arguments(node: Node, window: Window) -> dict[str, Any]:
    check_pad_type(node, window)
    return {
        "kernel_sizes": list(window.kernel),
        "strides": list(window.strides),
        "pad_type": window.pad_type,
        "pad": window.mil_pads,
    }


def _windowed(node: Node, x: Var, window: Window, ceil: bool, border: float, merge: Merge) -> Var:
    """Merge the elements of each window, axis after axis: shifted slices of the padded tensor."""
    counts = _outputs(node, x, window, ceil)
    x = _bordered(x, window, counts, border)
    for axis, (k, d, s) in enumerate(zip(window.kernel, window.dilations, window.strides, strict=True)):
        parts = [_strided(x, axis + 2, i * d, counts[axis], s) for i in range(k)]
        x = reduce(merge, parts)
    return x


def _outputs(node: Node, x: Var, window: Window, ceil: bool) -> Ints:
    if not static_space(x):
        raise node.needs_lengths("dilations, ceil_mode and this norm need known lengths")
    return window.outputs([int(d) for d in x.shape[2:]], ceil)


def _strided(x: Var, axis: int, start: int, count: int, stride: int) -> Var:
    return sliced(x, axis, start, start + (count - 1) * stride + 1, stride)


def _bordered(x: Var, window: Window, counts: Ints, border: float) -> Var:
    """The tensor, padded at the end as far as the last window extends."""
    pads = [(0, 0), (0, 0)]
    for axis, (before, after) in enumerate(window.pads):
        reach = (counts[axis] - 1) * window.strides[axis] + window.extents[axis]
        pads.append((before, max(after, reach - before - int(x.shape[axis + 2]))))
    return padded(x, pads, border)


def _counts(sizes: Any, window: Window, ceil: bool, padding: bool) -> Array:
    """The number of elements averaged per window, as an array for broadcasting."""
    total = np.ones((1, 1, *[1] * len(sizes)), np.float32)
    for axis, (size, count) in enumerate(zip(sizes, window.outputs(sizes, ceil), strict=True)):
        before, after = window.pads[axis]
        taps = np.arange(count)[:, None] * window.strides[axis] - before
        taps = taps + np.arange(window.kernel[axis]) * window.dilations[axis]
        inside = (taps >= -before) & (taps < size + after) if padding else (taps >= 0) & (taps < size)
        shape = [1] * total.ndim
        shape[axis + 2] = count
        total = total * inside.sum(axis=1).astype(np.float32).reshape(shape)
    return total


def _with_places(node: Node, x: Var, window: Window, ceil: bool, storage_order: int) -> tuple[Var, Var]:
    """Maxima and their flat positions in the tensor: by element of the window; the first of equal elements wins."""
    counts = _outputs(node, x, window, ceil)
    lowest = -np.inf if is_float(x) else np.iinfo(np.int32).min
    padded = _bordered(x, window, counts, lowest)
    flat = _bordered(mb.const(val=_positions(x.shape, storage_order)), window, counts, 0)
    best, where = None, None
    for offsets in product(*map(range, window.kernel)):
        value, position = padded, flat
        for axis, i in enumerate(offsets):
            start = i * window.dilations[axis]
            value = _strided(value, axis + 2, start, counts[axis], window.strides[axis])
            position = _strided(position, axis + 2, start, counts[axis], window.strides[axis])
        if best is None:
            best, where = value, position
            continue
        more = mb.greater(x=value, y=best)
        best, where = select(cond=more, a=value, b=best), select(cond=more, a=position, b=where)
    return best, where


def _positions(shape: Any, storage_order: int) -> Array:
    """The flat position of every element; ``storage_order`` 1 counts the spatial axes column by column."""
    space = tuple(int(d) for d in shape[2:])
    order = (
        np.arange(np.prod(space)).reshape(space[::-1]).T if storage_order else np.arange(np.prod(space)).reshape(space)
    )
    images = int(shape[0]) * int(shape[1])
    offsets = np.arange(images).reshape(*map(int, shape[:2]), *[1] * len(space)) * int(np.prod(space))
    return (order + offsets).astype(np.int32)


@translates("GlobalAveragePool", "GlobalMaxPool")
def global_pool(node: Node, x: Var) -> Var:
    """The mean or maximum over all spatial axes."""
    operator = mb.reduce_mean if node.type == "GlobalAveragePool" else mb.reduce_max
    return operator(x=x, axes=list(range(2, x.rank)), keep_dims=True)


@translates("GlobalLpPool", since=2)
def global_lp_pool(node: Node, x: Var, *, p: int) -> Var:
    """The p-norm over all spatial axes."""
    powers = mb.pow(x=mb.abs(x=x), y=np.float32(p))
    total = mb.reduce_sum(x=powers, axes=list(range(2, x.rank)), keep_dims=True)
    return mb.pow(x=total, y=np.float32(1 / p))


@translates("MaxUnpool", since=9)
def max_unpool(
    node: Node,
    x: Var,
    positions: Var,
    output_shape: Array | None = None,
    *,
    kernel_shape: Ints,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """Elements placed where a MaxPool found them, with zeros elsewhere."""
    window = window_of(x, kernel_shape, strides, None, pads, "NOTSET")
    if not static_space(x):
        raise node.unsupported("the shape of its result must be known")
    sizes = [
        (int(n) - 1) * s + e - sum(p)
        for n, s, e, p in zip(x.shape[2:], window.strides, window.extents, window.pads, strict=True)
    ]
    inner = [*(int(d) for d in x.shape[:2]), *sizes]
    flat = reshape(positions, [times(lengths(positions))])
    zeros = mb.const(val=np.zeros(int(np.prod(inner)), np.float32))
    filled = mb.scatter(data=zeros, indices=flat, updates=reshape(floating(x), [times(lengths(x))]), axis=0)
    y = reshape(filled, list(inner))
    if output_shape is None:
        return y
    grown = [(0, int(want) - have) for want, have in zip(output_shape, inner, strict=True)]
    return padded(y, grown)
