"""Trees as tables: all nodes of all trees in one numbering, walked for all rows and trees at once.

A leaf is its own child, so that every walk takes as many steps as the deepest tree has levels.
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
    """Per node: its feature, threshold, mode, both children, and whether NaN goes to the true child.

    ``weights`` (nodes, scores) are the scores of each node, ``defined`` tells which of them a leaf has. ``roots`` are
    the root nodes.
    """

    features: Array
    thresholds: Array
    modes: Array
    true: Array
    false: Array
    missing_true: Array
    weights: Array
    defined: Array
    roots: Array

    def leaves(self, x: Var) -> Var:
        """(rows, trees): the leaf in which each row ends, for ``x`` (rows, features) in float32."""
        thresholds = self.thresholds.astype(np.float32)
        position = self._step(x, thresholds, self.roots)
        for _ in range(self._depth() - 1):
            position = self._step(x, thresholds, position)
        return position

    def rounded(self) -> Forest:
        """Thresholds in float32, rounded so that every float32 stays on the same side."""
        near = self.thresholds.astype(np.float32)
        up = np.isin(self.modes, [MODES.index(mode) for mode in _ROUND_UP]) & (near < self.thresholds)
        down = np.isin(self.modes, [MODES.index(mode) for mode in _ROUND_DOWN]) & (near > self.thresholds)
        near = np.where(up, np.nextafter(near, np.float32(np.inf)), near)
        return replace(self, thresholds=np.where(down, np.nextafter(near, np.float32(-np.inf)), near))

    def scores(self, x: Var) -> Var:
        """(rows, trees, scores): the scores of each tree."""
        return mb.gather(x=self.weights.astype(np.float32), indices=self.leaves(x), axis=0)

    def _step(self, x: Var, thresholds: Array, position: Var | Array) -> Var:
        """The nodes that follow ``position``: (trees,) at the start, (rows, trees) later."""
        first = isinstance(position, np.ndarray)
        features = _at(self.features, position)
        values = mb.gather(x=x, indices=features, axis=1) if first else _along(x, features)
        holds = self._holds(values, _at(thresholds, position), position)
        if self.missing_true.any():
            tracks = mb.equal(x=_at(self.missing_true.astype(np.int32), position), y=1)
            holds = mb.logical_or(x=holds, y=mb.logical_and(x=mb.not_equal(x=values, y=values), y=tracks))
        if not first:
            return mb.select(cond=holds, a=_at(self.true, position), b=_at(self.false, position))
        # coremltools infers the shape of a select from its operands only, without its condition.
        chosen = mb.mul(x=mb.cast(x=holds, dtype="int32"), y=(self.true - self.false)[position])
        return mb.add(x=chosen, y=self.false[position])

    def _holds(self, values: Var, thresholds: Var | Array, position: Var | Array) -> Var:
        used = [mode for mode in _COMPARE if (self.modes == MODES.index(mode)).any()]
        if len(used) < 2:
            return _COMPARE[used[0] if used else "BRANCH_LEQ"](x=values, y=thresholds)
        modes = _at(self.modes, position)
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
        """Whether every row gets every score from some tree. Runtimes disagree on undefined scores."""
        certain = np.zeros(self.defined.shape[1], bool)
        for root in self.roots:
            certain |= self.defined[self._levels(np.array([root]))[-1]].all(0)
        return bool(certain.all())

    def _depth(self) -> int:
        """The number of steps after which all walks have ended."""
        return max(1, len(self._levels(np.unique(self.roots))) - 1)

    def _levels(self, start: Array) -> list[Array]:
        """The nodes that walks from ``start`` can have reached after each step, until all have ended.

        Raises ValueError if the trees have a cycle.
        """
        levels = [start]
        while (self.modes[levels[-1]] != MODES.index("LEAF")).any():
            if len(levels) > len(self.modes):
                raise ValueError("its trees have a cycle")
            levels.append(np.unique(np.concatenate([self.true[levels[-1]], self.false[levels[-1]]])))
        return levels


def _at(table: Array, position: Var | Array) -> Var | Array:
    """The entries of a table: constants if the positions are."""
    if isinstance(position, np.ndarray):
        return table[position]
    return mb.gather(x=table, indices=position, axis=0)


def _along(x: Var, features: Var) -> Var:
    return mb.gather_along_axis(x=x, indices=features, axis=1)


def flat(
    trees: Array, ids: Array, features: Array, thresholds: Array, modes: tuple[str, ...], true: Array, false: Array,
    missing_true: Array,
) -> tuple[Forest, dict[tuple[int, int], int]]:  # fmt: skip
    """A forest without weights from nodes that are numbered per tree, and the position of each node."""
    pairs = list(zip(trees.tolist(), ids.tolist(), strict=True))
    positions = {pair: position for position, pair in enumerate(pairs)}
    codes = np.array([MODES.index(mode) for mode in modes], np.int32)
    own = np.arange(len(pairs), dtype=np.int32)
    leaf = codes == MODES.index("LEAF")

    def positions_of(to: Array) -> Array:
        follower = own.copy()
        follower[~leaf] = [positions[pair] for pair in zip(trees[~leaf].tolist(), to[~leaf].tolist(), strict=True)]
        return follower

    to_true, to_false = positions_of(true), positions_of(false)
    children = {*to_true[~leaf].tolist(), *to_false[~leaf].tolist()}
    roots = np.array([i for i in own if i not in children], np.int32)
    missing = missing_true if len(missing_true) else np.zeros(len(pairs), np.int32)
    none = np.zeros((len(pairs), 0))
    forest = Forest(features.astype(np.int32), thresholds, codes, to_true, to_false, missing, none, none, roots)
    return forest, positions


def with_weights(
    forest: Forest, positions: dict[tuple[int, int], int], trees: Array, ids: Array, targets: Array, weights: Array,
    count: int, absent: float = 0.0,
) -> Forest:  # fmt: skip
    """The forest with its leaves' scores; ``absent`` is the score of a target that a leaf doesn't define."""
    rows = np.array([positions[pair] for pair in zip(trees.tolist(), ids.tolist(), strict=True)])
    table, defined = np.zeros((len(forest.modes), count)), np.zeros((len(forest.modes), count), bool)
    np.add.at(table, (rows, targets), weights)
    defined[rows, targets] = True
    return replace(forest, weights=np.where(defined, table, absent), defined=defined)
