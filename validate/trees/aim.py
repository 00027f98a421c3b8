"""Rows that reach leaves which other rows don't: the path to a leaf is solved, feature by feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .ensemble import Ensemble, leaves_reached
from .normal import Domain, NormalTree, counts, normal_tree, number_of
from .overlay import Interval, sides_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Rows = npt.NDArray[Any]
    Leaf = tuple[int, int, int]

MOST_ROWS = 512
"""Rows that are made at most; one often reaches new leaves of several trees."""

_AT_ONCE = 64


def rows_for_leaves(ensembles: Sequence[Ensemble], rows: Rows, most: int = MOST_ROWS) -> Rows:
    """Up to ``most`` rows (n, features) of the dtype of ``rows`` (float32 or float64) that reach further leaves.

    What a path leaves open is taken from one of ``rows``, so that the new ones look like these.
    """
    unreached = dict.fromkeys(_unreached(ensembles, rows))
    found: list[Rows] = []
    while unreached and sum(map(len, found)) < most:
        aimed = list(unreached)[:_AT_ONCE]
        for leaf in aimed:
            del unreached[leaf]
        made = [row for n, leaf in enumerate(aimed) if (row := _row(ensembles, leaf, rows[n % len(rows)])) is not None]
        if made:
            found.append(np.stack(made)[: most - sum(map(len, found))])
            for leaf in _reached(ensembles, found[-1]):
                unreached.pop(leaf, None)
    return np.concatenate(found) if found else rows[:0]


def _reached(ensembles: Sequence[Ensemble], rows: Rows) -> Iterator[Leaf]:
    for number, ensemble in enumerate(ensembles):
        for place, nodes in enumerate(leaves_reached(ensemble, rows)):
            yield from ((number, place, node) for node in np.unique(nodes).tolist())


def _unreached(ensembles: Sequence[Ensemble], rows: Rows) -> Iterator[Leaf]:
    reached = set(_reached(ensembles, rows))
    for number, ensemble in enumerate(ensembles):
        for place, tree in enumerate(ensemble.trees):
            for node in np.flatnonzero(tree.left < 0).tolist():
                if (number, place, node) not in reached:
                    yield number, place, node


def _row(ensembles: Sequence[Ensemble], leaf: Leaf, like: Rows) -> Rows | None:
    """``like``, changed as little as the path to a leaf asks; None where no number gets there."""
    number, place, node = leaf
    ensemble = ensembles[number]
    dtype = "float32" if ensemble.single or like.dtype == np.float32 else "float64"
    domain = Domain(dtype, missing=ensemble.missing)
    box = _box(normal_tree(ensemble.trees[place], ensemble.test, dtype), node, domain)
    if any(part.empty for part in box.values()):
        return None
    row = like.copy()
    for feature, part in box.items():
        row[feature] = _within(part, float(row[feature]), domain)
    return row


def _box(tree: NormalTree, node: int, domain: Domain) -> dict[int, Interval]:
    """The interval of each feature on the path to a node of the original tree."""
    place = int(np.flatnonzero(tree.node == node)[0])
    path = [place]
    while path[-1]:
        above = np.flatnonzero((tree.left == path[-1]) | (tree.right == path[-1]))
        path.append(int(above[0]))
    box: dict[int, Interval] = {}
    for parent, child in zip(path[:0:-1], path[-2::-1], strict=True):
        feature = int(tree.feature[parent])
        whole = box.get(feature, Interval(*domain.ends, domain.missing))
        left, right = sides_of(whole, int(tree.limit[parent]), to_left=bool(tree.missing_left[parent]))
        box[feature] = left if tree.left[parent] == child else right
    return box


def _within(part: Interval, value: float, domain: Domain) -> float:
    """The number of an interval that is nearest to ``value``; NaN where it holds no number."""
    if part.low > part.high:
        return float("nan")
    if np.isnan(value):
        return value if part.missing else _within(part, 0.0, domain)
    count = int(counts(np.array([value]), domain.dtype)[0])
    return number_of(min(max(count, part.low), part.high), domain.dtype)
