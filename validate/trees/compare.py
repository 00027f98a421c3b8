"""Compares two ensembles that belong together, leaf by leaf, for every input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .ensemble import Ensemble, exact_sums
from .normal import Domain, NormalTree, number_of
from .overlay import Meeting, Steps, inside, meetings, size
from .pairing import pair_trees
from .relation import UNITS, Column, Leaves, columns_of, differences, shifts, single_unit
from .types import TreeDifference

if TYPE_CHECKING:
    from .tree import Floats, Ints

_MOST_PAIRS = 8192
"""Pairs of leaves from which the relation of the columns is found."""

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
class _Pair:
    """Two trees that belong together, their leaves that meet, and the boxes where these are known."""

    one: NormalTree
    other: NormalTree
    number: int
    first: Ints
    second: Ints
    found: tuple[Meeting, ...] = ()


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
    pairs = [_met(ones, others, *places, domain, steps) for places in pair_trees(ones, others, domain)]
    relation = relation or _relation(sides, pairs, len(ones), domain)
    if relation is None:
        return Compared(count, leaves, unclear="no factor relates its leaves to the reference's")
    bases = [_base(sides.ones, sides.reference.targets), _base(sides.others, sides.candidate.targets)]
    return _Comparison(sides.reference, sides.candidate, domain, steps, relation).run(pairs, count, leaves, *bases)


def _relation(sides: Sides, pairs: Sequence[_Pair], trees: int, domain: Domain) -> Relation | None:
    targets = sides.reference.targets, sides.candidate.targets
    if not pairs:
        return Relation(tuple(Column(n, 1.0) for n in range(targets[0]))) if targets[0] == targets[1] else None
    for fold in _folds(*targets):
        columns = columns_of(_some(pairs, *targets, fold, domain), trees)
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


def _met(
    ones: Sequence[NormalTree],
    others: Sequence[NormalTree],
    a: int | None,
    b: int | None,
    domain: Domain,
    steps: Steps,
) -> _Pair:
    one = _nothing(others[b or 0]) if a is None else ones[a]
    other = _nothing(one) if b is None else others[b]
    number = len(ones) if a is None else a
    if one.key(domain) == other.key(domain):
        leaf = np.flatnonzero(one.left < 0)
        return _Pair(one, other, number, leaf, leaf)
    found = tuple(meetings(one, other, domain, steps))
    first, second = (np.array([getattr(each, side) for each in found], np.int64) for side in ("first", "second"))
    return _Pair(one, other, number, first, second, found)


def _nothing(like: NormalTree) -> NormalTree:
    """A tree that adds zero: the partner of one that the other side lacks."""
    none, zero = np.array([-1]), np.zeros(1, np.int64)
    return NormalTree(zero, zero, none, none, np.zeros(1, np.bool_), np.zeros((1, 1)), zero, like.target)


def _values(tree: NormalTree, places: Ints, targets: int, fold: int = 1) -> Floats:
    wide = np.zeros((len(places), targets))
    wide[:, tree.target : tree.target + tree.value.shape[1]] = tree.value[places]
    return wide if fold == 1 else wide.reshape(len(places), -1, fold).sum(axis=2)


def _some(pairs: Sequence[_Pair], one: int, other: int, fold: int, domain: Domain) -> Leaves:
    """Leaves of trees from all parts of the ensemble, as many as decide on the relation."""
    total = sum(len(pair.first) for pair in pairs)
    chosen = pairs[:: max(1, total // _MOST_PAIRS)]
    return _together([_leaves(_typical(pair, domain), one, other, fold) for pair in chosen], one, other // fold)


def _typical(pair: _Pair, domain: Domain) -> _Pair:
    """For each of the reference's leaves only its widest meeting: a limit that is a bit off makes many narrow ones."""
    order = sorted(range(len(pair.found)), key=lambda n: -size(pair.found[n].box, domain))
    widest = np.array([*{int(pair.first[n]): n for n in reversed(order)}.values()], np.int64)
    return replace(pair, first=pair.first[widest], second=pair.second[widest]) if pair.found else pair


def _leaves(pair: _Pair, one: int, other: int, fold: int) -> Leaves:
    number = np.full(len(pair.first), pair.number)
    return Leaves(
        _values(pair.one, pair.first, one), _values(pair.other, pair.second, other, fold), number.astype(np.int64)
    )


def _together(parts: Sequence[Leaves], one: int, other: int) -> Leaves:
    if not parts:
        return Leaves(np.zeros((0, one)), np.zeros((0, other)), np.zeros(0, np.int64))
    return Leaves(
        np.concatenate([part.reference for part in parts]),
        np.concatenate([part.candidate for part in parts]),
        np.concatenate([part.tree for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The comparison of all pairs of trees once the relation of their columns is known."""

    reference: Ensemble
    candidate: Ensemble
    domain: Domain
    steps: Steps
    relation: Relation

    def run(self, pairs: Sequence[_Pair], trees: int, leaves: int, base: Floats, base_of_candidate: Floats) -> Compared:
        worst, suspects = 0.0, []
        constants = base_of_candidate.reshape(-1, self.relation.fold).sum(axis=1)
        shifted = np.zeros(len(constants))
        for pair in pairs:
            own = _leaves(pair, self.reference.targets, self.candidate.targets, self.relation.fold)
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

    def _first_meeting(self, pair: _Pair) -> Iterator[Meeting]:
        """The first pair of leaves that differ and that an input reaches."""
        found = pair.found or tuple(meetings(pair.one, pair.other, self.domain, self.steps))
        first, second = (np.array([getattr(each, side) for each in found]) for side in ("first", "second"))
        own = _Pair(pair.one, pair.other, pair.number, first, second)
        units = self._units(_leaves(own, self.reference.targets, self.candidate.targets, self.relation.fold))
        yield from (found[n] for n in np.flatnonzero(units > UNITS)[:1])

    def _shown(self, found: Sequence[tuple[_Pair, Meeting]], shifted: Floats) -> tuple[TreeDifference, ...]:
        shown: list[TreeDifference] = []
        for pair, meeting in found[:_MOST_TRIED]:
            if len(shown) < _MOST_SHOWN:
                shown += self._difference(pair, meeting, shifted)
        return tuple(shown)

    def _difference(self, pair: _Pair, meeting: Meeting, shifted: Floats) -> Iterator[TreeDifference]:
        """The difference with an input, if that input makes the sums of all trees differ as well."""
        inputs = inside(meeting.box, self.domain)
        row = self._row(inputs)
        wanted = exact_sums(_without_constants(self.reference), row)[0]
        given = (
            exact_sums(_without_constants(self.candidate), row)[0].reshape(-1, self.relation.fold).sum(axis=1) - shifted
        )
        leaves = _leaves(
            _Pair(pair.one, pair.other, pair.number, np.array([meeting.first]), np.array([meeting.second])),
            self.reference.targets,
            self.candidate.targets,
            self.relation.fold,
        )
        for place, off in sorted(self._offs(wanted, given).items(), key=lambda each: -abs(each[1])):
            column = self.relation.columns[place] or Column(0, 0.0)
            own = leaves.candidate[0, place] - column.factor * leaves.reference[0, column.source]
            if abs(off) > abs(own) / 2 > 0 or (column.shifted and off):
                sums = (float(column.factor * wanted[column.source]), float(given[place]))
                part, one, other = _part(pair, meeting, self.domain, leaves, place, column)
                node = int(pair.one.node[_parting(pair, meeting, self.domain)])
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


def _parting(pair: _Pair, meeting: Meeting, domain: Domain) -> int:
    """The first node of the reference's tree that isn't the candidate's, else the leaf."""
    size = min(len(pair.one.left), len(pair.other.left))
    fields = ["feature", "limit", "left", "right", *(["missing_left"] if domain.missing else [])]
    other = np.zeros(size, np.bool_)
    for name in fields:
        other |= getattr(pair.one, name)[:size] != getattr(pair.other, name)[:size]
    places = np.flatnonzero(other)
    return int(places[0]) if len(places) else meeting.first


def _part(
    pair: _Pair, meeting: Meeting, domain: Domain, leaves: Leaves, place: int, column: Column
) -> tuple[str, float | str, float | str]:
    """What differs first, and both sides' values of it."""
    node = _parting(pair, meeting, domain)
    one, other = pair.one, pair.other
    if node == meeting.first and one.left[node] < 0 and (node >= len(other.left) or other.left[node] < 0):
        return "leaf", float(column.factor * leaves.reference[0, column.source]), float(leaves.candidate[0, place])
    if (one.left[node] < 0) != (other.left[node] < 0):
        return "shape", _kind(one, node), _kind(other, node)
    if one.feature[node] != other.feature[node]:
        return "feature", int(one.feature[node]), int(other.feature[node])
    if one.limit[node] != other.limit[node]:
        return "threshold", _limit(one, node, domain), _limit(other, node, domain)
    if one.missing_left[node] != other.missing_left[node]:
        return "missing direction", _way(one, node), _way(other, node)
    return "shape", int(one.left[node]), int(other.left[node])


def _limit(tree: NormalTree, node: int, domain: Domain) -> float:
    low, high = domain.ends
    return number_of(min(max(int(tree.limit[node]), low), high), domain.dtype)


def _way(tree: NormalTree, node: int) -> str:
    return "left" if tree.missing_left[node] else "right"


def _kind(tree: NormalTree, node: int) -> str:
    return "a leaf" if tree.left[node] < 0 else "a split"
