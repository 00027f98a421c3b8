"""Convolutions and their transposes."""

from __future__ import annotations

import numpy as np

from ..common import channelwise, length
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Ints
from ..windows import Window, check_pad_type, window_of


@translates("Conv")
def conv(
    node: Node,
    x: Var,
    w: Var,
    b: Var | None = None,
    *,
    auto_pad: str,
    dilations: Ints | None = None,
    group: int,
    kernel_shape: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """A convolution along one to three axes."""
    window = window_of(x, kernel_shape or w.shape[2:], strides, dilations, pads, auto_pad)
    check_pad_type(node, window)
    fixed_bias = b is not None and b.val is not None
    y = mb.conv(
        x=x,
        weight=w,
        bias=b if fixed_bias else None,
        strides=list(window.strides),
        pad_type=window.pad_type,
        pad=window.mil_pads,
        dilations=list(window.dilations),
        groups=group,
    )
    return y if b is None or fixed_bias else mb.add(x=y, y=channelwise(b, x.rank))


@translates("ConvTranspose")
def conv_transpose(
    node: Node,
    x: Var,
    w: Var,
    b: Var | None = None,
    *,
    auto_pad: str,
    dilations: Ints | None = None,
    group: int,
    kernel_shape: Ints | None = None,
    output_padding: Ints | None = None,
    output_shape: Ints | None = None,
    pads: Ints | None = None,
    strides: Ints | None = None,
) -> Var:
    """A transposed convolution without padding, from which the padding is cropped."""
    if w.val is None:
        raise node.needs_lengths("'w' must be a constant, but it is computed by the model")
    window = window_of(x, kernel_shape or w.shape[2:], strides, dilations, pads, "VALID" if not pads else "NOTSET")
    extra = output_padding or (0,) * len(window.kernel)
    cuts = _cuts(node, x, window, extra, output_shape, auto_pad)
    y = mb.conv_transpose(
        x=x,
        weight=w,
        strides=list(window.strides),
        pad_type="valid",
        dilations=list(window.dilations),
        groups=group,
    )
    y = _trimmed(y, cuts)
    return y if b is None else mb.add(x=y, y=channelwise(b, x.rank))


def _cuts(
    node: Node, x: Var, window: Window, extra: Ints, output_shape: Ints | None, auto_pad: str
) -> list[tuple[int, int]]:
    """The crop before and after along each axis; a negative crop is padding."""
    if output_shape is None and auto_pad in ("NOTSET", "", "VALID"):
        return [(before, after - e) for (before, after), e in zip(window.pads, extra, strict=True)]
    found = []
    for axis, (stride, extent, e) in enumerate(zip(window.strides, window.extents, extra, strict=True)):
        size = length(x, axis + 2)
        if not isinstance(size, int):
            raise node.needs_lengths("its output shape depends on unknown lengths")
        full = stride * (size - 1) + extent
        wanted = output_shape[axis - len(window.kernel)] if output_shape else size * stride
        total = full + e - wanted
        small = total // 2
        before = total - small if auto_pad != "SAME_UPPER" else small
        found.append((before, full - wanted - before))
    return found


def _trimmed(y: Var, cuts: list[tuple[int, int]]) -> Var:
    grown = [(max(-a, 0), max(-b, 0)) for a, b in cuts]
    if any(map(any, grown)):
        y = mb.pad(x=y, pad=np.array([(0, 0), (0, 0), *grown], np.int32).reshape(-1), mode="constant")
    cut = [(max(a, 0), max(b, 0)) for a, b in cuts]
    if not any(map(any, cut)):
        return y
    begin = [0, 0, *(a for a, _ in cut)]
    end = [0, 0, *(-b for _, b in cut)]
    return mb.slice_by_index(x=y, begin=begin, end=end, end_mask=[n == 0 for n in end])
