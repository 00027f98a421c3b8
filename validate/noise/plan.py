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

BRIEF_RUNS = 2
"""Perturbed runs of the samples in ``brief``: each element gets the greatest deviation of those of its size."""

_WINDOW = 64
ALIKE, ALIKE_IN_TWO = 30.0, 100.0
"""How far the greatest squared deviation of a window may be above its median: 4 runs of one variance give up to 6, two
runs up to 12, and the elements of a plain product differ five-fold."""

_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Plan:
    """How each sample is measured, by its number.

    Those in ``measured`` are perturbed in all runs, those in ``brief`` in :data:`BRIEF_RUNS`, and ``donors`` says which
    of the measured ones tells of each other one: a sample that is drawn alike and has the same shapes but for the
    number of rows. ``thrifty`` is the plan of a model whose runs are costly: nothing is run twice without need.
    ``flat`` are images that are the same at all places, or nearly so.
    """

    measured: tuple[int, ...]
    donors: Mapping[int, int]
    brief: tuple[int, ...] = ()
    thrifty: bool = False
    flat: tuple[int, ...] = ()

    @property
    def left(self) -> tuple[int, ...]:
        """The numbers of the samples that another one tells of."""
        return tuple(self.donors)

    @property
    def once(self) -> tuple[int, ...]:
        """The numbers of the samples that are measured at all, as one plan without brief runs."""
        return tuple(sorted((*self.measured, *self.brief)))


def positions(array: Array) -> int:
    """The tokens, rows, or places in an image or a sequence of one array."""
    return array.size // array.shape[-1] if array.dtype.kind == "f" and array.ndim > 1 and array.size else array.size


def work_of(parameters: int | None, feed: Mapping[str, Array]) -> int:
    """The products of a parameter and a position in one run."""
    return (parameters or 0) * max((positions(array) for array in feed.values()), default=1)


def plan_samples(parameters: int | None, samples: Sequence[Sample]) -> Plan:
    """Which samples are measured: of each kind and shape the first, and more up to :data:`MOST_WORK`.

    Of a model with more work than that, the kinds other than ordinary values are measured in a few runs only.

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
    every = sorted(n for numbers in measured.values() for n in numbers)
    brief = [] if whole else [n for n in every if samples[n].kind not in _ORDINARY]
    flat = tuple(n for n, sample in enumerate(samples) if sample.kind in _FLAT and _is_image(sample.feed))
    return Plan(tuple(n for n in every if n not in brief), donors, tuple(brief), thrifty=not whole, flat=flat)


_AIMED = {SampleKind.LENGTHS, SampleKind.ROWS, SampleKind.BATCH}
_ORDINARY = {SampleKind.NORMAL, SampleKind.RANDOM, *_AIMED}
"""Kinds of values that are drawn in the same way."""


_FLAT = {SampleKind.ZEROS, SampleKind.TINY}


def _is_image(feed: Mapping[str, Array]) -> bool:
    return any(array.ndim >= 4 and array.dtype.kind == "f" for array in feed.values())


def _key(sample: Sample) -> object:
    """What the rounding of a sample depends on."""
    kind = "ordinary" if sample.kind in _ORDINARY else sample.kind
    return kind, tuple((name, array.shape[1:]) for name, array in sorted(sample.feed.items()))


def carried(
    donors: Mapping[int, int], known: Mapping[int, Mapping[str, Array]], outputs: Outputs, alike: float = ALIKE
) -> dict[int, Mapping[str, Array]] | None:
    """The squared deviations of the samples that others tell of; None where they can't be told.

    ``known`` are those of the measured samples, ``outputs`` the unperturbed outputs of all. An element gets the
    greatest squared deviation of the 64 elements of its donor that are nearest to it in magnitude. That is sound where
    magnitude tells the deviation: where in 99 % of such windows none is more than ``alike`` times the median.
    """
    found: dict[int, Mapping[str, Array]] = {}
    for number, donor in donors.items():
        each: dict[str, Array] = {}
        for name, deviations in known[donor].items():
            windows = _windows(np.abs(outputs[donor][name].astype(np.float64)).ravel(), deviations.ravel(), alike)
            if windows is None:
                return None
            each[name] = _at(np.abs(outputs[number][name].astype(np.float64)), *windows)
        found[number] = each
    return found


def spread(
    squares: Mapping[str, Array], outputs: Mapping[str, Array], alike: float = ALIKE_IN_TWO
) -> dict[str, Array] | None:
    """The squared deviations of one sample, each raised to the greatest of the 64 elements of the same magnitude.

    That makes up for few runs. None where magnitude doesn't tell the deviation (see :func:`carried`).
    """
    found: dict[str, Array] = {}
    for name, deviations in squares.items():
        magnitudes = np.abs(outputs[name].astype(np.float64))
        windows = _windows(magnitudes.ravel(), deviations.ravel(), alike)
        if windows is None:
            return None
        found[name] = _at(magnitudes, *windows)
    return found


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
