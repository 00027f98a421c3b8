"""Splits on sets of categories, turned into splits on numbers.

A node that tests whether a category belongs to a set becomes a node on an extra column, which is 1 where the test
sends the sample to the right. The tests of one feature form a table (categories by tests), from which one look-up
computes all its columns. This is exact for any set and needs no copies of subtrees (ONNX Runtime accepts no shared
ones since 1.21).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..tree import Bools, Ints, Tree

    Tables = Mapping[int, npt.NDArray[np.int8]]

OTHER, MISSING, FIRST = 0, 1, 2
"""Numbers of categories that are given as codes: not a category, NaN, and code 0; code 1 and so on follow."""


@dataclass(frozen=True, slots=True)
class SetSplit:
    """Inner node ``node`` of tree number ``tree`` splits ``feature``: category number i goes right if ``right[i]``."""

    tree: int
    node: int
    feature: int
    right: Bools


def tabulate(trees: Sequence[Tree], splits: Sequence[SetSplit], width: int) -> tuple[tuple[Tree, ...], Tables]:
    """Trees whose set splits test columns from ``width`` on, and the columns' tables by feature.

    Tables are in the order of their features and have shape (categories, columns).
    """
    changed = [replace(tree, feature=tree.feature.copy(), threshold=tree.threshold.copy()) for tree in trees]
    tables: dict[int, npt.NDArray[np.int8]] = {}
    for feature in sorted({split.feature for split in splits}):
        own = [split for split in splits if split.feature == feature]
        tests, column = np.unique([split.right for split in own], axis=0, return_inverse=True)
        for split, place in zip(own, column, strict=True):
            changed[split.tree].feature[split.node] = width + place
            changed[split.tree].threshold[split.node] = 0.5
        tables[feature] = tests.T.astype(np.int8)
        width += len(tests)
    return tuple(changed), tables


@dataclass(frozen=True, slots=True)
class CodeSplit:
    """An inner node that tests whether a feature's code is one of ``members``; NaN has a side of its own."""

    tree: int
    node: int
    feature: int
    members: Ints
    members_right: bool
    missing_right: bool

    def on(self, count: int) -> SetSplit:
        """The same split by numbers (see OTHER), for a feature with ``count`` codes."""
        right = np.full(FIRST + count, not self.members_right)
        right[MISSING] = self.missing_right
        right[FIRST + self.members] = self.members_right
        return SetSplit(self.tree, self.node, self.feature, right)


def set_splits(splits: Sequence[CodeSplit]) -> tuple[SetSplit, ...]:
    """Splits by number, with as many codes for each feature as the largest of its splits lists."""
    counts: dict[int, int] = {}
    for split in splits:
        counts[split.feature] = max(counts.get(split.feature, 0), int(split.members.max(initial=-1)) + 1)
    return tuple(split.on(counts[split.feature]) for split in splits)
