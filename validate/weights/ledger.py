"""Which values of each parameter were found, and how."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array

Weights = Mapping[str, "Array"]
"""Name -> a floating array."""


class Found(IntEnum):
    """How a value was found; the greatest applies where it was found in several ways."""

    NOWHERE = 0
    FOLDED = 1
    CAST = 2
    IDENTICAL = 3


class Ledger:
    """Marks on the values of the reference's parameters, and the names of the constants that they explain."""

    def __init__(self, parameters: Weights) -> None:
        self.parameters = parameters
        self.explained: set[str] = set()
        self._marks: dict[str, npt.NDArray[np.uint8]] = {
            name: np.zeros(array.shape, np.uint8) for name, array in parameters.items()
        }

    def mark(self, name: str, how: Found) -> None:
        """All of a parameter was found."""
        np.maximum(self._marks[name], np.uint8(how), out=self._marks[name])

    def mark_rows(self, name: str, axis: int, rows: npt.NDArray[np.int64], how: Found) -> None:
        """Some slices along an axis were found."""
        moved = np.moveaxis(self._marks[name], axis, 0)
        moved[rows] = np.maximum(moved[rows], np.uint8(how))

    def mark_part(self, name: str, start: int, length: int, how: Found) -> None:
        """A run of a parameter's values, in the order of memory, was found."""
        part = self._marks[name].reshape(-1)[start : start + length]
        np.maximum(part, np.uint8(how), out=part)

    def is_whole(self, name: str) -> bool:
        """Whether all values of a parameter were found."""
        return bool(self._marks[name].all())

    def count(self, how: Found) -> int:
        """How many values were found in this way."""
        return sum(int(np.count_nonzero(marks == how)) for marks in self._marks.values())

    def untouched(self) -> list[str]:
        """The parameters of which nothing was found."""
        return [name for name, marks in self._marks.items() if not marks.any()]

    def missing(self) -> list[str]:
        """The parameters of which some values were found nowhere, with how many."""
        found = []
        for name, marks in self._marks.items():
            lost = int(np.count_nonzero(marks == Found.NOWHERE))
            if lost:
                found.append(name if lost == marks.size else f"{name} ({lost:,} of {marks.size:,} values)")
        return found
