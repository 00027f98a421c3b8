"""Piecewise functions of each column: find the interval, then look up its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tensors import Tensor

Array = NDArray[Any]


def interval(x: Tensor, knots: Sequence[Array]) -> Tensor:
    """How many of its column's ascending knots each value reaches (``knot <= x``), int64 (n, columns); NaN: none.

    A binary search for all values at once: its memory doesn't grow with the number of knots.
    """
    longest = max(map(len, knots))
    flat = x.graph.constant(_padded(knots, np.inf).ravel(), np.float64)
    start = np.arange(len(knots)) * (longest + 1)
    reached = (x.equals(x).cast(np.int64)) * 0
    for step in 2 ** np.arange(int(longest).bit_length())[::-1]:
        candidate = (reached + int(step)).minimum(longest + 1)
        fits = flat.take(candidate + (start - 1)) <= x
        reached = (fits & (candidate <= longest)).where(candidate, reached)
    return reached


def look_up(index: Tensor, tables: Sequence[Array]) -> Tensor:
    """Entry ``index[i, j]`` of table ``j``: (n, columns, *shape of an entry); tables may differ in length."""
    stacked = _padded(tables, 0.0)
    flat = index.graph.constant(stacked.reshape(-1, *stacked.shape[2:]), np.float64)
    return flat.take(index + np.arange(len(tables)) * stacked.shape[1])


def _padded(tables: Sequence[Array], fill: float) -> Array:
    """(columns, longest + 1, ...): every table filled up to one more than the longest."""
    longest = max(map(len, tables))
    result = np.full((len(tables), longest + 1, *np.shape(tables[0])[1:]), fill, np.float64)
    for row, table in zip(result, tables, strict=True):
        row[: len(table)] = table
    return result


def interpolate(x: Tensor, knots: Sequence[Array], values: Sequence[Array]) -> Tensor:
    """Linear interpolation per column, constant beyond the knots, and the mean of both ends at a repeated knot.

    That is ``(interp(x, k, v) - interp(-x, -k[::-1], -v[::-1])) / 2`` of numpy, as in QuantileTransformer.
    """
    pieces = [_pieces(k, v) for k, v in zip(knots, values, strict=True)]
    index = interval(x, [piece["knot"][1:] for piece in pieces])
    here = {name: look_up(index, [piece[name] for piece in pieces]) for name in pieces[0]}
    inside = here["after"] + (x - here["knot"]) * here["slope"]
    low, high = (np.array([piece["knot"][end] for piece in pieces]) for end in (0, -1))
    inside = (x < low).where(here["before"], (x > high).where(here["after"], inside))
    return x.equals(here["knot"]).where((here["before"] + here["after"]) * 0.5, inside)


def _pieces(knots: Array, values: Array) -> dict[str, Array]:
    """Per distinct knot: the values before and after it, and the slope up to the next one."""
    distinct, first = np.unique(knots, return_index=True)
    last = np.append(first[1:], len(knots)) - 1
    before, after = values[first], values[last]
    slope = np.append((before[1:] - after[:-1]) / np.diff(distinct), 0.0)
    return {"knot": distinct, "before": before, "after": after, "slope": slope}
