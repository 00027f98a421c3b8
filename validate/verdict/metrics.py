"""Elementwise errors of one output over all samples, in float64, block by block.

Memory stays at a few blocks whatever the outputs' size: no contiguous array is converted or copied as a whole.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.types import Errors, Metrics, Tolerance, WorstElement
from ..signature import EPSILON

if TYPE_CHECKING:
    from ..signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

QUANTILES = (0.5, 0.9, 0.99, 0.999)
QUANTILE_SAMPLE = 1_000_000
"""Quantiles are exact for outputs of up to this many elements."""

_BLOCK = 1 << 14  # 128 KiB of float64: a block's temporaries stay in the processor's cache
_LOWEST = -1100  # below the exponent of every float64, subnormal ones included
_OCTAVES = 2200
_GAP = 7  # octaves: a factor of 128
_FEW = 16  # values; fewer than that say little about what their scale is


def measure(
    reference: Sequence[Array],
    candidate: Sequence[Array],
    tolerance: Tolerance,
    allowances: Sequence[Array] | None = None,
) -> tuple[Metrics, WorstElement | None]:
    """How far the candidate is off, over all samples, and its worst element.

    ``allowances`` (float64, one array per sample) say how far each element may be off; None leaves it to the formula
    of ``tolerance``. Takes numbers and booleans of equal shapes, one array per sample, at least one element in all.
    The worst element is the first whose NaN or infinity has no partner, otherwise the one whose error is the greatest
    multiple of what is allowed (where ``tolerance`` allows nothing at all: the greatest error).
    """
    tally = _Tally(tolerance, sum(parts(array).size for array in reference))
    allowed: Sequence[Array | None] = allowances or [None] * len(reference)
    for number, (want, got, each) in enumerate(zip(reference, candidate, allowed, strict=True)):
        tally.add(number, want, got, each)
    return tally.metrics(), tally.worst


def measure_text(reference: Sequence[Array], candidate: Sequence[Array]) -> tuple[Metrics, WorstElement | None]:
    """The same for text, which is equal or isn't; the worst element is the first that differs."""
    worst, elements, differing = None, 0, 0
    for number, (want, got) in enumerate(zip(reference, candidate, strict=True)):
        places = np.argwhere(np.atleast_1d(want != got))
        if worst is None and len(places):
            index = tuple(map(int, places[0][: want.ndim]))
            worst = WorstElement(number, index, str(want[index]), str(got[index]))
        elements += want.size
        differing += len(places)
    return Metrics(elements, differing), worst


def blocks(array: Array) -> Iterator[Array]:
    """The array's elements in order, flat, a block at a time; a complex one as pairs of real and imaginary part."""
    flat = parts(array).reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        yield flat[start : start + _BLOCK]


def parts(array: Array) -> Array:
    """Complex numbers as a last axis of (real, imaginary); anything else as it is."""
    if array.dtype.kind != "c":
        return array
    return np.ascontiguousarray(array)[..., None].view(array.real.dtype)


def peak(arrays: Sequence[Array]) -> float:
    """The greatest finite magnitude in any of the arrays; 0 where there is none."""
    return max((_peak(block) for array in arrays for block in blocks(array)), default=0.0)


def _peak(block: Array) -> float:
    magnitudes = np.abs(block.astype(np.float64, copy=False))
    return float(magnitudes.max(where=np.isfinite(magnitudes), initial=0.0))


def scale_exponent(array: Array) -> int | None:
    """``e`` such that the array's typical great values lie between ``2**e`` and ``2**(e + 1)``; None if all are zero.

    From the octave that holds the lower quartile of the finite, nonzero magnitudes, climb while there is no gap of
    a factor 128 (of 128 squared among fewer than 16 values). In most arrays that leads to the greatest value; a
    mask of -1e9 or a lone outlier stands apart and lends its scale to nobody else.
    """
    counts = sum((_octaves(block) for block in blocks(array)), np.zeros(_OCTAVES, np.int64))
    filled = np.flatnonzero(counts)
    if not filled.size:
        return None
    total = int(counts.sum())
    quartile = int(np.searchsorted(np.cumsum(counts[filled]), math.ceil(total / 4)))
    climb = filled[quartile:]
    gaps = np.flatnonzero(np.diff(climb) > (_GAP if total >= _FEW else 2 * _GAP))
    return int(climb[gaps[0] if gaps.size else -1]) + _LOWEST - 1


def _octaves(block: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    values = block.astype(np.float64, copy=False)
    exponents = np.frexp(values[np.isfinite(values) & (values != 0)])[1]
    return np.bincount(exponents - _LOWEST, minlength=_OCTAVES)


def base_allowance(array: Array, tolerance: Tolerance) -> float:
    """The part of what ``tolerance`` allows that is the same for all elements of one sample: ``atol + ulps*ulp``."""
    exponent = scale_exponent(array) if tolerance.ulps else None
    ulp = 0.0 if exponent is None else math.ldexp(EPSILON[tolerance.dtype], exponent)
    return tolerance.atol + tolerance.ulps * ulp


def _distance(want: Array, got: Array) -> Floats:
    """|got - want|; of integers without rounding, since float64 has no 2**53 + 1."""
    if want.dtype.kind not in "iub":
        distance: Floats = np.abs(got - want)
        return distance
    wide_want, wide_got = want.astype(np.uint64), got.astype(np.uint64)  # subtraction modulo 2**64 is exact
    return np.where(got > want, wide_got - wide_want, wide_want - wide_got).astype(np.float64)


def _share(error: Floats, allowed: Floats) -> Floats:
    """error / allowed, where 0 / 0 is 0 and anything else over 0 infinite."""
    share: Floats = np.divide(error, allowed, out=np.where(error > 0, math.inf, 0.0), where=allowed > 0)
    return share


def _dot(left: Floats, right: Floats) -> float:
    """Sum of products; not ``@``, whose threads wait for each other for longer than a block takes."""
    return float(np.einsum("i,i", left, right))


class _Tally:
    """Running sums over blocks."""

    def __init__(self, tolerance: Tolerance, elements: int) -> None:
        self._tolerance = tolerance
        self._elements = elements
        self._share = min(1.0, QUANTILE_SAMPLE / elements)
        self._random = np.random.default_rng(0)
        self._drawn: list[Floats] = []
        self._unpaired: WorstElement | None = None
        self._worst: WorstElement | None = None
        self._used = -1.0  # share of what is allowed, of the worst element
        self._differing = self._mismatched = self._nonfinite = self._finite = self._nonzero = 0
        self._max = self._largest = self._sum = self._max_relative = self._sum_relative = self._required = 0.0
        self._dot = self._want_power = self._got_power = self._error_power = 0.0

    def add(self, sample: int, want: Array, got: Array, allowed: Array | None) -> None:
        """Take in one sample's output."""
        base = base_allowance(want, self._tolerance) if allowed is None else 0.0
        bounds: Iterable[float | Array] = itertools.repeat(base) if allowed is None else blocks(allowed)
        for number, (w, g, bound) in enumerate(zip(blocks(want), blocks(got), bounds, strict=False)):
            self._add_block(_Place(sample, number * _BLOCK, want, got), w, g, bound)

    def _add_block(self, place: _Place, want: Array, got: Array, bound: float | Array) -> None:
        positions = None
        if want.dtype.kind not in "iub":
            want, got = want.astype(np.float64, copy=False), got.astype(np.float64, copy=False)
            finite = np.isfinite(want) & np.isfinite(got)
            if not finite.all():
                self._add_nonfinite(place, want, got, finite)
                positions = np.flatnonzero(finite)
                want, got = want[positions], got[positions]
                bound = bound if isinstance(bound, float) else bound[positions]
        if want.size:
            self._add_finite(place, positions, want, got, bound)

    def _add_nonfinite(self, place: _Place, want: Floats, got: Floats, finite: Array) -> None:
        same = (want == got) | (np.isnan(want) & np.isnan(got))
        mismatched = np.flatnonzero(~finite & ~same)
        self._nonfinite += int(finite.size - np.count_nonzero(finite))
        self._mismatched += mismatched.size
        if mismatched.size and self._unpaired is None:
            self._unpaired = place.element(int(mismatched[0]))

    def _add_finite(
        self, place: _Place, positions: Array | None, want: Array, got: Array, bound: float | Array
    ) -> None:
        """``bound`` is the part of the allowance that all elements share, or each element's whole allowance."""
        with np.errstate(over="ignore"):  # a difference beyond float64 is infinite, and fails
            error, magnitude = _distance(want, got), np.abs(want.astype(np.float64, copy=False))
            slack = self._tolerance.rtol * magnitude
            self._required = max(self._required, float((error - slack).max()))
            allowed = bound + slack if isinstance(bound, float) else bound
            used = error if self._tolerance.exact else _share(error, allowed)
            self._sum_up(want.astype(np.float64, copy=False), got.astype(np.float64, copy=False), error, magnitude)
        self._differing += int(np.count_nonzero(~(error <= allowed)))
        at = int(used.argmax())
        if used[at] > self._used:
            self._used = float(used[at])
            index = at if positions is None else int(positions[at])
            self._worst = place.element(index, float(error[at]), float(allowed[at]))

    def _sum_up(self, want: Floats, got: Floats, error: Floats, magnitude: Floats) -> None:
        self._finite += error.size
        self._max = max(self._max, float(error.max()))
        self._largest = max(self._largest, float(magnitude.max()))
        self._sum += float(error.sum())
        nonzero = magnitude != 0
        relative = error[nonzero] / magnitude[nonzero]
        self._nonzero += relative.size
        self._max_relative = max(self._max_relative, float(relative.max(initial=0.0)))
        self._sum_relative += float(relative.sum())
        self._dot += _dot(want, got)
        self._want_power += _dot(want, want)
        self._got_power += _dot(got, got)
        self._error_power += _dot(error, error)
        self._draw(error)

    def _draw(self, error: Floats) -> None:
        if self._share < 1:
            error = error[self._random.integers(0, error.size, math.ceil(self._share * error.size))]
        self._drawn.append(error)

    @property
    def worst(self) -> WorstElement | None:
        """An element without a partner before any that is merely off."""
        return self._unpaired or self._worst

    def metrics(self) -> Metrics:
        """What was summed up."""
        errors = self._errors() if self._finite else None
        return Metrics(self._elements, self._differing, self._mismatched, self._nonfinite, errors)

    def _errors(self) -> Errors:
        points = np.quantile(np.concatenate(self._drawn), QUANTILES, method="higher")
        return Errors(
            max_absolute=self._max,
            mean_absolute=self._sum / self._finite,
            max_relative=self._max_relative if self._nonzero else None,
            mean_relative=self._sum_relative / self._nonzero if self._nonzero else None,
            cosine=_cosine(self._dot, self._want_power, self._got_power),
            snr_db=_decibels(self._want_power, self._error_power) if self._max else math.inf,
            quantiles=tuple(zip(QUANTILES, map(float, points), strict=True)),
            required_atol=self._required,
            largest=self._largest,
        )


class _Place:
    """Where a block lies: from the ``start``-th element of one sample's output."""

    def __init__(self, sample: int, start: int, want: Array, got: Array) -> None:
        self._sample, self._start, self._want, self._got = sample, start, parts(want), parts(got)

    def element(self, offset: int, error: float | None = None, allowed: float | None = None) -> WorstElement:
        """The block's ``offset``-th element, with the values as the models gave them."""
        index = tuple(map(int, np.unravel_index(self._start + offset, self._want.shape)))
        return WorstElement(self._sample, index, self._want[index].item(), self._got[index].item(), error, allowed)


def _cosine(dot: float, want_power: float, got_power: float) -> float | None:
    norms = math.sqrt(want_power) * math.sqrt(got_power)
    return max(-1.0, min(1.0, dot / norms)) if norms and math.isfinite(norms) else None


def _decibels(signal: float, noise: float) -> float | None:
    """10 log10(signal / noise); None where a power overflowed or vanished although the errors did not."""
    if not noise or not math.isfinite(noise) or not math.isfinite(signal):
        return None
    return 10 * math.log10(signal / noise) if signal else -math.inf
