"""What a model's numbers are used for: classes that are chosen, thresholds that are crossed. Reported, not judged.

docs/decisions.md explains the figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, overload

import numpy as np

from ..errors import ParityGateError
from ..report.types import OutputComparison, Tolerance
from ..report.user_checks import Crossing, Source
from ..signature import TensorSpec
from .labels import agreement_of_scores
from .metrics import base_allowance, blocks

if TYPE_CHECKING:
    from ..signature import Array

    Thresholds = Mapping[str, Sequence[float]]

PROBABILITY = 0.5
"""The threshold of whatever looks like probabilities that are decided one by one."""

_SUM = 1e-2  # how far a row of probabilities may sum from one: a thousand float16 roundings
_MOST_AXES = 3  # batch, place, class; the elements of an image are not decisions


class Allowances(Sequence["Array"]):
    """How far each element may be off under one :class:`Tolerance`: an array per sample, computed when asked for."""

    def __init__(self, reference: Sequence[Array], tolerance: Tolerance) -> None:
        self._reference, self._tolerance = reference, tolerance

    def __len__(self) -> int:
        return len(self._reference)

    @overload
    def __getitem__(self, at: int) -> Array: ...

    @overload
    def __getitem__(self, at: slice) -> Allowances: ...

    def __getitem__(self, at: int | slice) -> Array | Allowances:
        if isinstance(at, slice):
            return Allowances(self._reference[at], self._tolerance)
        want = self._reference[at]
        with np.errstate(invalid="ignore"):  # of what is infinite nothing is allowed
            slack: Array = np.abs(want.astype(np.float64)) * self._tolerance.rtol
        return slack + base_allowance(want, self._tolerance)


def with_decisions(
    comparison: OutputComparison,
    reference: Sequence[Array],
    candidate: Sequence[Array],
    allowed: Sequence[Array],
    *,
    scores: bool,
    thresholds: Thresholds | None,
) -> OutputComparison:
    """The comparison of an output of numbers, with its flips (``scores``: the last axis counts classes) and crossings.

    One array per sample, ``allowed`` in the shape of the values. ``thresholds`` are the user's, by output; an output
    without any gets :data:`PROBABILITY` where that makes sense. None means no crossings. The verdict stays as it is.
    """
    labels = agreement_of_scores(reference, candidate, allowed) if scores else comparison.labels
    comparison = replace(comparison, labels=labels)
    if thresholds is None:
        return comparison
    source = Source.USER if comparison.name in thresholds else Source.DEFAULT
    given = thresholds.get(comparison.name) or ((PROBABILITY,) if decided_one_by_one(reference) else ())
    crossings = (crossing(reference, candidate, allowed, threshold) for threshold in given)
    return replace(comparison, crossings=tuple(replace(each, source=source) for each in crossings))


def crossing(
    reference: Sequence[Array], candidate: Sequence[Array], allowed: Sequence[Array], threshold: float
) -> Crossing:
    """How many elements cross ``threshold``, and how many of them are off by no more than allowed.

    A value that equals the threshold lies above it; NaN lies below any.
    """
    elements = crossed = inside = 0
    for number, (want, got) in enumerate(zip(reference, candidate, strict=True)):
        places = _crossed(want, got, threshold)
        elements += want.size
        crossed += len(places)
        if len(places):
            left, right = (array.reshape(-1)[places].astype(np.float64) for array in (want, got))
            with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are never inside
                error = np.abs(right - left)
            inside += int(np.count_nonzero(error <= allowed[number].reshape(-1)[places]))
    return Crossing(threshold, elements, crossed, inside)


def _crossed(want: Array, got: Array, threshold: float) -> Array:
    """Flat positions, block by block."""
    found, start = [np.zeros(0, int)], 0
    for left, right in zip(blocks(want), blocks(got), strict=True):
        sides = (block.astype(np.float64, copy=False) >= threshold for block in (left, right))
        found.append(start + np.flatnonzero(np.not_equal(*sides)))
        start += len(left)
    return np.concatenate(found)


def decided_one_by_one(arrays: Sequence[Array]) -> bool:
    """Whether the values look like probabilities that each stand for a decision of their own.

    They are floating and from 0 to 1, of few axes or with one class, and their rows don't sum to one: there the
    greatest decides, not a threshold.
    """
    filled = [array for array in arrays if array.size]
    return bool(filled) and all(map(_is_probability, filled)) and not all(map(_sums_to_one, filled))


def _is_probability(array: Array) -> bool:
    one_class = array.ndim > 1 and 1 in (array.shape[1], array.shape[-1])
    if not array.ndim or array.dtype.kind not in "fV" or (array.ndim > _MOST_AXES and not one_class):
        return False
    return all(bool(((block >= 0) & (block <= 1)).all()) for block in _floats(array))


def _floats(array: Array) -> Iterator[Array]:
    return (block.astype(np.float64, copy=False) for block in blocks(array))


def _sums_to_one(array: Array) -> bool:
    if array.ndim < 2 or array.shape[-1] == 1:
        return False
    return bool((np.abs(array.sum(axis=-1, dtype=np.float64) - 1) < _SUM).all())


def check_thresholds(specs: Sequence[TensorSpec], thresholds: Thresholds) -> None:
    """Refuse a threshold of an output that doesn't exist or has no order. Raises ParityGateError PG201."""
    dtypes = {spec.name: spec.dtype for spec in specs}
    for name in thresholds:
        subject = f"threshold of output {name!r}"
        if name not in dtypes:
            raise ParityGateError("PG201", subject, "there is no such output", f"Outputs: {', '.join(dtypes)}.")
        if not dtypes[name].startswith(("float", "bfloat", "int", "uint")):
            raise ParityGateError("PG201", subject, f"{dtypes[name]} values can't be compared with a threshold")


def parse_thresholds(texts: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Texts ``NAME:VALUE`` -> output: its thresholds; the name may hold colons. Raises ParityGateError PG201."""
    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        name, _, value = text.rpartition(":")
        if not name or not _is_finite(value):
            raise ParityGateError("PG201", text, "not NAME:VALUE", "For example: --threshold probability:0.5")
        found[name] = (*found.get(name, ()), float(value))
    return found


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
