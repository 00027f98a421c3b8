"""How a candidate's leaves relate to the reference's: each of its columns is one of the reference's, times a factor.

Converters divide leaves by the number of trees or leave that to a later node, write the scores of two classes as one
column or as two, and move constants between a tree and the base. Which of these a converter chose is found from the
leaves themselves: the relation that holds for more than half of them is what was meant, and a leaf for which it fails
differs. A common factor or column that is wrong changes every output: samples show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .tree import Bools, Floats, Ints

UNITS = 2.0
"""Units in the last place of float32 by which a leaf may be off: a factor, a rounding, and a decimal text."""

_MAJORITY = 0.5


@dataclass(frozen=True, slots=True)
class Column:
    """The candidate's column is ``factor`` times the reference's column ``source``, plus a constant for each tree.

    ``shifted`` says whether trees have such constants.
    """

    source: int
    factor: float
    shifted: bool = False


@dataclass(frozen=True, slots=True)
class Leaves:
    """Pairs of leaves that meet: values (pairs, columns) of both sides, and the number of each pair's tree."""

    reference: Floats
    candidate: Floats
    tree: Ints


def single_unit(values: Floats) -> Floats:
    """The spacing of float32's numbers at each value."""
    with np.errstate(over="ignore"):
        return np.spacing(np.abs(values).astype(np.float32)).astype(np.float64)


def columns_of(leaves: Leaves, count: int) -> tuple[Column | None, ...] | None:
    """The relation of each of the candidate's columns; None for a column that is zero in every leaf.

    ``count`` is the number of trees. The result is None where a column has no relation, or a column of the
    reference's that tells something is missing.
    """
    found: list[Column | None] = []
    for place in range(leaves.candidate.shape[1]):
        if not leaves.candidate[:, place].any():
            found.append(None)
            continue
        column = _column(leaves, place, count)
        if column is None:
            return None
        found.append(column)
    used = {column.source for column in found if column}
    return tuple(found) if _all_told(leaves, used) else None


def differences(leaves: Leaves, place: int, column: Column) -> tuple[Floats, Floats]:
    """How far each pair's candidate value is from what the relation says, and that in units of float32, (pairs,)."""
    want, got = column.factor * leaves.reference[:, column.source], leaves.candidate[:, place]
    with np.errstate(invalid="ignore"):
        off = np.where((got == want) | (np.isnan(got) & np.isnan(want)), 0.0, got - want)
        if column.shifted:
            off = off - _medians(off, leaves.tree)
        units = np.abs(off) / single_unit(np.maximum(np.abs(want), np.abs(got)))
    return off, np.where(off == 0, 0.0, np.where(np.isfinite(units), units, np.inf))


def shifts(leaves: Leaves, place: int, column: Column) -> float:
    """The sum of the constants that the trees of the candidate have in addition."""
    if not column.shifted:
        return 0.0
    off = leaves.candidate[:, place] - column.factor * leaves.reference[:, column.source]
    first = np.unique(leaves.tree, return_index=True)[1]
    return float(_medians(off, leaves.tree)[first].sum())


def _all_told(leaves: Leaves, used: set[int]) -> bool:
    """Whether every column of the reference's is used, constant, or what another leaves of a constant."""
    others = [n for n in range(leaves.reference.shape[1]) if n not in used and leaves.reference[:, n].any()]
    return all(any(_complement(leaves.reference, n, m) for m in used) for n in others)


def _complement(values: Floats, one: int, other: int) -> bool:
    total = values[:, one] + values[:, other]
    return bool(np.all(np.abs(total - total[0]) <= UNITS * single_unit(total)))


def _column(leaves: Leaves, place: int, count: int) -> Column | None:
    width = leaves.reference.shape[1]
    order = [place] * (place < width) + [n for n in range(width) if n != place]
    best, most = None, _MAJORITY
    for shifted in (False, True):
        for source in order:
            for factor in _factors(leaves, place, source, count, shifted=shifted):
                column = Column(source, factor, shifted)
                share = _share(leaves, place, column)
                if share > most or (best is None and share >= most):
                    best, most = column, share
            if most == 1.0:
                return best
        if best is not None:
            return best
    return None


def _factors(leaves: Leaves, place: int, source: int, count: int, *, shifted: bool) -> list[float]:
    """Plain factors first, then the median of the ratios of leaves (of their distances within a tree)."""
    want, got = leaves.reference[:, source], leaves.candidate[:, place]
    if shifted:
        want, got = (side - _medians(side, leaves.tree) for side in (want, got))
    told = want != 0
    ratio = [float(np.median(got[told] / want[told]))] if told.any() else []
    return [1.0, 1.0 / count, float(count), -1.0, *(each for each in ratio if each)]


def _share(leaves: Leaves, place: int, column: Column) -> float:
    """The share of leaves for which the relation holds, among those that tell something."""
    told = _telling(leaves, place, column)
    if not told.any():
        return 0.0
    return float((differences(leaves, place, column)[1][told] <= UNITS).mean())


def _telling(leaves: Leaves, place: int, column: Column) -> Bools:
    want, got = leaves.reference[:, column.source], leaves.candidate[:, place]
    if not column.shifted:
        return np.asarray((want != 0) | (got != 0))
    return np.asarray((want != _medians(want, leaves.tree)) | (got != _medians(got, leaves.tree)))


def _medians(values: Floats, tree: Ints) -> Floats:
    """For each value the lower median of its tree's values: one of them, so that equal ones leave zero."""
    order = np.lexsort((values, tree))
    _, first, place, sizes = np.unique(tree[order], return_index=True, return_inverse=True, return_counts=True)
    medians = values[order][first + (sizes - 1) // 2]
    return np.asarray(medians[place][np.argsort(order)], np.float64)
