"""QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down
from .elementwise import rounded


@down(21, "QuantizeLinear")
def dtype_by_the_zero_point(w: Rewrite) -> None:
    """Without output_dtype, a zero point tells the dtype."""
    wanted = w.attribute("output_dtype")
    dims = w.dims(1)
    if not wanted or w.has(2):
        plain_down(w, ["output_dtype"])
        return
    if dims is None or None in dims:
        raise InexpressibleError("there a zero point tells the dtype, and the number of scales isn't known")
    zero = w.value(np.zeros([int(n or 0) for n in dims]), helper.tensor_dtype_to_np_dtype(wanted))
    plain_down(w, ["output_dtype"], [w.input(0), w.input(1), zero])


def _is_per_axis(w: Rewrite) -> bool:
    dims = w.dims(1)
    if dims is None:
        raise InexpressibleError(f"there is one scale there, and the shape of '{w.input(1)}' isn't known")
    return dims not in ([], [1])


def _beside(w: Rewrite, name: str) -> str:
    """A list along the node's axis."""
    rank = w.rank()
    axis = w.attribute("axis") % rank
    return w.op("Reshape", name, w.ints(*(-1 if n == axis else 1 for n in range(rank))))


@down(13, "DequantizeLinear")
def dequantised_per_axis(w: Rewrite) -> None:
    """One scale for each position along an axis is arithmetic."""
    if not _is_per_axis(w):
        plain_down(w, ["axis"])
        return
    numbers = w.cast(w.input(0), np.int32)
    if w.has(2):
        numbers = w.op("Sub", numbers, _beside(w, w.cast(w.input(2), np.int32)))
    w.give("Mul", w.cast(numbers, w.dtype(1)), _beside(w, w.input(1)))


@down(13, "QuantizeLinear")
def quantised_per_axis(w: Rewrite) -> None:
    """One scale for each position along an axis is arithmetic, with Round, which opset 11 has."""
    if not _is_per_axis(w):
        plain_down(w, ["axis"])
        return
    quotient = w.op("Div", w.cast(w.input(0), np.float32), _beside(w, w.input(1)))
    zero = _beside(w, w.cast(w.input(2), np.float32)) if w.has(2) else ""
    low, high = (w.value(bound, np.float32) for bound in _bounds(w))
    numbers = w.op("Round", quotient)
    within = w.op("Clip", w.op("Add", numbers, zero) if zero else numbers, low, high)
    w.cast(within, _kind(w), w.node.output)


def _kind(w: Rewrite) -> np.dtype[Any]:
    return w.dtype(2) if w.has(2) else np.dtype(np.uint8)


def _bounds(w: Rewrite) -> tuple[int, int]:
    limits = np.iinfo(_kind(w))
    return int(limits.min), int(limits.max)


@down(10, "QuantizeLinear")
def quantised_by_arithmetic(w: Rewrite) -> None:
    """The quotient, rounded to even, from the zero point on, within the dtype's bounds."""
    quotient = w.op("Div", w.cast(w.input(0), np.float32), w.input(1))
    numbers = rounded(w, quotient, np.dtype(np.float32))
    if w.has(2):
        numbers = w.op("Add", numbers, w.cast(w.input(2), np.float32))
    low, high = _bounds(w)
    w.cast(w.op("Clip", numbers, min=float(low), max=float(high)), _kind(w), w.node.output)


@down(10, "DequantizeLinear")
def dequantised_by_arithmetic(w: Rewrite) -> None:
    """The difference from the zero point, times the scale."""
    numbers = w.cast(w.input(0), np.int32)
    if w.has(2):
        numbers = w.op("Sub", numbers, w.cast(w.input(2), np.int32))
    w.give("Mul", w.cast(numbers, np.float32), w.input(1))
