"""The slices of all parameters along all axes, to be found by their digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array
    from .digests import Digests

    Numbers = npt.NDArray[np.int64]

_SIZE_SEED = np.uint64(0xD1B54A32D192ED03)


@dataclass(frozen=True, slots=True)
class Slices:
    """Slices by digest, sorted: which parameter (by number), axis and row each belongs to."""

    keys: Digests
    parameter: Numbers
    axis: Numbers
    row: Numbers

    def look_up(self, keys: Digests, size: int) -> Numbers:
        """The first source of each slice, by number; -1 where there is none. Of several, those next to each other.

        ``keys`` are the digests of the slices of an array of ``size`` elements.
        """
        wanted = _with_size(keys, size // max(1, len(keys)))
        first, after = (np.searchsorted(self.keys, wanted, side) for side in ("left", "right"))
        if (after - first <= 1).all():
            return np.where(after > first, first, -1)
        return self._next_to_each_other(first, after)

    def key(self, at: int, step: int = 0) -> tuple[int, int, int]:
        """(parameter, axis, row) of a source, or of the row ``step`` rows after it."""
        return int(self.parameter[at]), int(self.axis[at]), int(self.row[at]) + step

    def _next_to_each_other(self, first: Numbers, after: Numbers) -> Numbers:
        """Of several sources of a slice the one after the last slice's, so that equal rows don't break a run."""
        chosen = np.full(len(first), -1)
        last = (-1, -1, -1)
        for place, (start, end) in enumerate(zip(first.tolist(), after.tolist(), strict=True)):
            near = (each for each in range(start, end) if self.key(each) == last)
            chosen[place] = next(near, start) if end > start else -1
            last = self.key(int(chosen[place]), 1) if end > start else (*last[:2], last[2] + 1)
        return chosen


def slices_of(arrays: Sequence[Array], by_axis: Sequence[Sequence[Digests]]) -> Slices:
    """All slices of more than one element; ``by_axis`` holds each array's digests (:func:`.digests.digests`)."""
    keys, numbers = [np.zeros(0, np.uint64)], [np.zeros((0, 3), np.int64)]
    for number, (array, found) in enumerate(zip(arrays, by_axis, strict=True)):
        if array.ndim < 2:
            continue
        for axis, each in enumerate(found):
            if array.size // len(each) > 1:
                keys.append(_with_size(each, array.size // len(each)))
                rows = np.arange(len(each))
                numbers.append(np.stack([np.full_like(rows, number), np.full_like(rows, axis), rows], 1))
    joined, table = np.concatenate(keys), np.concatenate(numbers)
    order = np.argsort(joined, kind="stable")
    return Slices(joined[order], *table[order].T)


def _with_size(keys: Digests, size: int) -> Digests:
    """Digests that also depend on the number of elements."""
    with np.errstate(over="ignore"):
        return keys + np.uint64(size) * _SIZE_SEED
