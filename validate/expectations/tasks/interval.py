"""How sure a difference is: a confidence interval over rows, both models on the same ones.

B. Efron, Bootstrap methods: another look at the jackknife (1979): the percentile interval of paired resamples. Where no
row differs, resamples can't either: then at most a share of ``1 - 0.05**(1/n)`` of all rows does (the rule of three).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .values import Rows

RESAMPLES, SEED, CONFIDENCE = 1000, 0, 0.95


def interval(rows: Rows) -> tuple[float, float]:
    """The least and the greatest difference, candidate minus reference, with 95 % confidence."""
    count = len(rows.reference)
    if not count:
        return -math.inf, math.inf
    if all(map(_equal, rows.reference, rows.candidate)):
        bound = 1 - (1 - CONFIDENCE) ** (1 / count) if rows.bounded else 0.0
        return -bound, bound
    random = np.random.default_rng(SEED)
    found = np.empty(RESAMPLES)
    for turn in range(RESAMPLES):
        chosen = random.integers(count, size=count)
        found[turn] = rows.combine(rows.candidate[chosen]) - rows.combine(rows.reference[chosen])
    edge = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(found, [edge, 1 - edge])
    return float(low), float(high)


def _equal(first: Any, second: Any) -> bool:
    """Up to rounding. A row may be a number, an array, or a tuple of these."""
    if isinstance(first, tuple):
        return all(map(_equal, first, second))
    first, second = np.asarray(first), np.asarray(second)
    return first.shape == second.shape and np.allclose(first, second, rtol=1e-6, atol=1e-9, equal_nan=True)


def rows_needed(rows: Rows, limit: float) -> int | None:
    """About how many rows would tell, by the square root law; None where the difference itself is at the limit."""
    count, difference = len(rows.reference), rows.combine(rows.candidate) - rows.combine(rows.reference)
    low, high = interval(rows)
    width, room = max(high - difference, difference - low), abs(limit - abs(difference))
    return math.ceil(count * (width / room) ** 2) if room > 0 and math.isfinite(width) else None
