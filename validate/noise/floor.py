"""The noise floor of every element, computed from the deviations of perturbed runs."""

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

_BOTH_MODELS = math.sqrt(2.0)  # the reference rounds, too
_NEIGHBOURS = 64


def floor_of(squares: Array, values: Array, runs: int, *, robust: bool = False) -> Floats:
    """The half-width, by element, of the difference that rounding explains with 95 % confidence.

    ``squares`` are sums of squared deviations over ``runs`` perturbed runs of a model that gives ``values`` (same
    shape). A few runs say little about the variance of one element, so it is moderated: half the weight goes to the
    variance of elements of similar magnitude (G. K. Smyth, Linear models and empirical Bayes methods, 2004, section 3).
    ``robust`` takes the median variance of those elements alone, so that one that jumps doesn't widen the others.
    """
    own = squares.astype(np.float64, copy=False) / max(runs, 1)
    if robust:
        return np.asarray(CONFIDENCE * _BOTH_MODELS * np.sqrt(_of_neighbours(own, values, np.median)))
    return np.asarray(CONFIDENCE * _BOTH_MODELS * np.sqrt((own + _of_neighbours(own, values, np.mean)) / 2))


def _of_neighbours(variance: Floats, values: Array, typical: Callable[..., Any]) -> Floats:
    """The typical variance of the elements that rank next to each other by magnitude, group by group.

    Not a running mean: in its sums a small variance would vanish next to large ones.
    """
    flat = variance.reshape(-1)
    whole = flat.size // _NEIGHBOURS * _NEIGHBOURS
    if not whole:
        return np.full(variance.shape, typical(flat) if flat.size else 0.0)
    order = np.argsort(np.abs(values.reshape(-1)), kind="stable")
    groups = flat[order[:whole]].reshape(-1, _NEIGHBOURS)
    found = np.empty_like(flat)
    found[order[:whole]] = np.repeat(typical(groups, axis=1), _NEIGHBOURS)
    found[order[whole:]] = typical(flat[order[-_NEIGHBOURS:]])  # the remaining, greatest elements
    return found.reshape(variance.shape)
