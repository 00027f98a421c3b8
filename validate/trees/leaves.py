"""The leaves of two trees that belong together, as pairs of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from .normal import Domain, NormalTree
from .overlay import Steps, meetings, size
from .relation import Leaves

if TYPE_CHECKING:
    from .tree import Floats, Ints

_MOST_PAIRS = 8192
"""Pairs of leaves from which the relation of the columns is found."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two trees that belong together, and their leaves that meet, by their places in the normal forms.

    ``sizes`` are the logarithms of the shares of all inputs where they meet; empty for two trees with the same splits,
    each of whose leaves meets one.
    """

    one: NormalTree
    other: NormalTree
    number: int
    first: Ints
    second: Ints
    sizes: Floats = field(default_factory=lambda: np.zeros(0))


def met(
    ones: Sequence[NormalTree],
    others: Sequence[NormalTree],
    places: tuple[int | None, int | None],
    domain: Domain,
    steps: Steps,
) -> Pair:
    """Lay the trees at two places over each other; None stands for a tree that adds nothing. Raises TooLargeError."""
    a, b = places
    one, other = _NOTHING if a is None else ones[a], _NOTHING if b is None else others[b]
    number = len(ones) if a is None else a
    if one.key(domain) == other.key(domain):
        leaf = np.flatnonzero(one.left < 0)
        return Pair(one, other, number, leaf, leaf)
    rows = [(each.first, each.second, size(each.box, domain)) for each in meetings(one, other, domain, steps)]
    first, second, sizes = (np.array(column) for column in zip(*rows, strict=True))
    return Pair(one, other, number, first, second, sizes)


_NONE, _ZERO = np.array([-1]), np.zeros(1, np.int64)
_NOTHING = NormalTree(_ZERO, _ZERO, _NONE, _NONE, np.zeros(1, np.bool_), np.zeros((1, 1)), _ZERO, 0)
"""A tree that adds zero: the partner of one that the other side lacks."""


def _values(tree: NormalTree, places: Ints, targets: int, fold: int = 1) -> Floats:
    wide = np.zeros((len(places), targets))
    wide[:, tree.target : tree.target + tree.value.shape[1]] = tree.value[places]
    return wide if fold == 1 else wide.reshape(len(places), -1, fold).sum(axis=2)


def some_leaves(pairs: Sequence[Pair], one: int, other: int, fold: int) -> Leaves:
    """Leaves of trees from all parts of the ensemble, as many as decide on the relation."""
    total = sum(len(pair.first) for pair in pairs)
    chosen = pairs[:: max(1, total // _MOST_PAIRS)]
    return _together([leaves_of(_typical(pair), one, other, fold) for pair in chosen], one, other // fold)


def _typical(pair: Pair) -> Pair:
    """For each of the reference's leaves only its widest meeting: a limit that is a bit off makes many narrow ones."""
    if not len(pair.sizes):
        return pair
    order = np.argsort(-pair.sizes, kind="stable")
    widest = order[np.unique(pair.first[order], return_index=True)[1]]
    return replace(pair, first=pair.first[widest], second=pair.second[widest])


def leaves_of(pair: Pair, one: int, other: int, fold: int) -> Leaves:
    """The values of the leaves that meet, (pairs, ``one``) of the first and (pairs, ``other / fold``) of the second."""
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
