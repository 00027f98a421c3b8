"""The frozen form of trees: narrowed thresholds, unreachable nodes, splits on sets; and the links."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paritygate.convert.routes.sklearn.onnx.estimators.ensembles.links import LINKS
from paritygate.validate.trees.readers.categories import SetSplit, tabulate
from paritygate.validate.trees.readers.links import Link, to_score
from paritygate.validate.trees.tree import SplitTest, Tree, narrow, reachable

FLOAT32 = st.floats(width=32, allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(x=FLOAT32, t=st.one_of(st.floats(allow_nan=False), FLOAT32))
def test_narrow_keeps_every_decision(x: float, t: float) -> None:
    """For every float32 x and double t; and for the neighbours of t, the critical values."""
    threshold = np.array([t])
    with np.errstate(over="ignore"):
        near = np.float32(t)
        beside = [np.nextafter(near, np.float32(side)) for side in (np.inf, -np.inf)]
    for value in map(float, (x, near, *beside)):
        assert (value <= narrow(threshold, SplitTest.AT_MOST)[0]) == (value <= t)
        assert (value < narrow(threshold, SplitTest.BELOW)[0]) == (value < t)


def test_reachable_drops_nodes_that_the_root_does_not_lead_to() -> None:
    left, right = np.array([3, -1, -1, -1, 6, -1, -1]), np.array([4, -1, -1, -1, 1, -1, -1])
    dirty = Tree(np.arange(7), np.arange(7.0), left, right, left > 3, np.arange(7.0).reshape(-1, 1), 2)
    clean = reachable(dirty)
    assert clean.value.ravel().tolist() == [0, 3, 4, 6, 1]
    assert clean.left.tolist() == [1, -1, 3, -1, -1]
    assert clean.right.tolist() == [2, -1, 4, -1, -1]
    assert clean.target == 2


def test_set_splits_become_columns_once_for_equal_sets() -> None:
    """Two splits of feature 0 have the same test, one has another; feature 2 has one test."""
    blank = Tree.constant([0.0])
    trees = [blank, blank, blank, blank]
    even, low = np.array([True, False, True]), np.array([True, False, False])
    splits = [SetSplit(0, 0, 0, even), SetSplit(1, 0, 0, low), SetSplit(2, 0, 0, even), SetSplit(3, 0, 2, low)]
    changed, tables = tabulate(trees, splits, 5)
    columns = [int(tree.feature[0]) for tree in changed]
    assert columns[0] == columns[2] != columns[1]
    assert columns[3] == 7
    assert tables[0][:, columns[0] - 5].tolist() == [1, 0, 1]
    assert tables[2].ravel().tolist() == [1, 0, 0]
    assert blank.feature.tolist() == [0], "the given trees stay as they are"


def test_every_link_has_an_onnx_translation() -> None:
    assert set(LINKS) == set(Link)


@pytest.mark.parametrize(
    ("link", "score"), [(Link.EXPONENTIAL, np.log(0.25)), (Link.SIGMOID, np.log(1 / 3)), (Link.STEP, 0.25)]
)
def test_a_base_score_is_on_the_scale_of_the_sum(link: Link, score: float) -> None:
    np.testing.assert_allclose(to_score(link, np.array([0.25])), [score], rtol=1e-15)
