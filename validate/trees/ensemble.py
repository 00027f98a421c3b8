"""The neutral form of an ensemble of trees, and what it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .readers.links import Link
from .tree import SplitTest, Tree, narrow

if TYPE_CHECKING:
    import numpy.typing as npt

    from .tree import Floats, Ints


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Trees whose leaves are summed into ``targets`` columns; ``test`` is the test of every inner node.

    ``single`` says that features are rounded to float32 before they are compared, ``missing`` that NaN is a legal
    value and ``infinite`` that infinities are. ``direct`` means that the features are the model's own input columns, in
    their order; otherwise something comes before. ``columns`` maps the features of a member that reads only some of
    them to those of the whole. ``constants`` of the trees are none of the library's own, but what the sum begins with.
    ``outside`` are sentences about what isn't part of the trees. ``link`` is the function of the sums that a library
    which adds in float32 predicts; None for any other.
    """

    trees: tuple[Tree, ...]
    targets: int = 1
    test: SplitTest = SplitTest.AT_MOST
    name: str = ""
    single: bool = False
    missing: bool = True
    infinite: bool = False
    direct: bool = True
    constants: int = 0
    columns: tuple[int, ...] = ()
    outside: tuple[str, ...] = ()
    link: Link | None = None

    def with_values(self, change: Callable[[Floats], Floats]) -> Ensemble:
        """The same ensemble with the leaves' values changed."""
        return replace(self, trees=tuple(replace(tree, value=change(tree.value)) for tree in self.trees))


@dataclass(frozen=True, slots=True)
class Reading:
    """The ensembles of a model in their order, and sentences about those that could not be read."""

    ensembles: tuple[Ensemble, ...] = ()
    notes: tuple[str, ...] = ()


def exact_sums(ensemble: Ensemble, x: npt.NDArray[Any]) -> Floats:
    """The sums of the leaves that the rows ``x`` (n, features) reach, in double, (n, targets).

    A sum of float32 leaves in double is exact to 2**-53 per tree, which is nothing next to a sum in float32.
    """
    sums = np.zeros((len(x), ensemble.targets))
    for tree, reached in zip(ensemble.trees, leaves_reached(ensemble, x), strict=True):
        sums[:, tree.target : tree.target + tree.value.shape[1]] += tree.value[reached]
    return sums


def leaves_reached(ensemble: Ensemble, x: npt.NDArray[Any]) -> Iterator[Ints]:
    """For each tree the node where each of the rows ``x`` (n, features) ends, int64 (n,)."""
    with np.errstate(over="ignore"):
        rows = np.asarray(x, np.float32 if ensemble.single else np.float64)
    for tree in ensemble.trees:
        yield _descend(tree, _limits(tree, ensemble), rows, at_most=ensemble.test is SplitTest.AT_MOST)


def _limits(tree: Tree, ensemble: Ensemble) -> npt.NDArray[Any]:
    return narrow(tree.threshold, ensemble.test) if ensemble.single else tree.threshold


def _descend(tree: Tree, limits: npt.NDArray[Any], rows: npt.NDArray[Any], *, at_most: bool) -> Ints:
    node, every = np.zeros(len(rows), np.int64), np.arange(len(rows))
    while (inside := tree.left[node] >= 0).any():
        value = rows[every, np.where(inside, tree.feature[node], 0)]
        holds = value <= limits[node] if at_most else value < limits[node]
        goes_left = np.where(np.isnan(value), tree.missing_left[node], holds)
        node = np.where(inside, np.where(goes_left, tree.left[node], tree.right[node]), node)
    return node
