"""How far a model is from the exact sums of its own trees.

XGBoost adds the leaves of its trees one after the other in float32. Late trees give less than half a unit of the sum's
last place, all of their roundings go the same way, and the sum stands still. A runtime that adds in another order or in
double comes closer to the exact sum, and is off from the library for that reason alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .ensemble import Ensemble, exact_sums
from .readers.links import Link

if TYPE_CHECKING:
    import numpy.typing as npt

    from .tree import Floats

    Array = npt.NDArray[Any]
    Drifts = tuple[dict[str, Floats], ...]

_UNIT = 2.0**-24
"""Half the spacing of float32's numbers at 1: what one addition rounds at most."""

_LINK_UNITS = 16.0
"""Roundings of a link in float32, in units of its result."""


def drift_of(ensemble: Ensemble, x: Array, outputs: Mapping[str, Array]) -> dict[str, Floats]:
    """How far each floating output is from what the exact sums give, for the rows ``x`` (n, features).

    Nothing is said of an output with another shape than the predictions of the ensemble's link. An element that is
    further off than ``(trees + 1) * 2**-24 * sum |leaf|``, the bound of a recursive sum (Higham, Accuracy and Stability
    of Numerical Algorithms, 2002, (4.4)), gets 0: rounding doesn't explain it.
    """
    exact = _exact(ensemble, x)
    if exact is None:
        return {}
    bound = _bound(ensemble, x, exact)
    found = {}
    for name, given in outputs.items():
        pair = _shaped(given, exact, bound)
        if pair is not None and given.dtype.kind == "f":
            off = np.abs(given.astype(np.float64) - pair[0])
            found[name] = np.where(off <= pair[1], off, 0.0)
    return found


def _exact(ensemble: Ensemble, x: Array) -> Floats | None:
    """The predictions of the exact sums, (n, targets)."""
    if ensemble.link is None or ensemble.link not in _LINKS:
        return None
    with np.errstate(over="ignore"):
        return np.asarray(_LINKS[ensemble.link](exact_sums(ensemble, x)), np.float64)


def _softmax(score: Floats) -> Floats:
    powers = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


_LINKS: dict[Link, Callable[[Floats], Floats]] = {
    Link.IDENTITY: lambda score: score,
    Link.EXPONENTIAL: np.exp,
    Link.SIGMOID: lambda score: 1.0 / (1.0 + np.exp(-score)),
    Link.SOFTMAX: _softmax,
}


def _bound(ensemble: Ensemble, x: Array, exact: Floats) -> Floats:
    """How far rounding may take the predictions, (n, targets): the sum's bound times the link's greatest slope."""
    sizes = exact_sums(ensemble.with_values(np.abs), x)
    slope = np.abs(exact) if ensemble.link is Link.EXPONENTIAL else 1.0
    worst = sizes.max(axis=1, keepdims=True) if ensemble.link is Link.SOFTMAX else sizes
    return np.asarray((len(ensemble.trees) + 1) * _UNIT * worst * slope + _LINK_UNITS * _UNIT * (np.abs(exact) + 1.0))


def _shaped(given: Array, exact: Floats, bound: Floats) -> tuple[Floats, Floats] | None:
    """The exact predictions and their bounds in the form of an output; None for another one."""
    if given.shape == exact.shape:
        return exact, bound
    if exact.shape[1:] != (1,):
        return None
    if given.shape == exact.shape[:1]:
        return exact[:, 0], bound[:, 0]
    if given.shape == (len(exact), 2):
        return np.hstack([1.0 - exact, exact]), np.hstack([bound, bound])
    return None


def drifts(ensembles: Sequence[Ensemble], tables: Sequence[Array], outputs: Sequence[Mapping[str, Array]]) -> Drifts:
    """:func:`drift_of` for each sample; empty unless the model is one ensemble that reads its own columns."""
    if len(ensembles) != 1 or not ensembles[0].direct or ensembles[0].link is None:
        return ()
    return tuple(drift_of(ensembles[0], x, each) for x, each in zip(tables, outputs, strict=True))
