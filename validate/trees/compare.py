"""Compares two ensembles that belong together, leaf by leaf, for every input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .describe import part_of, parting
from .ensemble import Ensemble, exact_sums
from .leaves import Pair, leaves_of, met, some_leaves
from .normal import Domain, NormalTree
from .overlay import Meeting, Steps, inside, meetings
from .pairing import pair_trees
from .relation import UNITS, Column, Leaves, columns_of, differences, shifts, single_unit
from .types import TreeDifference

if TYPE_CHECKING:
    from .tree import Floats

_MOST_SHOWN = 3
_MOST_TRIED = 24
"""Differing trees for which an input is looked for that tells the sums apart."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison of two ensembles found; ``units`` is the greatest rounding of a leaf, in units of float32.

    ``unclear`` says why nothing is proved or refuted where that is so. ``base`` are the constants that the two sides
    add in the first column where they differ; None where they agree. ``relation`` is that of the columns,
    ``apart`` what had to be left out.
    """

    trees: int
    leaves: int
    differing: int = 0
    units: float = 0.0
    differences: tuple[TreeDifference, ...] = ()
    base: tuple[float, float] | None = None
    unclear: str = ""
    relation: Relation | None = None
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """What each of the candidate's columns is; ``fold`` neighbouring ones of its file make one of these."""

    columns: tuple[Column | None, ...]
    fold: int = 1


@dataclass(frozen=True, slots=True)
class Sides:
    """Two ensembles that belong together, and the normal forms of their trees."""

    reference: Ensemble
    candidate: Ensemble
    ones: tuple[NormalTree, ...]
    others: tuple[NormalTree, ...]


def compare(sides: Sides, domain: Domain, steps: Steps, relation: Relation | None = None) -> Compared:
    """Whether each tree of the candidate gives what its partner in the reference does, for every input in ``domain``.

    The relation of the columns is found from the leaves unless it is given. Raises TooLargeError where that takes too
    many steps.
    """
    ones, others = ([tree for tree in each if not tree.is_constant] for each in (sides.ones, sides.others))
    count = len(sides.ones) - sides.reference.constants
    leaves = sum(int((tree.left < 0).sum()) for tree in sides.ones) - sides.reference.constants
    pairs = [met(ones, others, places, domain, steps) for places in pair_trees(ones, others, domain)]
    relation = relation or _relation(sides, pairs, len(ones))
    if relation is None:
        return Compared(count, leaves, unclear="no factor relates its leaves to the reference's")
    bases = [_base(sides.ones, sides.reference.targets), _base(sides.others, sides.candidate.targets)]
    return _Comparison(sides.reference, sides.candidate, domain, steps, relation).run(pairs, count, leaves, *bases)


def _relation(sides: Sides, pairs: Sequence[Pair], trees: int) -> Relation | None:
    targets = sides.reference.targets, sides.candidate.targets
    if not pairs:
        return Relation(tuple(Column(n, 1.0) for n in range(targets[0]))) if targets[0] == targets[1] else None
    for fold in _folds(*targets):
        columns = columns_of(some_leaves(pairs, *targets, fold), trees)
        if columns is not None:
            return Relation(columns, fold)
    return None


def _folds(one: int, other: int) -> list[int]:
    """How many neighbouring columns of the candidate add up to one: 2 or 3 where there are so many more, else 1.

    Double sums are so split into leading and trailing bits. Two columns for the scores of two classes don't add up.
    """
    return [*([other // one] if other in (2 * one, 3 * one) else []), 1]


def _base(trees: Sequence[NormalTree], targets: int) -> Floats:
    """What the trees of a single leaf add to each target."""
    total = np.zeros(targets)
    for tree in trees:
        if tree.is_constant:
            total[tree.target : tree.target + tree.value.shape[1]] += tree.value[0]
    return total


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The comparison of all pairs of trees once the relation of their columns is known."""

    reference: Ensemble
    candidate: Ensemble
    domain: Domain
    steps: Steps
    relation: Relation

    def run(self, pairs: Sequence[Pair], trees: int, leaves: int, base: Floats, base_of_candidate: Floats) -> Compared:
        worst, suspects = 0.0, []
        constants = base_of_candidate.reshape(-1, self.relation.fold).sum(axis=1)
        shifted = np.zeros(len(constants))
        for pair in pairs:
            own = leaves_of(pair, self.reference.targets, self.candidate.targets, self.relation.fold)
            if any(column is None and own.candidate[:, n].any() for n, column in enumerate(self.relation.columns)):
                return Compared(trees, leaves, unclear="no factor relates its leaves to the reference's")
            units = self._units(own)
            shifted += self._shifts(own)
            worst = max(worst, float(units[units <= UNITS].max(initial=0.0)))
            if (units > UNITS).any():
                suspects.append(pair)
        found = [(pair, meeting) for pair in suspects for meeting in self._first_meeting(pair)]
        shown = self._shown(found, shifted)
        unclear = "trees differ, but not their sums at the inputs that were tried" if found and not shown else ""
        apart = self._base_differs(base, constants + shifted, trees)
        return Compared(trees, leaves, len(found), worst, shown, apart, unclear, self.relation)

    def _units(self, leaves: Leaves) -> Floats:
        """The greatest difference of each pair of leaves over the columns, in units of float32."""
        units = np.zeros(len(leaves.tree))
        for place, column in enumerate(self.relation.columns):
            if column:
                units = np.maximum(units, differences(leaves, place, column)[1])
        return units

    def _shifts(self, leaves: Leaves) -> Floats:
        return np.array(
            [shifts(leaves, n, column) if column else 0.0 for n, column in enumerate(self.relation.columns)]
        )

    def _first_meeting(self, pair: Pair) -> Iterator[Meeting]:
        """The first pair of leaves that differ and that an input reaches."""
        found = tuple(meetings(pair.one, pair.other, self.domain, self.steps))
        first, second = (np.array([getattr(each, side) for each in found]) for side in ("first", "second"))
        own = Pair(pair.one, pair.other, pair.number, first, second)
        units = self._units(leaves_of(own, self.reference.targets, self.candidate.targets, self.relation.fold))
        yield from (found[n] for n in np.flatnonzero(units > UNITS)[:1])

    def _shown(self, found: Sequence[tuple[Pair, Meeting]], shifted: Floats) -> tuple[TreeDifference, ...]:
        shown: list[TreeDifference] = []
        for pair, meeting in found[:_MOST_TRIED]:
            if len(shown) < _MOST_SHOWN:
                shown += self._difference(pair, meeting, shifted)
        return tuple(shown)

    def _difference(self, pair: Pair, meeting: Meeting, shifted: Floats) -> Iterator[TreeDifference]:
        """The difference with an input, if that input makes the sums of all trees differ as well."""
        inputs = inside(meeting.box, self.domain)
        row = self._row(inputs)
        wanted = exact_sums(_without_constants(self.reference), row)[0]
        given = (
            exact_sums(_without_constants(self.candidate), row)[0].reshape(-1, self.relation.fold).sum(axis=1) - shifted
        )
        leaves = leaves_of(
            Pair(pair.one, pair.other, pair.number, np.array([meeting.first]), np.array([meeting.second])),
            self.reference.targets,
            self.candidate.targets,
            self.relation.fold,
        )
        for place, off in sorted(self._offs(wanted, given).items(), key=lambda each: -abs(each[1])):
            column = self.relation.columns[place] or Column(0, 0.0)
            own = leaves.candidate[0, place] - column.factor * leaves.reference[0, column.source]
            if abs(off) > abs(own) / 2 > 0 or (column.shifted and off):
                sums = (float(column.factor * wanted[column.source]), float(given[place]))
                part, one, other = part_of(pair, meeting, self.domain, leaves, place, column)
                node = int(pair.one.node[parting(pair, meeting, self.domain)])
                told = tuple(inputs.items())
                name = self.candidate.name or self.reference.name
                yield TreeDifference(name, pair.number, node, part, one, other, told, sums, place)
                return

    def _offs(self, wanted: Floats, given: Floats) -> dict[int, float]:
        return {
            place: float(given[place] - (column.factor * wanted[column.source] if column else 0.0))
            for place, column in enumerate(self.relation.columns)
        }

    def _row(self, inputs: dict[int, float]) -> Floats:
        trees = (*self.reference.trees, *self.candidate.trees)
        row = np.zeros((1, 1 + max(int(tree.feature.max(initial=0)) for tree in trees)))
        row[0, list(inputs)] = list(inputs.values())
        return row

    def _base_differs(self, base: Floats, constants: Floats, trees: int) -> tuple[float, float] | None:
        for place, column in enumerate(self.relation.columns):
            want = column.factor * base[column.source] if column else 0.0
            size = max(abs(want), abs(constants[place]))
            if abs(constants[place] - want) > UNITS * (1 + trees * bool(column and column.shifted)) * single_unit(size):
                return float(want), float(constants[place])
        return None


def _without_constants(ensemble: Ensemble) -> Ensemble:
    trees = tuple(tree for tree in ensemble.trees if tree.left[0] >= 0)
    return Ensemble(trees, ensemble.targets, ensemble.test, single=ensemble.single)
