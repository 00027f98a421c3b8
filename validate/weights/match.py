"""Each constant of the candidate is traced to the reference's parameters: as a whole, by rows, or as a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .arrange import arranged, in_blocks, rows_of, same
from .differing import MOSTLY, NEARLY_ALL, aligned, difference_of, equal_values
from .digests import digests
from .ledger import Found, Ledger, Weights
from .slices import slices_of
from .types import WeightDifference

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array
    from .digests import Digests

    Numbers = npt.NDArray[np.int64]

_FLAT_AXES, _LONGEST_JOINED = 2, 1 << 16
"""Biases of gates, and pairs of them, are joined value by value; larger parameters by their rows."""

_DIRECTIONS = 2


class Matcher:
    """The parameters in one dtype, and their digests, for constants of at most ``largest`` elements.

    ``through`` is a narrower type that they were rounded to before.
    """

    def __init__(
        self, ledger: Ledger, dtype: np.dtype[np.float64], largest: int, through: np.dtype[np.float64] | None = None
    ) -> None:
        self._ledger = ledger
        # A single number, such as an epsilon in another dtype, is no part of a larger parameter.
        self._names = [name for name, array in ledger.parameters.items() if array.size == 1 or largest > 1]
        narrowest = through or dtype
        rounded = (_cast(ledger.parameters[name], narrowest) for name in self._names)
        self._arrays = [np.asarray(_cast(array, dtype)) for array in rounded]
        self._how = [
            Found.IDENTICAL if ledger.parameters[name].dtype.itemsize <= narrowest.itemsize else Found.CAST
            for name in self._names
        ]
        by_axis = [digests(array.reshape(array.shape or (1,))) for array in self._arrays]
        self._whole: dict[tuple[int, int], list[int]] = {}
        for number, (array, found) in enumerate(zip(self._arrays, by_axis, strict=True)):
            self._whole.setdefault((array.size, _total(found)), []).append(number)
        self._slices = slices_of(self._arrays, by_axis)

    def match(self, constants: Weights) -> Iterator[WeightDifference]:
        """Trace constants of this matcher's dtype; what is explained goes into the ledger, differences come out."""
        constants = {name: _squeezed(array) for name, array in constants.items()}
        by_axis = {name: digests(array) for name, array in constants.items()}
        for name, array in constants.items():
            if self._as_a_whole(array, _total(by_axis[name])):
                self._ledger.explained.add(name)
        left = {name: array for name, array in constants.items() if name not in self._ledger.explained}
        for name, array in left.items():
            if self._as_a_slice(array, _total(by_axis[name])) or self._in_parts(array, by_axis[name]):
                self._ledger.explained.add(name)
        for name, array in left.items():
            if name not in self._ledger.explained:
                yield from self._differences(name, array) or self._rows_that_differ(name, array, by_axis[name])

    def _as_a_whole(self, constant: Array, total: int) -> bool:
        found = False
        for number in self._whole.get((constant.size, total), ()):
            if arranged(self._arrays[number], constant):
                self._ledger.mark(self._names[number], self._how[number])
                found = True
        return found

    def _as_a_slice(self, constant: Array, total: int) -> bool:
        """Whether the constant is a single slice of a parameter."""
        at = self._slices.look_up(np.array([total], np.uint64), constant.size)
        if at[0] < 0:
            return False
        number, axis, row = self._slices.key(int(at[0]))
        if not any(same(order[row], constant.reshape(-1)) for order in rows_of(self._arrays[number], axis)):
            return False
        self._ledger.mark_rows(self._names[number], axis, np.array([row]), self._how[number])
        return True

    def _in_parts(self, constant: Array, by_axis: Sequence[Digests]) -> bool:
        """Whether the constant is made of slices or runs; both directions of a recurrent layer stand side by side."""
        if constant.ndim == 1:
            return self._as_runs(constant)
        if self._by_rows(constant, by_axis):
            return True
        directions = len(constant) == _DIRECTIONS
        return directions and all(self._in_parts(each, digests(each)) for each in map(_squeezed, constant))

    def _by_rows(self, constant: Array, by_axis: Sequence[Digests]) -> bool:
        """Whether all slices along some axis are slices of parameters, in runs or blocks."""
        for axis in sorted(range(constant.ndim), key=lambda each: -constant.shape[each]):
            at = self._slices.look_up(by_axis[axis], constant.size)
            if (at >= 0).all() and self._assembled(constant, axis, at):
                return True
        return False

    def _assembled(self, constant: Array, axis: int, at: Numbers) -> bool:
        """Mark what a constant is made of; False if the order of rows or of their elements can't be explained."""
        parts = self._parts(at)
        if not all(in_blocks(rows) and self._equal(constant, axis, places, *key, rows) for key, places, rows in parts):
            return False
        for (number, source_axis), _, rows in parts:
            self._ledger.mark_rows(self._names[number], source_axis, rows, self._how[number])
        return True

    def _parts(self, at: Numbers) -> list[tuple[tuple[int, int], Numbers, Numbers]]:
        """(parameter, axis), places in the constant, rows of the parameter: for each parameter that has a part."""
        source, parts = self._slices, []
        pairs = np.stack([source.parameter[at], source.axis[at]], 1)
        for number, axis in np.unique(pairs, axis=0):
            places = np.flatnonzero((pairs == (number, axis)).all(1))
            parts.append(((int(number), int(axis)), places, source.row[at[places]]))
        return parts

    def _equal(self, constant: Array, axis: int, places: Numbers, number: int, source_axis: int, rows: Numbers) -> bool:
        given = np.moveaxis(constant, axis, 0)[places].reshape(len(places), -1)
        return any(same(order[rows], given) for order in rows_of(self._arrays[number], source_axis))

    def _as_runs(self, constant: Array) -> bool:
        """Whether a constant of one axis is a run of a parameter's values, or several parameters in a row."""
        for number, array in enumerate(self._arrays):
            if array.ndim == 1 and array.size >= constant.size > 1 and constant[0] in array:
                for start in _starts(array, constant):
                    self._ledger.mark_part(self._names[number], start, constant.size, self._how[number])
                    return True
        return self._joined(constant)

    def _joined(self, constant: Array) -> bool:
        """Whether parameters, or their gates, stand in a row; zeros may stand between them."""
        covered = constant == 0
        marks = []
        pieces, first = self._pieces
        for at in np.flatnonzero(np.isin(first, constant)).tolist():
            number, start, piece = pieces[at]
            for place in _starts(constant, piece):
                covered[place : place + piece.size] = True
                marks.append((number, start, piece.size))
        if not marks or not covered.all():
            return False
        for number, start, size in marks:
            self._ledger.mark_part(self._names[number], start, size, self._how[number])
        return True

    @cached_property
    def _pieces(self) -> tuple[list[tuple[int, int, Array]], Array]:
        """(parameter, start, values) of flat parameters and of their equal parts; and the first value of each."""
        pieces = [
            (number, start, array.reshape(-1)[start : start + size])
            for number, array in enumerate(self._arrays)
            if array.ndim <= _FLAT_AXES and 1 < array.size <= _LONGEST_JOINED and array.any()
            for parts in (1, 2, 3, 4, 6)
            if (size := array.size // parts) > 1 and not array.size % parts
            for start in range(0, array.size, size)
        ]
        return pieces, np.array([piece[0] for _, _, piece in pieces])

    def _differences(self, name: str, constant: Array) -> list[WeightDifference]:
        """The parameter that a constant is in most of its values, where the others are other values."""
        for number, parameter in enumerate(self._arrays):
            if parameter.size != constant.size:
                continue
            # A tied table stands in the file twice, and one of the two may be right.
            share = NEARLY_ALL if self._ledger.is_whole(self._names[number]) else MOSTLY
            if (found := aligned(parameter, constant, share)) is not None:
                self._ledger.explained.add(name)
                self._ledger.mark(self._names[number], self._how[number])
                return [difference_of(self._names[number], name, parameter, found)]
        return []

    def _rows_that_differ(self, name: str, constant: Array, by_axis: Sequence[Digests]) -> list[WeightDifference]:
        """The same for a constant that is a part of a parameter, or joined from several."""
        for axis in range(constant.ndim if constant.ndim > 1 else 0):
            at = self._slices.look_up(by_axis[axis], constant.size)
            if MOSTLY <= (at >= 0).mean() < 1 and (found := self._filled(name, constant, axis, at)):
                self._ledger.explained.add(name)
                return found
        return []

    def _filled(self, name: str, constant: Array, axis: int, at: Numbers) -> list[WeightDifference]:
        """Differences of the rows that were found nowhere from those that follow on the rows before them."""
        source, found = self._slices, []
        known = np.flatnonzero(at >= 0)
        for place in np.flatnonzero(at < 0).tolist():
            near = int(known[np.abs(known - place).argmin()])
            number, source_axis, row = source.key(int(at[near]), place - near)
            parameter = self._arrays[number]
            if not 0 <= row < parameter.shape[source_axis] or self._ledger.is_whole(self._names[number]):
                return []
            here = np.flatnonzero(at >= 0)
            here = here[(source.parameter[at[here]] == number) & (source.axis[at[here]] == source_axis)]
            difference = self._row_difference(name, constant, (axis, place), (number, source_axis, row), here, at)
            if difference is None:
                return []
            self._ledger.mark_rows(self._names[number], source_axis, np.array([row]), self._how[number])
            found.append(difference)
        for (number, source_axis), _, rows in self._parts(at[known]):
            self._ledger.mark_rows(self._names[number], source_axis, rows, self._how[number])
        return found

    def _row_difference(
        self, name: str, constant: Array, where: tuple[int, int], key: tuple[int, int, int], here: Numbers, at: Numbers
    ) -> WeightDifference | None:
        """The difference of one row, its elements ordered as in the rows (``here``) that are equal."""
        (axis, place), (number, source_axis, row) = where, key
        given = np.moveaxis(constant, axis, 0).reshape(constant.shape[axis], -1)
        for order in rows_of(self._arrays[number], source_axis):
            if same(order[self._slices.row[at[here]]], given[here]):
                self._ledger.mark_rows(self._names[number], source_axis, self._slices.row[at[here]], self._how[number])
                unequal = np.flatnonzero(~equal_values(order[row], given[place]))
                first = int(unequal[0])
                values = float(order[row][first]), float(given[place][first])
                shape = self._arrays[number].shape
                return WeightDifference(self._names[number], name, shape, (row, first), *values, len(unequal))
        return None


def _squeezed(array: Array) -> Array:
    """The array without axes of length 1, but with one axis at least."""
    return array.reshape([length for length in array.shape if length > 1] or [1])


def _starts(long: Array, short: Array) -> Numbers:
    """Where in ``long`` (one axis) ``short`` stands."""
    at = np.flatnonzero(long[: len(long) - len(short) + 1] == short[0])
    for offset in (len(short) - 1, len(short) // 2):
        at = at[long[at + offset] == short[offset]]
    return np.array([start for start in at[:64] if same(long[start : start + len(short)], short)], np.int64)


def _cast(array: Array, dtype: np.dtype[np.float64]) -> Array:
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


def _total(found: Sequence[Digests]) -> int:
    return int(found[0].sum(dtype=np.uint64))
