"""From the deviations of perturbed runs to a floor for every element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

CONFIDENCE = 2.0
"""Standard deviations: 95 % of normal errors are smaller."""

_TWO_SIDES = math.sqrt(2.0)  # the reference rounds, too
_NEIGHBOURS = 65


def floor_of(squares: Array, values: Array, runs: int) -> Floats:
    """The half-width of the difference that rounding explains, by element, with 95 % confidence.

    ``squares`` are sums of squared deviations over ``runs`` perturbed runs of a model that gives ``values`` (same
    shape). Few runs tell little of one element's variance, so it is moderated: half its weight has the variance of the
    elements of like magnitude (G. K. Smyth, Linear models and empirical Bayes methods, 2004, section 3).
    """
    own = squares.astype(np.float64, copy=False) / max(runs, 1)
    return np.asarray(CONFIDENCE * _TWO_SIDES * np.sqrt((own + _of_neighbours(own, values)) / 2))


def _of_neighbours(variance: Floats, values: Array) -> Floats:
    """The mean variance of the elements whose magnitudes rank next; of all where there are few."""
    from scipy.ndimage import uniform_filter1d

    flat = variance.reshape(-1)
    if flat.size <= _NEIGHBOURS:
        return np.full(variance.shape, flat.mean() if flat.size else 0.0)
    order = np.argsort(np.abs(values.reshape(-1)), kind="stable")
    smooth = np.empty_like(flat)
    smooth[order] = uniform_filter1d(flat[order], _NEIGHBOURS, mode="nearest")
    return smooth.reshape(variance.shape)
