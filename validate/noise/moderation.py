"""How alike the variances of several elements are, estimated from themselves, and what follows for each of them.

G. K. Smyth, Linear models and empirical Bayes methods for assessing differential expression (2004), 6.2: if the true
variances scatter around ``s0**2`` as an inverse chi-square of ``d0`` degrees of freedom does, an estimate of ``d``
degrees of freedom is best replaced by ``(d0*s0**2 + d*s**2) / (d0 + d)``. Both are estimated from the scatter of the
logarithms: what isn't alike gets a ``d0`` near 0 and keeps its own variance.
"""

from __future__ import annotations

import math
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
    """How much wider a bound of Student's distribution is than the normal one that a millionth lies beyond.

    D. L. Wallace, Bounds on normal approximations to Student's and the chi-square distributions (1959).
    """
    freedom = np.asarray(freedom, np.float64)
    normal = _TAIL * (8 * freedom + 3) / (8 * freedom + 1)
    return np.asarray(np.sqrt(freedom * np.expm1(normal**2 / freedom)) / _TAIL)


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
