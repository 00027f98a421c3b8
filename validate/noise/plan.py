"""Which samples of a large model are perturbed, and what is known of the others from them.

Counts and sizes decide, never the clock: the same command measures the same samples on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..samples.types import SampleKind

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array

    Outputs = Sequence[Mapping[str, Array]]

MOST_WORK = 3e9
"""Products of a parameter and a position in one perturbed run; a model with less is perturbed on all samples."""

_WINDOW = 64
ALIKE, ALIKE_IN_TWO = 30.0, 100.0
"""How far the greatest squared deviation of a window may be above its median: 4 runs of one variance give up to 6, two
runs up to 12, and the elements of a plain product differ five-fold."""

_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Plan:
    """``measured`` are the numbers of the samples that are perturbed, ``donors`` which of them tells of each other one.

    A sample is told by one that is drawn alike and has the same shapes but for the number of rows.
    """

    measured: tuple[int, ...]
    donors: Mapping[int, int]

    @property
    def left(self) -> tuple[int, ...]:
        """The numbers of the other samples."""
        return tuple(self.donors)


def positions(array: Array) -> int:
    """The tokens, rows, or places in an image or a sequence of one array."""
    return array.size // array.shape[-1] if array.dtype.kind == "f" and array.ndim > 1 and array.size else array.size


def work_of(parameters: int | None, feed: Mapping[str, Array]) -> int:
    """The products of a parameter and a position in one run."""
    return (parameters or 0) * max((positions(array) for array in feed.values()), default=1)


def plan_samples(parameters: int | None, samples: Sequence[Sample]) -> Plan:
    """Which samples are measured: of each kind and shape the first, and more up to :data:`MOST_WORK`.

    Those that aim at rows, lengths and great batches look for other faults than rounding. Where an ordinary sample
    tells of them, they aren't measured at all.
    """
    work = [work_of(parameters, sample.feed) for sample in samples]
    whole, left = sum(work) <= MOST_WORK, MOST_WORK
    measured: dict[object, list[int]] = {}
    later: list[int] = []
    for number, sample in enumerate(samples):
        alike = measured.setdefault(_key(sample), [])
        if alike and (sample.kind in _AIMED or not (whole or left >= work[number])):
            later.append(number)
            continue
        alike.append(number)
        left -= work[number]
    donors = {n: max(measured[_key(samples[n])], key=work.__getitem__) for n in later}
    return Plan(tuple(sorted(n for numbers in measured.values() for n in numbers)), donors)


_AIMED = {SampleKind.LENGTHS, SampleKind.ROWS, SampleKind.BATCH}
_ORDINARY = {SampleKind.NORMAL, SampleKind.RANDOM, *_AIMED}
"""Kinds of values that are drawn in the same way."""


def _key(sample: Sample) -> object:
    """What the rounding of a sample depends on."""
    kind = "ordinary" if sample.kind in _ORDINARY else sample.kind
    return kind, tuple((name, array.shape[1:]) for name, array in sorted(sample.feed.items()))


def carried(
    plan: Plan, squares: Outputs, outputs: Outputs, alike: float = ALIKE
) -> tuple[Mapping[str, Array], ...] | None:
    """The squared deviations of all samples, given those of the measured ones; None where they can't be carried over.

    ``squares`` are those of ``plan.measured``, ``outputs`` the unperturbed outputs of all samples. An element gets the
    greatest squared deviation of the 64 elements of its donor that are nearest to it in magnitude. That is sound where
    magnitude tells the deviation: where in 99 % of such windows none is more than ``alike`` times the median.
    """
    known = dict(zip(plan.measured, squares, strict=True))
    found = dict(known)
    for number, donor in plan.donors.items():
        each: dict[str, Array] = {}
        for name, deviations in known[donor].items():
            windows = _windows(np.abs(outputs[donor][name].astype(np.float64)).ravel(), deviations.ravel(), alike)
            if windows is None:
                return None
            each[name] = _at(np.abs(outputs[number][name].astype(np.float64)), *windows)
        found[number] = each
    return tuple(found[number] for number in sorted(found))


def _windows(magnitudes: Array, squares: Array, alike: float) -> tuple[Array, Array] | None:
    """The greatest magnitude and squared deviation of each window, in ascending order; None where they aren't alike."""
    order = np.argsort(magnitudes, kind="stable")
    if order.size < 2 * _WINDOW:
        return None
    whole = order[order.size % _WINDOW :].reshape(-1, _WINDOW)
    greatest, middle = squares[whole].max(axis=1), np.median(squares[whole], axis=1)
    if np.mean(greatest <= alike * middle) < _SHARE:
        return None
    return magnitudes[whole].max(axis=1), greatest


def _at(magnitudes: Array, ends: Array, squares: Array) -> Array:
    """The squared deviation at each magnitude; beyond the last window it grows with the magnitude."""
    place = np.minimum(np.searchsorted(ends, magnitudes), ends.size - 1)
    beyond = np.maximum(magnitudes / max(float(ends[-1]), np.finfo(np.float64).tiny), 1.0)
    return np.asarray(np.where(np.isfinite(magnitudes), squares[place] * beyond**2, 0.0))
