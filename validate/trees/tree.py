"""One frozen form for the trees of every library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]


class SplitTest(Enum):
    """What an inner node tests; the sample goes left if the test holds."""

    AT_MOST = auto()
    """x <= threshold."""
    BELOW = auto()
    """x < threshold."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One binary tree as parallel arrays over its nodes; node 0 is the root, a leaf has ``left`` < 0.

    An inner node tests ``x[feature]`` against ``threshold`` (see :class:`SplitTest`) and goes ``left`` if the test
    holds; NaN goes left where ``missing_left``. A leaf adds ``value[node]`` to the targets from ``target`` on;
    ``value`` has shape (nodes, columns).
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing_left: Bools
    value: Floats
    target: int = 0

    @classmethod
    def constant(cls, value: Sequence[float] | Floats) -> Tree:
        """A single leaf, which adds ``value`` (one number per target) whatever the input."""
        child, leaf = np.array([-1]), np.asarray(value, np.float64).reshape(1, -1)
        return cls(np.zeros(1, np.int64), np.zeros(1), child, child, np.zeros(1, np.bool_), leaf)


def narrow(threshold: Floats, test: SplitTest) -> npt.NDArray[np.float32]:
    """Float32 thresholds that separate the float32 numbers exactly as the given doubles do.

    ``x <= t`` needs the greatest float32 that is not above t, ``x < t`` the smallest that is not below it.
    """
    at_most = test is SplitTest.AT_MOST
    with np.errstate(over="ignore"):  # beyond float32 means infinity, which is right
        rounded = threshold.astype(np.float32)
        wrong, side = (rounded > threshold, -np.inf) if at_most else (rounded < threshold, np.inf)
        return np.where(wrong, np.nextafter(rounded, np.float32(side)), rounded)


def reachable(tree: Tree) -> Tree:
    """The same tree without the nodes that can't be reached from the root (some libraries keep pruned nodes)."""
    order = [0]
    for node in order:
        order += [] if tree.left[node] < 0 else [int(tree.left[node]), int(tree.right[node])]
    place = np.full(len(tree.left), -1)
    place[order] = np.arange(len(order))
    leaf = tree.left[order] < 0
    left, right = (np.where(leaf, -1, place[np.where(leaf, 0, child[order])]) for child in (tree.left, tree.right))
    return Tree(
        tree.feature[order],
        tree.threshold[order],
        left,
        right,
        tree.missing_left[order],
        tree.value[order],
        tree.target,
    )
