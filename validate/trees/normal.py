"""The normal form of a tree: every split as the greatest number that goes left, over the numbers of one dtype.

Numbers are counted, so that neighbours differ by 1 and both zeros are 0. ``x <= t`` over doubles and ``x < t'`` over
float32 then are the same split if and only if they send the same numbers to the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .tree import SplitTest, narrow

if TYPE_CHECKING:
    import numpy.typing as npt

    from .ensemble import Ensemble
    from .tree import Bools, Floats, Ints, Tree


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a feature may have: the numbers of ``dtype`` ("float32", "float64"), infinities, NaN."""

    dtype: str
    infinite: bool = False
    missing: bool = False

    @property
    def ends(self) -> tuple[int, int]:
        """The counts of the least and of the greatest number."""
        top = np.inf if self.infinite else np.finfo(self.dtype).max
        low, high = counts(np.array([-top, top]), self.dtype).tolist()
        return low, high

    def __str__(self) -> str:
        words = [f"{'' if self.infinite else 'finite '}{self.dtype} inputs", *(["NaN"] if self.missing else [])]
        return " and ".join(words)


@dataclass(frozen=True, slots=True)
class NormalTree:
    """A tree in preorder, as parallel arrays over its nodes: unreachable nodes are gone.

    Inner nodes send the numbers up to count ``limit`` of ``feature`` to the left, and NaN where ``missing_left``; a
    leaf has ``left`` < 0. ``node`` are the numbers of the nodes in the original tree, ``value`` (nodes, columns) what
    leaves add to the targets from ``target`` on.
    """

    feature: Ints
    limit: Ints
    left: Ints
    right: Ints
    missing_left: Bools
    value: Floats
    node: Ints
    target: int

    @property
    def is_constant(self) -> bool:
        """Whether it is a single leaf."""
        return len(self.left) == 1

    def key(self, domain: Domain) -> bytes:
        """Equal for trees with the same splits in the same places."""
        parts = [self.feature, self.limit, self.left, self.right]
        return b"".join(part.tobytes() for part in (*parts, *([self.missing_left] if domain.missing else [])))


def counts(numbers: npt.NDArray[Any], dtype: str) -> Ints:
    """Each number's place among the numbers of ``dtype``, int64; zero is 0, the next greater one 1."""
    with np.errstate(over="ignore"):
        bits = np.asarray(numbers).astype(dtype).view(np.int32 if dtype == "float32" else np.int64)
    size = np.int64(0x7FFFFFFF if dtype == "float32" else 0x7FFFFFFFFFFFFFFF)
    wide = bits.astype(np.int64)
    return np.where(wide >= 0, wide, -(wide & size))


def number_of(count: int, dtype: str) -> float:
    """The number with this place: the inverse of :func:`counts`."""
    kind = np.int32 if dtype == "float32" else np.int64
    return float(np.copysign(np.array([abs(count)], kind).view(dtype)[0], np.float64(1 if count >= 0 else -1)))


def limits(threshold: Floats, test: SplitTest, dtype: str) -> Ints:
    """The count of the greatest number that goes left, for each threshold of a test; a NaN sends none there."""
    exact = narrow(threshold, test) if dtype == "float32" else threshold
    found = counts(exact, dtype) - (test is SplitTest.BELOW)
    return np.where(np.isnan(threshold), np.iinfo(np.int64).min, found)


def normal_tree(tree: Tree, test: SplitTest, dtype: str) -> NormalTree:
    """The normal form of one tree. Raises ValueError where its nodes form no tree."""
    order = _preorder(tree.left.tolist(), tree.right.tolist())
    place = np.zeros(len(tree.left), np.int64)
    place[order] = np.arange(len(order))
    leaf = tree.left[order] < 0
    left, right = (np.where(leaf, -1, place[np.where(leaf, 0, side[order])]) for side in (tree.left, tree.right))
    return NormalTree(
        feature=np.where(leaf, 0, tree.feature[order]).astype(np.int64),
        limit=np.where(leaf, 0, limits(tree.threshold[order].astype(np.float64), test, dtype)),
        left=left.astype(np.int64),
        right=right.astype(np.int64),
        missing_left=np.where(leaf, False, tree.missing_left[order]).astype(np.bool_),
        value=tree.value[order].astype(np.float64),
        node=np.asarray(order, np.int64),
        target=tree.target,
    )


def _preorder(left: list[int], right: list[int]) -> list[int]:
    order, todo = [], [0]
    while todo:
        node = todo.pop()
        order.append(node)
        if len(order) > len(left):
            raise ValueError("the nodes of a tree form a circle, or a node has two parents")
        if left[node] >= 0:
            todo += [right[node], left[node]]
    return order


def normal_trees(ensemble: Ensemble, dtype: str) -> tuple[NormalTree, ...]:
    """The normal forms of all trees of an ensemble."""
    return tuple(normal_tree(tree, ensemble.test, dtype) for tree in ensemble.trees)
