"""The proof of trees: what it must find, and what it must not call a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from paritygate.validate.trees.ensemble import Ensemble, Reading, exact_sums
from paritygate.validate.trees.proof import prove
from paritygate.validate.trees.tree import SplitTest, Tree
from paritygate.validate.trees.types import TreesProof

Change = Callable[[Tree], Tree]
FEATURES = 4


def random_tree(rng: np.random.Generator, depth: int = 4) -> Tree:
    """A tree that splits every node down to ``depth``, in preorder."""
    rows: list[list[float]] = []

    def grow(level: int) -> int:
        place = len(rows)
        rows.append([0, 0.0, -1, -1, 0, float(np.float32(rng.standard_normal()))])
        if level < depth:
            rows[place][:2] = [int(rng.integers(FEATURES)), float(rng.standard_normal())]
            rows[place][4] = int(rng.integers(2))
            rows[place][2], rows[place][3] = grow(level + 1), grow(level + 1)
        return place

    grow(0)
    table = np.array(rows)
    feature, left, right = (table[:, n].astype(np.int64) for n in (0, 2, 3))
    return Tree(feature, table[:, 1], left, right, table[:, 4] == 1, table[:, 5:])


def forest(seed: int = 0, trees: int = 8) -> Ensemble:
    rng = np.random.default_rng(seed)
    return Ensemble(tuple(random_tree(rng) for _ in range(trees)), name="forest")


def proof(one: Ensemble, other: Ensemble, *, single: bool = True, sampled: bool = True) -> TreesProof:
    found = prove(Reading((one,)), Reading((other,)), single=single, sampled=sampled)
    assert found is not None
    return found


def changed(ensemble: Ensemble, change: Change, place: int = 3) -> Ensemble:
    trees = list(ensemble.trees)
    trees[place] = change(trees[place])
    return replace(ensemble, trees=tuple(trees))


def reachable_leaf(ensemble: Ensemble, place: int = 3) -> int:
    """A leaf that plain numbers reach."""
    from paritygate.validate.trees.ensemble import leaves_reached

    rows = np.random.default_rng(5).standard_normal((200, FEATURES)).astype(np.float32)
    return int(list(leaves_reached(ensemble, rows))[place][0])


def with_leaf(by: float) -> Change:
    def change(tree: Tree) -> Tree:
        value = tree.value.copy()
        value[reachable_leaf(forest())] += by
        return replace(tree, value=value)

    return change


def with_threshold(to: Callable[[float], float]) -> Change:
    return lambda tree: replace(tree, threshold=np.append(to(tree.threshold[0]), tree.threshold[1:]))


def with_feature(tree: Tree) -> Tree:
    return replace(tree, feature=np.append((tree.feature[0] + 1) % FEATURES, tree.feature[1:]))


def swapped(tree: Tree) -> Tree:
    left, right = tree.left.copy(), tree.right.copy()
    left[0], right[0] = right[0], left[0]
    return replace(tree, left=left, right=right)


def with_missing(tree: Tree) -> Tree:
    return replace(tree, missing_left=np.append(~tree.missing_left[0], tree.missing_left[1:]))


def above(number: float) -> float:
    return float(np.nextafter(np.float32(number), np.float32(np.inf)))


FAULTS: dict[str, tuple[Change, str]] = {
    "a leaf": (with_leaf(0.01), "leaf"),
    "a threshold, by one number of float32": (with_threshold(lambda t: above(above(t))), "threshold"),
    "a feature": (with_feature, "feature"),
    "swapped children": (swapped, ""),
    "the way of missing values": (with_missing, "missing direction"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_an_input_that_shows_it(name: str) -> None:
    change, part = FAULTS[name]
    reference, candidate = forest(), changed(forest(), change)
    found = proof(reference, candidate)
    assert (found.proved, found.differing) == (7, 1)
    first = found.differences[0]
    assert first.tree == 3
    assert not part or first.part == part
    row = np.zeros((1, FEATURES), np.float32)
    for column, value in first.inputs:
        row[0, column] = value
    sums = exact_sums(reference, row)[0, 0], exact_sums(candidate, row)[0, 0]
    assert sums == pytest.approx(first.sums)
    assert abs(sums[0] - sums[1]) > 1e-3


HARMLESS: dict[str, Change] = {
    "a threshold, by one number of float64": with_threshold(lambda t: float(np.nextafter(t, np.inf))),
    "a threshold as the float32 below it": with_threshold(lambda t: float(np.nextafter(np.float32(t), np.float32(-9)))
                                                          if np.float32(t) > t else float(np.float32(t))),
    "leaves in another order of nodes": lambda tree: renumbered(tree),
    "a split that sends everything to one side": lambda tree: grafted(tree),
}  # fmt: skip


def renumbered(tree: Tree) -> Tree:
    """The same tree, its nodes but the root in reverse order."""
    order = np.concatenate([[0], np.arange(len(tree.left))[:0:-1]])
    place = np.argsort(order)
    left, right = (np.where(side[order] < 0, -1, place[side[order]]) for side in (tree.left, tree.right))
    return Tree(tree.feature[order], tree.threshold[order], left, right, tree.missing_left[order], tree.value[order])


def grafted(tree: Tree) -> Tree:
    """The same tree below a root whose right side nothing reaches."""
    shifted = [np.where(side < 0, -1, side + 1) for side in (tree.left, tree.right)]
    last = len(tree.left) + 1
    return Tree(
        np.concatenate([[0], tree.feature, [0]]),
        np.concatenate([[np.inf], tree.threshold, [0.0]]),
        np.concatenate([[1], shifted[0], [-1]]),
        np.concatenate([[last], shifted[1], [-1]]),
        np.concatenate([[True], tree.missing_left, [False]]),
        np.concatenate([[[0.0]], tree.value, [[1e6]]]),
    )


@pytest.mark.parametrize("name", HARMLESS)
def test_another_form_of_the_same_tree_is_proved_equal(name: str) -> None:
    found = proof(forest(), changed(forest(), HARMLESS[name]))
    assert (found.proved, found.trees, found.differences) == (8, 8, ())


def test_the_same_threshold_change_counts_for_doubles() -> None:
    """One number of float64 more goes left: no float32 input shows it, a float64 input does."""
    candidate = changed(forest(), with_threshold(lambda t: float(np.nextafter(t, np.inf))))
    assert proof(forest(), candidate, single=True).differing == 0
    assert proof(forest(), candidate, single=False).differing == 1


def below(tree: Tree) -> Tree:
    """``x < t'`` for ``x <= t``: t' is the next number of float32."""
    at_most = np.float32(tree.threshold)
    lower = np.where(at_most > tree.threshold, np.nextafter(at_most, np.float32(-np.inf)), at_most)
    return replace(tree, threshold=np.nextafter(lower, np.float32(np.inf)).astype(np.float64))


EQUAL: dict[str, Callable[[Ensemble], Ensemble]] = {
    "less instead of less or equal": lambda e: replace(
        e, trees=tuple(map(below, e.trees)), test=SplitTest.BELOW, single=True
    ),
    "another order of trees": lambda e: replace(e, trees=e.trees[::-1]),
    "leaves divided by the number of trees": lambda e: replace(
        e, trees=tuple(replace(tree, value=np.float32(tree.value / 8).astype(float)) for tree in e.trees)
    ),
    "a constant in each tree and its opposite in the base": lambda e: replace(
        e, trees=(*(replace(tree, value=tree.value + 0.5) for tree in e.trees), Tree.constant([-4.0]))
    ),
    "one column as two of opposite signs": lambda e: replace(
        e, trees=tuple(replace(tree, value=np.hstack([-tree.value, tree.value])) for tree in e.trees), targets=2
    ),
    "each leaf in two parts": lambda e: replace(
        e,
        trees=tuple(replace(t, value=np.hstack([t.value.round(1), t.value - t.value.round(1)])) for t in e.trees),
        targets=2,
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_another_form_of_the_ensemble_is_proved_equal(name: str) -> None:
    found = proof(forest(), EQUAL[name](forest()))
    assert (found.proved, found.differences, found.outside) == (8, (), ())


def test_a_base_that_differs_is_left_to_the_samples() -> None:
    candidate = replace(forest(), trees=(*forest().trees, Tree.constant([0.25])))
    found = proof(forest(), candidate)
    assert (found.proved, found.differences) == (8, ())
    assert found.outside == ("the constants that are added to every row, 0 and 0.25",)


def test_a_tree_that_is_missing_is_a_difference() -> None:
    found = proof(forest(), replace(forest(), trees=forest().trees[:-1]))
    assert found.differing == 1
    assert found.differences[0].tree == 7


def test_other_trees_are_no_alarm() -> None:
    """Nothing in common: what the candidate has may be another form that isn't understood."""
    found = proof(forest(0), forest(1))
    assert (found.proved, found.differences) == (0, ())
    assert found.outside == ("the candidate has no ensemble with the same splits",)


def test_missing_values_decide_only_where_samples_have_some() -> None:
    candidate = changed(forest(), with_missing)
    assert proof(forest(), candidate, sampled=True).differing == 1
    found = proof(forest(), candidate, sampled=False)
    assert (found.proved, found.domain) == (8, "finite float32 inputs")
    assert found.outside == ("missing values (NaN), which the candidate's trees send another way",)


def test_missing_values_behind_another_step_are_no_alarm() -> None:
    reference = replace(forest(), direct=False)
    assert proof(reference, changed(forest(), with_missing)).differences == ()


@pytest.mark.parametrize("seed", range(20))
def test_random_faults_are_found_and_random_forests_are_equal(seed: int) -> None:
    """Any leaf that an input reaches: the change must show, and nothing else may."""
    rng = np.random.default_rng(seed)
    reference = forest(seed, trees=5)
    assert proof(reference, reference).proved == 5
    place, node = int(rng.integers(5)), 0
    leaves = np.flatnonzero(reference.trees[place].left < 0)
    node = int(rng.choice(leaves))

    def change(tree: Tree) -> Tree:
        value = tree.value.copy()
        value[node] += 1.0
        return replace(tree, value=value)

    found = proof(reference, changed(reference, change, place))
    reached = np.linspace(-4, 4, 41)
    grid = np.stack(np.meshgrid(*[reached] * FEATURES, indexing="ij"), -1).reshape(-1, FEATURES)[::7]
    from paritygate.validate.trees.ensemble import leaves_reached

    if node in list(leaves_reached(reference, grid.astype(np.float32)))[place]:
        assert [(each.tree, each.node) for each in found.differences] == [(place, node)]
    assert found.differing <= 1
