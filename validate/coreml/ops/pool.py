"""Pooling over one to three spatial axes; channels are axis 1."""

from __future__ import annotations

from typing import Any

from ..bind import Ints, Numerics, Op, lowers
from ..errors import unsupported
from ..graph import Graph, Tensor
from .conv import AUTO_PAD, window_padding


@lowers("max_pool", numerics=Numerics.MONOTONE)
def max_pool(
    g: Graph, op: Op, *, x: Tensor, kernel_sizes: Ints, pad_type: str, strides: Ints | None = None,
    pad: Ints | None = None, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The greatest element of each window."""
    return g.op("MaxPool", x, **_extended(*_window(op, x, kernel_sizes, strides, pad_type, pad, ceil_mode)))


@lowers("avg_pool")
def avg_pool(
    g: Graph, op: Op, *, x: Tensor, kernel_sizes: Ints, pad_type: str, strides: Ints | None = None,
    pad: Ints | None = None, ceil_mode: bool = False, exclude_padding_from_average: bool = False,
) -> Tensor:  # fmt: skip
    """The mean of each window, with or without the padding; never with elements that ``ceil_mode`` adds at the end."""
    window, overhang = _window(op, x, kernel_sizes, strides, pad_type, pad, ceil_mode)
    if exclude_padding_from_average or not any(overhang):
        counted = int(not exclude_padding_from_average)
        return g.op("AveragePool", x, count_include_pad=counted, **_extended(window, overhang))
    begins, ends = _halves(window.pop("pads", (0, 0) * len(kernel_sizes)))
    padded = g.op("Pad", x, g.const([0, 0, *begins, 0, 0, *ends], "int64"))
    return g.op("AveragePool", padded, **_extended(window, overhang))


@lowers("l2_pool")
def l2_pool(
    g: Graph, op: Op, *, x: Tensor, kernel_sizes: Ints, pad_type: str, strides: Ints | None = None,
    pad: Ints | None = None, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The root of the sum of squares of each window."""
    return g.op("LpPool", x, p=2, **_extended(*_window(op, x, kernel_sizes, strides, pad_type, pad, ceil_mode)))


def _window(
    op: Op, x: Tensor, kernel: Ints, strides: Ints | None, pad_type: str, pad: Ints | None, ceil_mode: bool
) -> tuple[dict[str, Any], Ints]:
    """ONNX's attributes, and how far the last window of each axis extends past its padded end (with ``ceil_mode``)."""
    strides, pad_type = strides or (1,) * len(kernel), pad_type.lower()
    padding = window_padding(op, x, pad_type, pad or (0, 0) * len(kernel), kernel, strides)
    window = {"kernel_shape": kernel, "strides": strides, **padding}
    if any(p >= k for p, k in zip(padding.get("pads", ()), kernel * 2, strict=False)):
        raise unsupported(str(op), "its padding is as long as a window, so some windows have no elements")
    if not ceil_mode:
        return window, ()
    if pad_type in AUTO_PAD:
        raise unsupported(str(op), "ceil_mode needs pad_type 'valid' or 'custom'")
    lengths = (x.shape or ())[2:]
    if None in lengths:
        return {**window, "ceil_mode": 1}, ()
    # ONNX's shape inference doesn't drop windows that start past the input, so its ceil_mode is not used here.
    begins, ends = _halves(padding.get("pads", (0,) * 2 * len(kernel)))
    axes = zip(lengths, kernel, strides, begins, ends, strict=True)
    return window, tuple(_overhang(op, n or 0, k, s, b, e) for n, k, s, b, e in axes)


def _overhang(op: Op, length: int, kernel: int, stride: int, begin: int, end: int) -> int:
    windows = -(-(length + begin + end - kernel) // stride) + 1
    if (windows - 1) * stride >= length + begin:
        if begin + end == 0:
            raise unsupported(str(op), "with these strides the last window of ceil_mode has no elements")
        windows -= 1
    return max(0, (windows - 1) * stride + kernel - length - begin - end)


def _extended(window: dict[str, Any], overhang: Ints) -> dict[str, Any]:
    """``window`` with the overhang as padding at the ends."""
    if not any(overhang):
        return window
    begins, ends = _halves(window.get("pads", (0,) * 2 * len(overhang)))
    return {**window, "pads": (*begins, *(e + o for e, o in zip(ends, overhang, strict=True)))}


def _halves(pads: Any) -> tuple[Ints, Ints]:
    return tuple(pads[: len(pads) // 2]), tuple(pads[len(pads) // 2 :])
