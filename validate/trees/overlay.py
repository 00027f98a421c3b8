"""Lays one tree over another: which leaf of the one meets which leaf of the other, and for what inputs.

Both trees are walked with a box, an interval of counts per feature (see :mod:`.normal`). A side of a split that leaves
nothing of the box is skipped, so that unreachable branches, another order of splits and splits that change nothing
play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2
from typing import NamedTuple

import numpy as np

from .normal import Domain, NormalTree, counts, number_of

MOST_STEPS = 4_000_000
"""Nodes that the walks of one proof may visit: about ten seconds."""


class Interval(NamedTuple):
    """The numbers from count ``low`` to ``high``, both included, and NaN if ``missing``."""

    low: int
    high: int
    missing: bool

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.low > self.high and not self.missing


Box = Mapping[int, Interval]
"""Feature -> interval; a feature that isn't in it may have any value of the domain."""


class TooLargeError(Exception):
    """The walk would take more steps than it may."""


class Steps:
    """The steps that walks have left: the same number on every machine, unlike a time."""

    def __init__(self, left: int = MOST_STEPS) -> None:
        self._left = left

    def take(self) -> None:
        """One step. Raises TooLargeError when there are none left."""
        self._left -= 1
        if self._left < 0:
            raise TooLargeError


@dataclass(frozen=True, slots=True)
class Meeting:
    """A leaf of each of two trees that the inputs in ``box`` reach, by their places in the normal forms."""

    first: int
    second: int
    box: Box


def meetings(first: NormalTree, second: NormalTree, domain: Domain, steps: Steps) -> Iterator[Meeting]:
    """All meetings of leaves of two trees. Raises TooLargeError."""
    everything = Interval(*domain.ends, domain.missing)
    one, other = _lists(first), _lists(second)
    todo: list[tuple[int, int, dict[int, Interval]]] = [(0, 0, {})]
    while todo:
        a, b, box = todo.pop()
        steps.take()
        at_first = one.left[a] >= 0
        tree, node = (one, a) if at_first else (other, b)
        if tree.left[node] < 0:
            yield Meeting(a, b, box)
            continue
        feature = tree.feature[node]
        whole = box.get(feature, everything)
        for child, part in _sides(tree, node, whole):
            if not part.empty:
                inside = box if part == whole else {**box, feature: part}
                todo.append((child, b, inside) if at_first else (a, child, inside))


class _Lists(NamedTuple):
    """A tree as lists, which are quicker to walk than arrays."""

    feature: list[int]
    limit: list[int]
    left: list[int]
    right: list[int]
    missing_left: list[bool]


def _lists(tree: NormalTree) -> _Lists:
    arrays = (tree.feature, tree.limit, tree.left, tree.right, tree.missing_left)
    return _Lists(*(array.tolist() for array in arrays))


def _sides(tree: _Lists, node: int, whole: Interval) -> tuple[tuple[int, Interval], tuple[int, Interval]]:
    left, right = sides_of(whole, tree.limit[node], to_left=tree.missing_left[node])
    return (tree.right[node], right), (tree.left[node], left)


def sides_of(whole: Interval, limit: int, *, to_left: bool) -> tuple[Interval, Interval]:
    """What a split with this limit sends to the left and to the right; NaN goes left if ``to_left``."""
    left = Interval(whole.low, min(whole.high, limit), whole.missing and to_left)
    return left, Interval(max(whole.low, limit + 1), whole.high, whole.missing and not to_left)


def size(box: Box, domain: Domain) -> float:
    """The logarithm of the share of all inputs that a box holds, numbers of a dtype counted alike."""
    low, high = domain.ends
    return sum(log2(max(part.high - part.low + 1, 1) / (high - low + 1)) for part in box.values())


def inside(box: Box, domain: Domain) -> dict[int, float]:
    """A value for each feature of a box: 0, 1 or -1 if it is there, else the nearest to zero; NaN without numbers."""
    return {feature: _value(part, domain) for feature, part in sorted(box.items())}


def _value(part: Interval, domain: Domain) -> float:
    if part.low > part.high:
        return float("nan")
    plain = counts(np.array([0.0, 1.0, -1.0]), domain.dtype).tolist()
    nearest = min(max(0, part.low), part.high)
    return number_of(next((count for count in plain if part.low <= count <= part.high), nearest), domain.dtype)
