"""The geometry of convolutions and pools: padding, strides and dilations of ONNX' attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .mil import Var
from .node import Node
from .values import Array, Ints


@dataclass(frozen=True, slots=True)
class Window:
    """One window along all spatial axes: ``pads`` are (before, after) for each axis.

    ``pad_type`` is MIL's padding mode if the lengths, and with them the padding, are unknown.
    """

    kernel: Ints
    strides: Ints
    dilations: Ints
    pads: tuple[tuple[int, int], ...]
    pad_type: str = "custom"

    @property
    def extents(self) -> Ints:
        """The extent of the window along each axis."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def outputs(self, sizes: Sequence[int], ceil: bool = False) -> Ints:
        """The lengths of the result. A last window that would start in the trailing padding is omitted."""
        return tuple(map(self._output, range(len(sizes)), sizes, [ceil] * len(sizes)))

    def _output(self, axis: int, size: int, ceil: bool) -> int:
        (before, after), stride = self.pads[axis], self.strides[axis]
        room = size + before + after - self.extents[axis]
        count = -(-room // stride) + 1 if ceil else room // stride + 1
        return count - 1 if ceil and (count - 1) * stride >= size + before else count

    @property
    def mil_pads(self) -> Array:
        """The padding in MIL's order."""
        return np.array(self.pads, np.int32).reshape(-1)


def window_of(
    x: Var,
    kernel: Sequence[int],
    strides: Ints | None,
    dilations: Ints | None,
    pads: Ints | None,
    auto: str,
) -> Window:
    """The window, with ``auto_pad`` computed if the lengths are known."""
    count = len(kernel)
    strides, dilations = tuple(strides or (1,) * count), tuple(dilations or (1,) * count)
    if auto in ("NOTSET", ""):
        flat = pads or (0,) * (2 * count)
        return Window(tuple(kernel), strides, dilations, tuple(zip(flat[:count], flat[count:], strict=True)))
    bare = Window(tuple(kernel), strides, dilations, ((0, 0),) * count)
    if auto == "VALID":
        return bare
    if not static_space(x) and set(strides) != {1}:
        return replace(bare, pad_type={"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}[auto])
    missing = [_missing(bare, axis, x) for axis in range(count)]
    small = [n // 2 for n in missing]
    both = [(n, m - n) if auto == "SAME_UPPER" else (m - n, n) for n, m in zip(small, missing, strict=True)]
    return Window(tuple(kernel), strides, dilations, tuple(both))


def check_pad_type(node: Node, window: Window) -> None:
    """ML Programs of iOS15 can't pad more at the start than at the end; neural networks can."""
    if window.pad_type == "same_lower" and node.target.program:
        node.need("iOS16")


def _missing(window: Window, axis: int, x: Var) -> int:
    """The padding for ceil(length / stride) outputs; with stride 1 it is independent of the length."""
    stride, extent = window.strides[axis], window.extents[axis]
    if stride == 1:
        return extent - 1
    size = int(x.shape[2 + axis])
    return max(0, (-(-size // stride) - 1) * stride + extent - size)


def static_space(x: Var) -> bool:
    """Whether the lengths of the spatial axes are known."""
    return not any(not isinstance(d, (int, np.integer)) for d in x.shape[2:])
