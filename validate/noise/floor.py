"""From the deviations of perturbed runs to a floor for every element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

CONFIDENCE = 2.0
"""Standard deviations: 95 % of normal errors are smaller."""

_TWO_SIDES = math.sqrt(2.0)  # the reference rounds, too
_NEIGHBOURS = 64


def floor_of(squares: Array, values: Array, runs: int, *, robust: bool = False) -> Floats:
    """The half-width of the difference that rounding explains, by element, with 95 % confidence.

    ``squares`` are sums of squared deviations over ``runs`` perturbed runs of a model that gives ``values`` (same
    shape). Few runs tell little of one element's variance, so it is moderated: half its weight has the variance of the
    elements of like magnitude (G. K. Smyth, Linear models and empirical Bayes methods, 2004, section 3).
    ``robust`` takes the median variance of those elements alone: what jumps in one lends nothing to the others.
    """
    own = squares.astype(np.float64, copy=False) / max(runs, 1)
    if robust:
        return np.asarray(CONFIDENCE * _TWO_SIDES * np.sqrt(_of_neighbours(own, values, np.median)))
    return np.asarray(CONFIDENCE * _TWO_SIDES * np.sqrt((own + _of_neighbours(own, values, np.mean)) / 2))


def _of_neighbours(variance: Floats, values: Array, typical: Callable[..., Any]) -> Floats:
    """The typical variance of the elements whose magnitudes rank next, group by group.

    Not a running mean: its sums would leave nothing of a small variance beside large ones.
    """
    flat = variance.reshape(-1)
    whole = flat.size // _NEIGHBOURS * _NEIGHBOURS
    if not whole:
        return np.full(variance.shape, typical(flat) if flat.size else 0.0)
    order = np.argsort(np.abs(values.reshape(-1)), kind="stable")
    groups = flat[order[:whole]].reshape(-1, _NEIGHBOURS)
    found = np.empty_like(flat)
    found[order[:whole]] = np.repeat(typical(groups, axis=1), _NEIGHBOURS)
    found[order[whole:]] = typical(flat[order[-_NEIGHBOURS:]])  # the greatest few: with the greatest of the last group
    return found.reshape(variance.shape)
