"""The noise floor of every element, computed from the deviations of perturbed runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .moderation import Moderated, moderate, student

if TYPE_CHECKING:
    from ..signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

CONFIDENCE = 2.0
"""Standard deviations: 95 % of normal errors are smaller."""

_BOTH_MODELS = math.sqrt(2.0)  # the reference rounds, too
_NEIGHBOURS = 64

_OWN_AT_MOST = 32.0
"""How far two runs may underestimate a deviation: once in a thousand elements by more."""


def floor_of(squares: Array, values: Array, runs: int) -> Floats:
    """The half-width, by element, of the difference that rounding explains with 95 % confidence.

    ``squares`` are sums of squared deviations over ``runs`` perturbed runs of a model that gives ``values`` (same
    shape). A few runs say little about the variance of one element. Where those of elements of similar magnitude are
    alike, they say more; but no element gets more than its own variance allows, widened by Student's factor.
    """
    own = _variance(squares, runs)
    shared = _by_groups(own, values, lambda groups: moderate(groups, runs))
    widths = np.sqrt(shared.variance) * student(shared.freedom), np.sqrt(own) * student(runs)
    return np.asarray(CONFIDENCE * _BOTH_MODELS * np.minimum(*widths))


def scatter_of(squares: Array, values: Array, runs: int, *, robust: bool = False) -> Floats:
    """The same for the reference's own scatter under ``runs`` shaken inputs: an estimate, not a bound.

    ``robust`` takes the median variance of similar elements, so that one that jumps doesn't widen itself or others.
    Either is at most :data:`_OWN_AT_MOST` times what the element itself shows.
    """
    own = _variance(squares, runs)
    shared = _by_groups(own, values, _median if robust else lambda groups: moderate(groups, runs))
    deviation = np.minimum(np.sqrt(shared.variance), _OWN_AT_MOST * np.sqrt(own))
    return np.asarray(CONFIDENCE * _BOTH_MODELS * deviation)


def _variance(squares: Array, runs: int) -> Floats:
    return np.asarray(squares.astype(np.float64, copy=False) / max(runs, 1))


def _median(groups: Floats) -> Moderated:
    found = np.broadcast_to(np.median(groups, axis=1, keepdims=True), groups.shape)
    return Moderated(found, np.ones_like(found))


def _by_groups(variance: Floats, values: Array, estimate: Callable[[Floats], Moderated]) -> Moderated:
    """An estimate for groups of elements that rank next to each other by magnitude.

    Not a running window: in its sums a small variance would vanish next to large ones. The greatest elements, too few
    for a group, form one with those before them.
    """
    flat = variance.reshape(-1)
    if not flat.size:
        return Moderated(variance, variance)
    order = np.argsort(np.abs(values.reshape(-1)), kind="stable")
    whole = flat.size // _NEIGHBOURS * _NEIGHBOURS
    parts = [order[:whole].reshape(-1, _NEIGHBOURS)] if whole else []
    if whole < flat.size:
        parts.insert(0, order[None, -_NEIGHBOURS:])
    found = Moderated(np.empty_like(flat), np.empty_like(flat))
    for places in parts:
        each = estimate(flat[places])
        found.variance[places], found.freedom[places] = each.variance, each.freedom
    return Moderated(found.variance.reshape(variance.shape), found.freedom.reshape(variance.shape))
