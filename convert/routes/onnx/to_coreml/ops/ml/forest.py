"""Trees as tables: all nodes of all trees in one numbering, walked by all rows and trees at once.

A leaf's children are itself, so that every row takes as many steps as the deepest tree has levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...mil import Var, mb
from ...values import Array

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF")

_COMPARE: dict[str, Callable[..., Var]] = {
    "BRANCH_LEQ": mb.less_equal,
    "BRANCH_LT": mb.less,
    "BRANCH_GTE": mb.greater_equal,
    "BRANCH_GT": mb.greater,
    "BRANCH_EQ": mb.equal,
    "BRANCH_NEQ": mb.not_equal,
}
_ROUND_UP = ("BRANCH_LT", "BRANCH_GTE")
_ROUND_DOWN = ("BRANCH_LEQ", "BRANCH_GT")


@dataclass(frozen=True, slots=True)
class Forest:
    """Per node: the feature that it reads, threshold, mode, both children, and whether NaN goes to the true one.

    ``weights`` has a row of scores for each node, ``said`` tells which of them a leaf has. ``roots`` are the trees'
    first nodes.
    """

    features: Array
    thresholds: Array
    modes: Array
    true: Array
    false: Array
    missing_true: Array
    weights: Array
    said: Array
    roots: Array

    def leaves(self, x: Var) -> Var:
        """(rows, trees): the leaf in which each row ends, for ``x`` (rows, features) in float32."""
        thresholds = self.thresholds.astype(np.float32)
        place = self._step(x, thresholds, self.roots)
        for _ in range(self._depth() - 1):
            place = self._step(x, thresholds, place)
        return place

    def rounded(self) -> Forest:
        """Thresholds in float32, so rounded that every float32 falls on the same side as before."""
        near = self.thresholds.astype(np.float32)
        up = np.isin(self.modes, [MODES.index(mode) for mode in _ROUND_UP]) & (near < self.thresholds)
        down = np.isin(self.modes, [MODES.index(mode) for mode in _ROUND_DOWN]) & (near > self.thresholds)
        near = np.where(up, np.nextafter(near, np.float32(np.inf)), near)
        return replace(self, thresholds=np.where(down, np.nextafter(near, np.float32(-np.inf)), near))

    def scores(self, x: Var) -> Var:
        """(rows, trees, scores): what each tree says."""
        return mb.gather(x=self.weights.astype(np.float32), indices=self.leaves(x), axis=0)

    def _step(self, x: Var, thresholds: Array, place: Var | Array) -> Var:
        """The nodes that follow ``place``: (trees,) at the start, (rows, trees) later."""
        first = isinstance(place, np.ndarray)
        features = _at(self.features, place)
        values = mb.gather(x=x, indices=features, axis=1) if first else _along(x, features)
        holds = self._holds(values, _at(thresholds, place), place)
        if self.missing_true.any():
            tracks = mb.equal(x=_at(self.missing_true.astype(np.int32), place), y=1)
            holds = mb.logical_or(x=holds, y=mb.logical_and(x=mb.not_equal(x=values, y=values), y=tracks))
        if not first:
            return mb.select(cond=holds, a=_at(self.true, place), b=_at(self.false, place))
        # coremltools takes a selection to be as large as what it selects from, without its condition.
        chosen = mb.mul(x=mb.cast(x=holds, dtype="int32"), y=(self.true - self.false)[place])
        return mb.add(x=chosen, y=self.false[place])

    def _holds(self, values: Var, thresholds: Var | Array, place: Var | Array) -> Var:
        used = [mode for mode in _COMPARE if (self.modes == MODES.index(mode)).any()]
        if len(used) < 2:
            return _COMPARE[used[0] if used else "BRANCH_LEQ"](x=values, y=thresholds)
        modes = _at(self.modes, place)
        each = [
            mb.logical_and(x=_COMPARE[mode](x=values, y=thresholds), y=mb.equal(x=modes, y=np.int32(MODES.index(mode))))
            for mode in used
        ]
        holds = each[0]
        for other in each[1:]:
            holds = mb.logical_or(x=holds, y=other)
        return holds

    @property
    def complete(self) -> bool:
        """Whether every row gets every score from some tree. Runtimes don't agree on scores that nothing is said of."""
        certain = np.zeros(self.said.shape[1], bool)
        for root in self.roots:
            certain |= self.said[self._levels(np.array([root]))[-1]].all(0)
        return bool(certain.all())

    def _depth(self) -> int:
        """Steps after which all walks have ended."""
        return max(1, len(self._levels(np.unique(self.roots))) - 1)

    def _levels(self, start: Array) -> list[Array]:
        """The nodes that walks from ``start`` can be at after each step, ended ones included, until all have ended.

        Raises ValueError where some never do.
        """
        levels = [start]
        while (self.modes[levels[-1]] != MODES.index("LEAF")).any():
            if len(levels) > len(self.modes):
                raise ValueError("its trees go round in a circle")
            levels.append(np.unique(np.concatenate([self.true[levels[-1]], self.false[levels[-1]]])))
        return levels


def _at(table: Array, place: Var | Array) -> Var | Array:
    """The entries of a table: constants where the places are."""
    if isinstance(place, np.ndarray):
        return table[place]
    return mb.gather(x=table, indices=place, axis=0)


def _along(x: Var, features: Var) -> Var:
    return mb.gather_along_axis(x=x, indices=features, axis=1)


def flat(
    trees: Array, ids: Array, features: Array, thresholds: Array, modes: tuple[str, ...], true: Array, false: Array,
    missing_true: Array,
) -> tuple[Forest, dict[tuple[int, int], int]]:  # fmt: skip
    """A forest from nodes that are numbered within their trees, without weights, and each node's place in it."""
    pairs = list(zip(trees.tolist(), ids.tolist(), strict=True))
    places = {pair: place for place, pair in enumerate(pairs)}
    codes = np.array([MODES.index(mode) for mode in modes], np.int32)
    own = np.arange(len(pairs), dtype=np.int32)
    leaf = codes == MODES.index("LEAF")

    def way(to: Array) -> Array:
        follower = own.copy()
        follower[~leaf] = [places[pair] for pair in zip(trees[~leaf].tolist(), to[~leaf].tolist(), strict=True)]
        return follower

    to_true, to_false = way(true), way(false)
    children = {*to_true[~leaf].tolist(), *to_false[~leaf].tolist()}
    roots = np.array([i for i in own if i not in children], np.int32)
    missing = missing_true if len(missing_true) else np.zeros(len(pairs), np.int32)
    none = np.zeros((len(pairs), 0))
    forest = Forest(features.astype(np.int32), thresholds, codes, to_true, to_false, missing, none, none, roots)
    return forest, places


def with_weights(
    forest: Forest, places: dict[tuple[int, int], int], trees: Array, ids: Array, targets: Array, weights: Array,
    count: int, absent: float = 0.0,
) -> Forest:  # fmt: skip
    """The forest with its leaves' scores; ``absent`` is the score of a target that a leaf says nothing of."""
    rows = np.array([places[pair] for pair in zip(trees.tolist(), ids.tolist(), strict=True)])
    table, said = np.zeros((len(forest.modes), count)), np.zeros((len(forest.modes), count), bool)
    np.add.at(table, (rows, targets), weights)
    said[rows, targets] = True
    return replace(forest, weights=np.where(said, table, absent), said=said)
