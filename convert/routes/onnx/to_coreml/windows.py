"""The geometry of convolutions and pools: padding, strides, dilations, as ONNX states them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .mil import Var
from .node import Node
from .values import Array, Ints


@dataclass(frozen=True, slots=True)
class Window:
    """One window along all spatial axes: ``pads`` are (before, behind) for each axis.

    ``pad_type`` is MIL's name of how to pad where the lengths, and with them the padding, aren't known.
    """

    kernel: Ints
    strides: Ints
    dilations: Ints
    pads: tuple[tuple[int, int], ...]
    pad_type: str = "custom"

    @property
    def extents(self) -> Ints:
        """How far each axis of the window reaches."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def outputs(self, sizes: Sequence[int], ceil: bool = False) -> Ints:
        """The lengths of the result. A last window that would begin in the padding behind is left out."""
        return tuple(map(self._output, range(len(sizes)), sizes, [ceil] * len(sizes)))

    def _output(self, axis: int, size: int, ceil: bool) -> int:
        (before, behind), stride = self.pads[axis], self.strides[axis]
        room = size + before + behind - self.extents[axis]
        count = -(-room // stride) + 1 if ceil else room // stride + 1
        return count - 1 if ceil and (count - 1) * stride >= size + before else count

    @property
    def mil_pads(self) -> Array:
        """The padding as MIL wants it."""
        return np.array(self.pads, np.int32).reshape(-1)


def window_of(
    x: Var,
    kernel: Sequence[int],
    strides: Ints | None,
    dilations: Ints | None,
    pads: Ints | None,
    auto: str,
) -> Window:
    """The window, with ``auto_pad`` worked out where the lengths are known."""
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
    """iOS15's ML Programs can't pad more in front than behind; neural networks always could."""
    if window.pad_type == "same_lower" and node.target.program:
        node.need("iOS16")


def _missing(window: Window, axis: int, x: Var) -> int:
    """How much padding gives ceil(length / stride) outputs; with stride 1 the length doesn't matter."""
    stride, extent = window.strides[axis], window.extents[axis]
    if stride == 1:
        return extent - 1
    size = int(x.shape[2 + axis])
    return max(0, (-(-size // stride) - 1) * stride + extent - size)


def static_space(x: Var) -> bool:
    """Whether the lengths of the spatial axes are known."""
    return not any(not isinstance(d, (int, np.integer)) for d in x.shape[2:])
