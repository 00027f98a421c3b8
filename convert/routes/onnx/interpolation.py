"""The arithmetic of Resize: which elements of an axis an output element is made of, and with which weights.

Source of the formulas: ONNX' specification of Resize, with the rounding of ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ....validate.signature import Array


@dataclass(frozen=True, slots=True)
class Rule:
    """The mapping of output elements to input positions, and the interpolation between elements (ONNX' names)."""

    mode: str = "nearest"
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic: float = -0.75
    exclude_outside: bool = False
    extrapolation: float = 0.0
    antialias: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis to resize: from ``size`` to ``target`` elements at ``scale``; ``region`` is tf_crop_and_resize's."""

    position: int
    size: int
    target: int
    scale: float
    region: tuple[float, float] = (0.0, 1.0)


def _half_pixel_symmetric(i: Array, a: Axis) -> Array:
    adjustment = a.target / (a.scale * a.size)
    return a.size / 2 * (1 - adjustment) + (i + 0.5) / a.scale - 0.5


def _cropped(i: Array, a: Axis) -> Array:
    start, end = a.region
    if a.target == 1:
        return 0.5 * (start + end) * (a.size - 1) + 0 * i
    return start * (a.size - 1) + i * (end - start) * (a.size - 1) / (a.target - 1)


def _aligned(i: Array, a: Axis) -> Array:
    """The scale is computed with the length of the result before it is truncated to an integer."""
    span = a.scale * a.size - 1
    return i * (a.size - 1) / span if span > 0 else 0 * i


COORDINATES: dict[str, Callable[[Array, Axis], Array]] = {
    "half_pixel": lambda i, a: (i + 0.5) / a.scale - 0.5,
    "half_pixel_symmetric": _half_pixel_symmetric,
    "pytorch_half_pixel": lambda i, a: (i + 0.5) / a.scale - 0.5 if a.target > 1 else 0 * i,
    "tf_half_pixel_for_nn": lambda i, a: (i + 0.5) / a.scale,
    "align_corners": _aligned,
    "asymmetric": lambda i, a: i / a.scale,
    "tf_crop_and_resize": _cropped,
}
OUTWARDS = "outwards"
"""Before opset 11 no rounding is specified: ONNX Runtime rounds down where an axis grows, and up where it shrinks."""
NEAREST: dict[str, Callable[[Array, Axis], Array]] = {
    "round_prefer_floor": lambda x, a: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x, a: np.floor(x + 0.5),
    "floor": lambda x, a: np.floor(x),
    "ceil": lambda x, a: np.ceil(x),
    OUTWARDS: lambda x, a: np.ceil(x) if a.scale < 1 else np.floor(x),
}


def axes_of(
    positions: Sequence[int],
    lengths: Sequence[int],
    scales: Array | None,
    sizes: Array | None,
    policy: str,
    region: Sequence[float],
) -> list[Axis]:
    """The axes at ``positions``, which have ``lengths``, by the operands of Resize; one of scales and sizes is None."""
    if scales is not None:
        factors = [float(s) for s in scales]
        targets = [int(np.floor(n * s)) for n, s in zip(lengths, scales.astype(np.float32), strict=True)]
    else:
        assert sizes is not None  # ONNX requires one of the two
        targets = [int(n) for n in sizes]
        factors = [t / n for t, n in zip(targets, lengths, strict=True)]
        if policy != "stretch":
            factor = min(factors) if policy == "not_larger" else max(factors)
            factors, targets = [factor] * len(positions), [int(np.floor(factor * n + 0.5)) for n in lengths]
    count = len(positions)
    regions = list(zip(region[:count], region[count:], strict=True)) if region else [(0.0, 1.0)] * count
    return [Axis(*row) for row in zip(positions, lengths, targets, factors, regions, strict=True)]


def weights(axis: Axis, rule: Rule) -> Array:
    """The matrix (target, size) that resizes one axis; a row of NaN is outside of tf_crop_and_resize's input."""
    x = COORDINATES[rule.coordinates](np.arange(axis.target, dtype=np.float64), axis)
    matrix = _interpolated(x, axis, rule)
    if rule.coordinates == "tf_crop_and_resize":
        matrix[(x < 0) | (x > axis.size - 1)] = np.nan
    return matrix.astype(np.float32)


def _interpolated(x: Array, axis: Axis, rule: Rule) -> Array:
    matrix = np.zeros((axis.target, axis.size))
    rows = np.arange(axis.target)
    if rule.mode == "nearest":
        matrix[rows, np.clip(NEAREST[rule.nearest](np.round(x, 12), axis), 0, axis.size - 1).astype(int)] = 1
        return matrix
    stretch = min(axis.scale, 1.0) if rule.antialias else 1.0
    kernel, reach = (_triangle, 1) if rule.mode == "linear" else (_cubic(rule.cubic), 2)
    support = int(np.ceil(reach / stretch))
    taps = np.floor(x)[:, None].astype(int) + np.arange(-support, support + 1)
    values = kernel((taps - x[:, None]) * stretch)
    inside = (taps >= 0) & (taps < axis.size)
    values = np.where(inside, values, 0) if rule.exclude_outside else values
    values = values / values.sum(axis=1, keepdims=True)
    np.add.at(matrix, (rows[:, None], np.clip(taps, 0, axis.size - 1)), values)
    return matrix


def _triangle(t: Array) -> Array:
    return np.asarray(np.maximum(0, 1 - np.abs(t)))


def _cubic(a: float) -> Callable[[Array], Array]:
    def kernel(t: Array) -> Array:
        t = np.abs(t)
        near = (a + 2) * t**3 - (a + 3) * t**2 + 1
        far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
        return np.asarray(np.where(t <= 1, near, np.where(t < 2, far, 0)))

    return kernel
