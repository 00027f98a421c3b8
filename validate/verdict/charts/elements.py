"""Charts over all elements of an output: histogram, scatter with density, heat map, and the strip's quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...report.charts import QUANTILES, Density, HeatMap, Histogram, Point, Scatter, pack
from .values import Values, drawn, picked, rounded, storable

if TYPE_CHECKING:
    from ...signature import Array

MOST_POINTS = 2_000
"""Points of a scatter."""

DENSE = 20_000
"""Elements beyond which a density grid is drawn in addition."""

MOST_CELLS = 64
"""Rows and columns of a heat map."""

_QUANTILES_OF = 20_000
_BINS, _LABELLED = 40, 5
_LOWEST, _HIGHEST, _STEP = -8.0, 8.0, 0.25


def quantiles(arrays: Sequence[Array]) -> tuple[float, ...]:
    """Quantiles of what is positive and finite, over drawn elements."""
    numbers = picked(arrays, drawn([array.size for array in arrays], _QUANTILES_OF))
    numbers = numbers[np.isfinite(numbers) & (numbers > 0)]
    return tuple(map(rounded, np.quantile(numbers, QUANTILES))) if numbers.size else ()


def histogram(values: Values) -> Histogram | None:
    """Errors as shares of their allowances; None where nothing is allowed, so that there is no share."""
    edges = np.arange(_LOWEST, _HIGHEST + _STEP, _STEP)
    counts = np.zeros(len(edges) - 1, np.int64)
    exact = unbounded = 0
    for sample in range(len(values.want)):
        ratio = values.ratio(sample)
        finite = ratio[np.isfinite(ratio) & (ratio > 0)]
        counts += np.histogram(np.clip(np.log10(finite), _LOWEST, _HIGHEST), edges)[0]
        exact += int(np.count_nonzero(ratio == 0))
        unbounded += int(np.count_nonzero(np.isinf(ratio)))
    used = np.flatnonzero(counts)
    first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)
    if not used.size and not any((np.asarray(allowed) > 0).any() for allowed in values.allowed):
        return None
    return Histogram(
        float(edges[first]), _STEP, tuple(map(int, counts[first:last])), exact, unbounded, _floor_share(values)
    )


def _floor_share(values: Values) -> float | None:
    if not values.floors:
        return None
    places = drawn([array.size for array in values.floors], _QUANTILES_OF)
    floors, allowed = picked(values.floors, places), picked([np.asarray(a) for a in values.allowed], places)
    known = (floors > 0) & (allowed > 0) & np.isfinite(floors)
    return rounded(np.median(floors[known] / allowed[known])) if known.any() else None


def scatter(values: Values) -> Scatter | None:
    """Drawn elements that are finite on both sides, those furthest off, and the density where there are many."""
    places = drawn([array.size for array in values.want], MOST_POINTS)
    want, got = picked(values.want, places), picked(values.got, places)
    finite = np.isfinite(want) & np.isfinite(got)
    if not finite.any():
        return None
    want, got = want[finite], got[finite]
    density = _density(values) if values.elements > DENSE else None
    with np.errstate(over="ignore"):
        difference = pack(storable(got - want))
    return Scatter(pack(storable(want)), difference, len(want), values.elements, _worst(values), density)


def _worst(values: Values) -> tuple[Point, ...]:
    """The elements whose errors take most of their allowances, the worst first; none where nothing differs."""
    found: list[tuple[float, float, Point]] = []
    for sample in range(len(values.want)):
        error, ratio = values.error(sample).reshape(-1), values.ratio(sample).reshape(-1)
        measured = np.where(np.isnan(error), -1.0, ratio)
        most = min(_LABELLED, measured.size)
        for at in np.argpartition(-measured, most - 1)[:most] if most else ():
            if measured[at] > 0:
                found.append((-float(ratio[at]), -float(error[at]), _point(values, sample, int(at), float(error[at]))))
    found.sort(key=lambda each: (each[0], each[1], each[2].sample, each[2].index))
    return tuple(point for _, _, point in found[:_LABELLED])


def _point(values: Values, sample: int, at: int, error: float) -> Point:
    want, got = values.want[sample], values.got[sample]
    index = tuple(int(i) for i in np.unravel_index(at, want.shape))
    allowed = float(np.asarray(values.allowed[sample])[index])
    return Point(sample, index, float(want[index]), float(got[index]), error, allowed if np.isfinite(allowed) else None)


def _density(values: Values) -> Density | None:
    low, high = np.inf, -np.inf
    for array in (*values.want, *values.got):
        finite = array[np.isfinite(array.astype(np.float64))].astype(np.float64)
        low, high = min(low, finite.min(initial=np.inf)), max(high, finite.max(initial=-np.inf))
    if not low < high or not np.isfinite(high - low):
        return None
    counts = np.zeros((_BINS, _BINS), np.int64)
    for want, got in zip(values.want, values.got, strict=True):
        left, right = (side.reshape(-1).astype(np.float64) for side in (want, got))
        finite = np.isfinite(left) & np.isfinite(right)
        bounds = [[float(low), float(high)]] * 2
        counts += np.histogram2d(left[finite], right[finite], bins=_BINS, range=bounds)[0].astype(np.int64)
    cells = tuple((int(x), int(y), int(counts[x, y])) for x, y in np.argwhere(counts))
    return Density(rounded(low), rounded(high), _BINS, cells)


def heat_map(values: Values) -> HeatMap | None:
    """The greatest error over the last two axes, or height and width before few channels; None below three axes.

    NaN wins over every error, so that a place without one doesn't look right.
    """
    shapes = {array.shape[1:] for array in values.want}
    first = values.want[0]
    if first.ndim < 3 or len(shapes) > 1:
        return None
    last = first.shape[-1]
    axes = (first.ndim - 3, first.ndim - 2) if first.ndim >= 4 and last <= 4 else (first.ndim - 2, first.ndim - 1)
    lengths = (first.shape[axes[0]], first.shape[axes[1]])
    if min(lengths) < 2:
        return None
    others = tuple(axis for axis in range(first.ndim) if axis not in axes)
    most = np.zeros(lengths)
    for sample in range(len(values.want)):
        if values.want[sample].size:
            most = np.maximum(most, values.error(sample).max(axis=others))
    cells = _blocks(_blocks(most, 0), 1)
    return HeatMap(axes, lengths, cells.shape[0], cells.shape[1], pack(storable(cells)))


def _blocks(table: Array, axis: int) -> Array:
    """The greatest of each block along an axis, so that few enough are left."""
    length = table.shape[axis]
    if length <= MOST_CELLS:
        return table
    starts = np.arange(MOST_CELLS) * length // MOST_CELLS
    blocks: Array = np.maximum.reduceat(table, starts, axis=axis)
    return blocks
