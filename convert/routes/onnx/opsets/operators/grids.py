"""GridSample: its modes were renamed, volumes came later, and before opset 16 it is arithmetic and gathers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..plain import plain_down
from ..rewrite import Rewrite
from ..rules import down, up

_NAMES = {"bilinear": "linear", "bicubic": "cubic"}
"""Modes before opset 20 -> from then on."""

_CUBIC = -0.75


@up(20, "GridSample")
def modes_for_any_rank(w: Rewrite) -> None:
    """The modes got names that fit volumes, too."""
    mode = w.attribute("mode")
    w.keep(mode=_NAMES.get(mode, mode))


@down(20, "GridSample")
def modes_for_images(w: Rewrite) -> None:
    """Images keep the operator, under the older name of the mode; volumes don't."""
    if w.rank() != 4:
        by_gathers(w)
        return
    names = {new: old for old, new in _NAMES.items()}
    mode = w.attribute("mode")
    plain_down(w, mode=names.get(mode, mode))


@dataclass(frozen=True, slots=True)
class _Axis:
    """One spatial axis: where the grid points to on it, and its length, as names of values."""

    position: str
    length: str
    low: str
    high: str


@down(16, "GridSample")
def by_gathers(w: Rewrite) -> None:
    """The elements around each point, weighted: ONNX Runtime's arithmetic (its grid_sample.cc) in other operators."""
    rank = w.rank()
    x, grid = w.input(0), w.input(1)
    points = w.op("Reshape", grid, w.ints(0, -1, rank - 2))
    axes = [_axis(w, points, axis, rank - 2) for axis in range(rank - 2)]
    flat = w.op("Reshape", x, w.ints(0, 0, -1))
    channels = w.part(w.op("Shape", x), 0, 0, 2)
    taps = [_taps(w, axis) for axis in axes]
    total = ""
    for chosen in product(*taps):
        value = _picked(w, flat, channels, axes, [tap for tap, _ in chosen])
        for _, weight in chosen:
            value = w.op("Mul", value, weight) if weight else value
        total = w.op("Add", total, value) if total else value
    lengths = w.part(w.op("Shape", grid), 0, 1, rank - 1)
    w.give("Reshape", total, w.op("Concat", channels, lengths, axis=0))


def _axis(w: Rewrite, points: str, axis: int, count: int) -> _Axis:
    """The grid names the last axis first. Positions have the shape [N, 1, points]."""
    dtype = w.dtype()
    half, one = w.value(0.5, dtype), w.value(1, dtype)
    given = w.part(points, 2, count - 1 - axis, count - axis)
    shifted = w.op("Add", w.op("Transpose", given, perm=[0, 2, 1]), one)
    length = w.cast(w.part(w.op("Shape", w.input(0)), 0, axis + 2, axis + 3), dtype)
    if w.attribute("align_corners"):
        high = w.op("Sub", length, one)
        position = w.op("Mul", w.op("Mul", shifted, half), high)
        found = _Axis(position, length, w.value(0, dtype), high)
    else:
        position = w.op("Mul", w.op("Sub", w.op("Mul", shifted, length), one), half)
        found = _Axis(position, length, w.value(-0.5, dtype), w.op("Sub", length, half))
    if w.attribute("mode") == "nearest":
        position = _rounded(w, position)
    return _Axis(_within(w, position, found), length, found.low, found.high)


def _rounded(w: Rewrite, x: str) -> str:
    return w.op("Round", x)


def _within(w: Rewrite, position: str, axis: _Axis) -> str:
    """The position by the padding mode: as it is, at the border, or reflected between the bounds."""
    one = w.value(1, w.dtype())
    match w.attribute("padding_mode"):
        case "border":
            return _clamped(w, position, w.value(0, w.dtype()), w.op("Sub", axis.length, one))
        case "reflection":
            span = w.op("Sub", axis.high, axis.low)
            both = w.op("Add", span, span)
            away = w.op("Abs", w.op("Sub", position, axis.low))
            rest = w.op("Sub", away, w.op("Mul", w.op("Floor", w.op("Div", away, both)), both))
            return w.op("Add", axis.low, w.op("Min", rest, w.op("Sub", both, rest)))
        case _:
            return position


def _clamped(w: Rewrite, x: str, low: str, high: str) -> str:
    return w.op("Min", w.op("Max", x, low), high)


def _taps(w: Rewrite, axis: _Axis) -> list[tuple[str, str]]:
    """The whole positions that count on an axis, each with its weight."""
    mode = _NAMES.get(w.attribute("mode"), w.attribute("mode"))
    if mode == "nearest":
        return [(axis.position, "")]
    below = w.op("Floor", axis.position)
    rest = w.op("Sub", axis.position, below)
    if mode == "linear":
        one = w.value(1, w.dtype())
        return [(below, w.op("Sub", one, rest)), (w.op("Add", below, one), rest)]
    return [(w.op("Add", below, w.value(step, w.dtype())), _cubic_weight(w, rest, step)) for step in (-1, 0, 1, 2)]


def _cubic_weight(w: Rewrite, rest: str, step: int) -> str:
    """The cubic kernel at the distance of a neighbour; its coefficients are those of Keys (1981) with a = -0.75."""
    a = _CUBIC
    near = (a + 2, -(a + 3), 0.0, 1.0)
    far = (a, -5 * a, 8 * a, -4 * a)
    distance = w.op("Abs", w.op("Sub", rest, w.value(step, w.dtype())))
    return _polynomial(w, distance, near if step in (0, 1) else far)


def _polynomial(w: Rewrite, x: str, coefficients: Sequence[float]) -> str:
    value = w.value(coefficients[0], w.dtype())
    for coefficient in coefficients[1:]:
        value = w.op("Add", w.op("Mul", value, x), w.value(coefficient, w.dtype()))
    return value


def _picked(w: Rewrite, flat: str, channels: str, axes: Sequence[_Axis], taps: Sequence[str]) -> str:
    """The elements at whole positions, zero outside where that is the padding."""
    dtype = w.dtype()
    zero, one = w.value(0, dtype), w.value(1, dtype)
    index, inside = "", ""
    for axis, tap in zip(axes, taps, strict=True):
        last = w.op("Sub", axis.length, one)
        known = _clamped(w, _within(w, tap, axis), zero, last)
        place = w.cast(known, np.int64)
        index = w.op("Add", w.op("Mul", index, w.cast(axis.length, np.int64)), place) if index else place
        if w.attribute("padding_mode") == "zeros":
            within = w.cast(w.op("Not", w.op("Or", w.op("Less", tap, zero), w.op("Greater", tap, last))), dtype)
            inside = w.op("Mul", inside, within) if inside else within
    everywhere = w.op("Expand", index, w.op("Concat", channels, w.ints(1), axis=0))
    value = w.op("GatherElements", flat, everywhere, axis=2)
    return w.op("Mul", value, inside) if inside else value
