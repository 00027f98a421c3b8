"""How alike the variances of several elements are and how independent their deviations, and what follows for each.

G. K. Smyth, Linear models and empirical Bayes methods for assessing differential expression (2004), 6.2: if the true
variances scatter around ``s0**2`` as an inverse chi-square of ``d0`` degrees of freedom does, an estimate of ``d``
degrees of freedom is best replaced by ``(d0*s0**2 + d*s**2) / (d0 + d)``. Both are estimated from the scatter of the
logarithms: what isn't alike gets a ``d0`` near 0 and keeps its own variance.

Rounding early in a network may move all elements of an output together. Then a thousand elements of one run say no more
of the variance than one element does, however alike their deviations are: :func:`directions_of` counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_FEWEST = 8
"""Positive variances that say something about how alike they are."""

_ALIKE = 1e6
"""Degrees of freedom that stand for infinitely many."""

_TAIL = 4.9
"""Standard deviations of a normal distribution that a million draws stay within."""


@dataclass(frozen=True, slots=True)
class Moderated:
    """A variance for each element, and the degrees of freedom that it has."""

    variance: Floats
    freedom: Floats


def moderate(groups: Floats, runs: int) -> Moderated:
    """The moderated variances of ``groups`` (one per row), each estimated from ``runs`` squared deviations."""
    positive = groups > 0
    count = positive.sum(axis=1, keepdims=True)
    logs = np.log(groups, out=np.zeros_like(groups), where=positive)
    mean = logs.sum(axis=1, keepdims=True) / np.maximum(count, 1)
    squares = np.where(positive, (logs - mean) ** 2, 0.0).sum(axis=1, keepdims=True)
    excess = squares / np.maximum(count - 1, 1) - _trigamma(runs / 2)
    prior = np.where(count < _FEWEST, 0.0, _freedom_of(excess))
    half = np.maximum(prior, 1e-3) / 2
    with np.errstate(over="ignore"):
        typical = np.exp(mean - _digamma(runs / 2) + math.log(runs / 2) + _digamma(half) - np.log(half))
    variance = (prior * typical + runs * groups) / (prior + runs)
    return Moderated(variance, np.broadcast_to(prior + runs, groups.shape))


def student(freedom: Array | float) -> Floats:
    """How much wider a bound of Student's distribution is than the normal one that a millionth lies beyond."""
    return _wider(np.asarray(freedom, np.float64), _TAIL)


def wider_than_normal(freedom: float, tail: float) -> float:
    """The same for a tail beyond so many standard deviations of a normal distribution."""
    return float(_wider(np.asarray(freedom, np.float64), tail))


def _wider(freedom: Floats, tail: float) -> Floats:
    """D. L. Wallace, Bounds on normal approximations to Student's and the chi-square distributions (1959)."""
    normal = tail * (8 * freedom + 3) / (8 * freedom + 1)
    return np.asarray(np.sqrt(freedom * np.expm1(normal**2 / freedom)) / tail)


def _freedom_of(excess: Floats) -> Floats:
    """The degrees of freedom whose log variances scatter so much beyond what the few runs explain."""
    return np.asarray(np.exp(np.interp(-np.log(np.maximum(excess, 1e-300)), _EXCESS, _FREEDOM)))


def _digamma(x: Array | float) -> Floats:
    x = np.asarray(x, np.float64)
    shift = sum((1 / (x + k) for k in range(6)), np.zeros_like(x))
    y = x + 6
    return np.asarray(np.log(y) - 1 / (2 * y) - 1 / (12 * y**2) + 1 / (120 * y**4) - 1 / (252 * y**6) - shift)


def _trigamma(x: Array | float) -> Floats:
    x = np.asarray(x, np.float64)
    shift = sum((1 / (x + k) ** 2 for k in range(6)), np.zeros_like(x))
    y = x + 6
    return np.asarray(1 / y + 1 / (2 * y**2) + 1 / (6 * y**3) - 1 / (30 * y**5) + 1 / (42 * y**7) + shift)


_FREEDOM = np.linspace(math.log(1e-3), math.log(_ALIKE), 2000)
_EXCESS = -np.log(_trigamma(np.exp(_FREEDOM) / 2))


MOST_ELEMENTS = 4096
"""Elements of an output that are looked at, evenly spread."""

_NORMAL = 3.9
"""Standard deviations that one in ten thousand normal draws is beyond: a sample has few directions."""

_MARGIN = 8.0
"""A difference fails beyond so many standard deviations of itself: 4 (the factor) times 2 (the floor's confidence)."""


def drawn(deviation: Array) -> Array:
    """Some elements of a run's deviation from the unperturbed output; NaN and infinity as 0."""
    flat = np.asarray(deviation, np.float64).reshape(-1)
    return np.nan_to_num(flat[:: max(1, flat.size // MOST_ELEMENTS)], nan=0.0, posinf=0.0, neginf=0.0)


def directions_of(runs: Sequence[Array]) -> float:
    """How many independent directions the deviations of several runs have, each element counted alike.

    Unit vectors in ``k`` directions have squared cosines of ``1/k`` in the mean. The number of elements where there is
    one run only, or where nothing deviates.
    """
    if len(runs) < 2 or not runs[0].size:
        return float(runs[0].size) if runs else 0.0
    vectors = np.stack(runs)
    own = np.sqrt((vectors**2).mean(axis=0))
    moved = own > 0
    if not moved.any():
        return float(runs[0].size)
    unit = vectors[:, moved] / own[moved]
    lengths = np.linalg.norm(unit, axis=1)
    if (lengths == 0).any():
        return 1.0
    cosines = (unit @ unit.T) / np.outer(lengths, lengths)
    pairs = cosines[np.triu_indices(len(runs), 1)] ** 2
    return float(min(1 / max(pairs.mean(), 1e-12), moved.sum()))


def widening(freedom: float) -> float:
    """How much wider than usual a floor of so few degrees of freedom must be: 1 from about eight on."""
    return max(1.0, _NORMAL * wider_than_normal(freedom, _NORMAL) / _MARGIN)


def fewest(directions: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The least number of directions of each output over several samples."""
    names = {name for each in directions for name in each}
    return {name: min(each[name] for each in directions if name in each) for name in names}
