"""How many digits of each output were really tested: how far it moves over the samples against what was allowed.

An allowance that is wider than the output proves nothing, however well it is explained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.types import Digits, Tolerance
from ..report.user_checks import Source
from ..signature import EPSILON

if TYPE_CHECKING:
    from ..signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

NEEDED = {"float64": 2.0, "float32": 2.0, "float16": 0.5, "bfloat16": 0.25}
"""Digits below which rounding decides an element: two, less where rounding in the dtype itself leaves hardly more."""

MOST_UNTESTED = 0.9
"""Share of the elements that rounding may decide, of an output and of each of its channels that moves.

basic_pitch's own ONNX file has 7 to 12 % (log of almost silent bins), and at most 24 % in one channel; a right booster
that is tried at its thresholds 57 %; a model, or a head of it, that tests nothing has almost all.
"""

_HARDLY_MOVES = 1e-3
"""Of the median movement: a channel that moves less says little of an output, tested or not."""

_RESOLUTION = 64.0  # ulps of a value: an allowance of so few is as sharp as its dtype gets
_SHARE = 0.999
_LOWEST, _HIGHEST = -5.0, 17.0


def count_digits(
    reference: Sequence[Array], allowed: Sequence[Array], tolerance: Tolerance, edges: Sequence[bool]
) -> Digits | None:
    """The digits that were tested in one output, given by sample; None where it has no finite element.

    Samples at the ``edges`` of what a model means don't count unless there are no others. An element moves as far as
    its column does on average, or as far as it is from the column's mean. A column that never moves is tested by its
    value, and so is an element whose allowance is no wider than its dtype's resolution, if others in the output are
    tested by their movement.
    """
    counted = [n for n, edge in enumerate(edges) if not edge and reference[n].size] or list(range(len(reference)))
    tables = _tables([reference[n] for n in counted])
    if not any(np.isfinite(table).any() for table in tables):
        return None
    columns = _Columns(tables)
    needed = needed_digits(tolerance)
    moved = 0
    by_movement, by_value = [], []
    untested, hardly = (np.zeros(columns.mean.size, np.int64) for _ in range(2))
    for table, n in zip(tables, counted, strict=True):
        limits = np.asarray(allowed[n], np.float64).reshape(table.shape)
        each, finite = _digits(columns.movement(table), limits), np.isfinite(table)
        resolved = limits <= _RESOLUTION * EPSILON[tolerance.dtype] * np.abs(table)
        tested = each >= needed
        moved += int((tested & finite & ~columns.constant).sum())
        untested += (~tested & ~resolved & finite).sum(axis=0)
        hardly += (~tested & resolved & finite).sum(axis=0)
        by_movement.append(each[finite])
        by_value.append(np.where(tested | ~resolved, each, _digits(np.abs(table), limits))[finite])
    if hardly.any() and not moved:
        untested, by_value = untested + hardly, by_movement
    shape = reference[counted[0]].shape
    found = _summary(np.concatenate(by_value), untested, columns, table=len(shape) == 2)
    return found if len(shape) < 3 else replace(found, channels=_channels(untested, columns, shape))


def is_enough(digits: Digits, tolerance: Tolerance) -> bool:
    """Whether a pass proves something: by bounds of the user's own it always does."""
    if tolerance.source is Source.USER:
        return True
    return digits.untested <= MOST_UNTESTED * digits.elements and not digits.columns and not digits.channels


def needed_digits(tolerance: Tolerance) -> float:
    """What an element must be tested to; half of it by the table, which isn't as sharp by design."""
    digits = NEEDED.get(tolerance.dtype, 2.0)
    return digits if tolerance.source is Source.COMPUTED else digits / 2


class _Columns:
    """How the columns of an output move over the rows of all samples."""

    def __init__(self, tables: Sequence[Floats]) -> None:
        finite = [np.isfinite(table) for table in tables]
        rows = np.maximum(sum(mask.sum(axis=0) for mask in finite), 1)
        filled = [np.where(mask, table, 0.0) for mask, table in zip(finite, tables, strict=True)]
        self.rows = sum(map(len, tables))
        self.mean = np.asarray(sum(table.sum(axis=0) for table in filled) / rows)
        away = (np.where(mask, np.abs(table - self.mean), 0.0) for mask, table in zip(finite, filled, strict=True))
        self.scatter = np.asarray(sum(each.sum(axis=0) for each in away) / rows)
        self.constant = np.asarray(_least(tables) == -_least([-table for table in tables]))
        moving = self.scatter[~self.constant]
        typical = float(np.median(moving)) if moving.size else 0.0
        self.scatter[self.constant] = np.maximum(np.abs(self.mean[self.constant]), typical)

    def movement(self, table: Floats) -> Floats:
        """How far each element of a table moves."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.maximum(self.scatter, np.abs(table - self.mean)))


def _least(tables: Sequence[Floats]) -> Floats:
    """The least finite value of each column; infinite where there is none."""
    each = [np.where(np.isfinite(table), table, np.inf).min(axis=0, initial=np.inf) for table in tables]
    return np.asarray(np.min(each, axis=0))


def _tables(arrays: Sequence[Array]) -> list[Floats]:
    """The arrays as tables of the same columns: places behind the first axis, else of the last, else one column."""
    wide = [array.astype(np.float64) for array in arrays]
    if len({array.shape[1:] for array in wide}) == 1 and wide[0].ndim > 1 and sum(map(len, wide)) > 1:
        return [array.reshape(len(array), -1) for array in wide]
    if len({array.shape[-1:] for array in wide}) == 1 and all(array.ndim > 2 for array in wide):
        return [array.reshape(-1, array.shape[-1]) for array in wide]
    return [array.reshape(-1, 1) for array in wide]


def _channels(untested: Array, columns: _Columns, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(axis, index) of the channels that move, but whose elements rounding decides almost all: of axes 1 and -1."""
    places = shape[1:] if math.prod(shape[1:]) == untested.size else shape[-1:]
    if math.prod(places) != untested.size:
        return ()
    counts, moves = (each.reshape(places) for each in (untested, columns.scatter))
    enough = _HARDLY_MOVES * float(np.median(columns.scatter))
    found = []
    for axis in sorted({0, len(places) - 1}):
        if places[axis] > 1:
            others = tuple(other for other in range(len(places)) if other != axis)
            most = MOST_UNTESTED * columns.rows * untested.size / places[axis]
            decided = (counts.sum(axis=others) > most) & (moves.mean(axis=others) > enough)
            found += [(axis + len(shape) - len(places), int(index)) for index in np.flatnonzero(decided)]
    return tuple(found)


def _digits(movement: Floats, allowed: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.log10(movement / allowed)
    return np.asarray(np.clip(np.nan_to_num(digits, nan=_HIGHEST, posinf=_HIGHEST, neginf=_LOWEST), _LOWEST, _HIGHEST))


def _summary(digits: Floats, untested: Array, columns: _Columns, *, table: bool) -> Digits:
    reached = math.floor(10 * float(np.quantile(digits, 1 - _SHARE, method="lower"))) / 10
    whole = np.flatnonzero(untested >= columns.rows).tolist() if table and columns.rows > 1 else []
    return Digits(reached, float(np.mean(digits >= reached)), digits.size, int(untested.sum()), tuple(whole))
