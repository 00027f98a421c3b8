"""Operators on each element: bounds, comparisons, powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down
from .operands import to_attributes


@down(11, "Clip")
def clip_by_attributes(w: Rewrite) -> None:
    """Bounds that are computed, or that aren't a float32, take Max and Min."""
    try:
        to_attributes(w)
    except InexpressibleError:
        x = w.op("Max", w.input(0), w.input(1)) if w.has(1) else w.input(0)
        w.give("Min", x, w.input(2)) if w.has(2) else w.give("Identity", x)


@down(12, "Max", "Min")
def extremes_of_integers(w: Rewrite) -> None:
    """Integers that no floating point dtype holds are compared and chosen, pair by pair."""
    if w.dtype() != np.int64 or len(w.node.input) < 2:
        plain_down(w)
        return
    greatest, *others = w.node.input
    compare = "Greater" if w.node.op_type == "Max" else "Less"
    for other in others:
        greatest = w.op("Where", w.op(compare, greatest, other), greatest, other)
    w.give("Identity", greatest)


@down(12, "Pow")
def power_of_one_dtype(w: Rewrite) -> None:
    """The exponent gets the dtype of the base; integers are raised as doubles, which is what ONNX Runtime does."""
    if w.dtype().kind == "f":
        exponent = w.input(1) if w.dtype(1) == w.dtype() else w.cast(w.input(1), w.dtype())
        plain_down(w, inputs=[w.input(0), exponent])
        return
    wide = w.op("Pow", w.cast(w.input(0), np.float64), w.cast(w.input(1), np.float64))
    w.cast(wide, w.dtype(), w.node.output)


@down(11, "Equal")
def equality_of_numbers(w: Rewrite) -> None:
    """Floating point numbers are equal if neither is the greater one, and neither is NaN."""
    if w.dtype().kind != "f":
        plain_down(w)
        return
    a, b = w.input(0), w.input(1)
    apart = w.op("Or", w.op("Less", a, b), w.op("Greater", a, b))
    undefined = w.op("Or", w.op("IsNaN", a), w.op("IsNaN", b))
    w.give("Not", w.op("Or", apart, undefined))


@down(10, "IsInf")
def infinite_is_beyond_the_largest(w: Rewrite) -> None:
    """What is greater than the largest finite number."""
    largest = np.finfo(w.dtype()).max
    above = w.op("Greater", w.input(0), w.value(largest, w.dtype()))
    below = w.op("Less", w.input(0), w.value(-largest, w.dtype()))
    match bool(w.attribute("detect_positive")), bool(w.attribute("detect_negative")):
        case True, True:
            w.give("Or", above, below)
        case True, False:
            w.give("Identity", above)
        case False, True:
            w.give("Identity", below)
        case _:
            w.give("And", above, below)  # neither: false everywhere


@down(11, "Round")
def round_half_to_even(w: Rewrite) -> None:
    """See :func:`rounded`."""
    w.give("Identity", rounded(w, w.input(0), w.dtype()))


def rounded(w: Rewrite, x: str, dtype: np.dtype[Any]) -> str:
    """The integer below, and 1 more beyond the middle; in the middle if the integer below is odd."""
    half = w.value(0.5, dtype)
    below = w.op("Floor", x)
    rest = w.op("Sub", x, below)
    pairs = w.op("Floor", w.op("Mul", below, half))
    odd = w.op("Greater", w.op("Sub", below, w.op("Add", pairs, pairs)), half)
    beyond = w.op("Greater", rest, half)
    middle = w.op("And", w.op("Not", w.op("Less", rest, half)), odd)
    more = w.cast(w.op("Or", beyond, middle), dtype)
    return w.op("Add", below, more)


@down(11, "DepthToSpace")
def depth_in_columns_first(w: Rewrite) -> None:
    """Mode CRD, as the specification describes it: reshape, transpose, reshape."""
    if w.attribute("mode") == "DCR":
        plain_down(w, ["mode"])
        return
    block, dims = w.attribute("blocksize"), w.dims(0)
    if dims is None or None in dims[1:]:
        raise InexpressibleError("mode='CRD' needs known lengths there")
    channels, height, width = (int(n or 0) for n in dims[1:])
    split = w.op("Reshape", w.input(0), w.ints(-1, channels // block**2, block, block, height, width))
    moved = w.op("Transpose", split, perm=[0, 1, 4, 2, 5, 3])
    w.give("Reshape", moved, w.ints(-1, channels // block**2, height * block, width * block))


@down(28, "Mod")
def floored_remainder(w: Rewrite) -> None:
    """The remainder with the sign of the divisor, of floating point numbers: their other remainder, corrected."""
    if w.attribute("fmod") or w.dtype().kind != "f":
        plain_down(w)
        return
    divisor = w.input(1)
    rest = w.op("Mod", w.input(0), divisor, fmod=1)
    other_sign = w.op("Less", w.op("Mul", rest, divisor), w.value(0, w.dtype()))
    w.give("Where", other_sign, w.op("Add", rest, divisor), rest)


@down(10, "Mod")
def remainder_of_integers(w: Rewrite) -> None:
    """What is left after a division that truncates, with the sign that is wanted."""
    if w.dtype().kind not in "iu":
        raise InexpressibleError("the operator is there from opset 10 on")
    dtype = w.dtype() if w.dtype().itemsize >= 4 else np.dtype(np.int32)
    a, b = (w.input(index) if dtype == w.dtype() else w.cast(w.input(index), dtype) for index in (0, 1))
    rest = w.op("Sub", a, w.op("Mul", w.op("Div", a, b), b))
    if not w.attribute("fmod") and dtype.kind == "i":
        other_sign = w.op("Less", w.op("Mul", rest, b), w.value(0, dtype))
        rest = w.op("Add", rest, w.op("Mul", b, w.cast(other_sign, dtype)))
    w.cast(rest, w.dtype(), w.node.output)


@down(10, "ThresholdedRelu")
def rectified_above_a_threshold(w: Rewrite) -> None:
    """x where it is greater than alpha, else zero."""
    x, alpha = w.input(0), w.value(w.attribute("alpha"), w.dtype())
    w.give("Where", w.op("Greater", x, alpha), x, w.value(0, w.dtype()))
