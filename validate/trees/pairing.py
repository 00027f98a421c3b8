"""Which ensemble, and which tree of it, is which of the other model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .tree import Tree

if TYPE_CHECKING:
    from .ensemble import Ensemble
    from .normal import Domain, NormalTree

Splits = Counter[tuple[int, int]]
"""How often each (feature, limit) is there."""

_MOST_COMPARED = 4096

MAJORITY = 0.5
"""The share of splits that two ensembles must have in common to be taken for the same."""


def pair_ensembles(ones: Sequence[Sequence[NormalTree]], others: Sequence[Sequence[NormalTree]]) -> dict[int, int]:
    """Places of ensembles that have enough splits in common, best first: in their order if that pairs all of them."""
    first, second = ([_splits(trees) for trees in side] for side in (ones, others))
    in_order = zip(first, second, strict=False)
    if len(first) == len(second) and all(_likeness(*pair) >= MAJORITY for pair in in_order):
        return {n: n for n in range(len(first))}
    if len(first) * len(second) > _MOST_COMPARED:
        return {}
    alike = {(n, m): _likeness(one, other) for n, one in enumerate(first) for m, other in enumerate(second)}
    found: dict[int, int] = {}
    for one, other in sorted(alike, key=lambda pair: (-alike[pair], abs(pair[0] - pair[1]), pair)):
        if alike[one, other] >= MAJORITY and one not in found and other not in found.values():
            found[one] = other
    return found


def _likeness(one: Splits, other: Splits) -> float:
    """The share of splits (feature and limit) that two ensembles have in common; 1 where neither has any."""
    most = max(one.total(), other.total())
    return (one & other).total() / most if most else 1.0


def _splits(trees: Sequence[NormalTree]) -> Splits:
    found: Splits = Counter()
    for tree in trees:
        inner = tree.left >= 0
        found.update(zip(tree.feature[inner].tolist(), tree.limit[inner].tolist(), strict=True))
    return found


def pair_trees(
    ones: Sequence[NormalTree], others: Sequence[NormalTree], domain: Domain
) -> Iterator[tuple[int | None, int | None]]:
    """Places of trees that belong together: those with the same splits, by their order; then the rest by its order.

    None stands for a tree that one side has more of.
    """
    keys_one, keys_other = ([tree.key(domain) for tree in side] for side in (ones, others))
    same = {n for n, (one, other) in enumerate(zip(keys_one, keys_other, strict=False)) if one == other}
    yield from ((n, n) for n in sorted(same))
    left_one = [n for n in range(len(ones)) if n not in same]
    waiting: dict[bytes, list[int]] = {}
    for n in reversed([n for n in range(len(others)) if n not in same]):
        waiting.setdefault(keys_other[n], []).append(n)
    rest = []
    for n in left_one:
        if waiting.get(keys_one[n]):
            yield n, waiting[keys_one[n]].pop()
        else:
            rest.append(n)
    others_left = sorted(n for each in waiting.values() for n in each)
    for place in range(max(len(rest), len(others_left))):
        one = rest[place] if place < len(rest) else None
        yield one, others_left[place] if place < len(others_left) else None


def by_target(ensemble: Ensemble) -> tuple[Ensemble, ...]:
    """One ensemble per target, for a format whose ensembles give a single number."""
    return tuple(replace(ensemble, trees=tuple(_parts(ensemble.trees, t)), targets=1) for t in range(ensemble.targets))


def _parts(trees: Sequence[Tree], target: int) -> Iterator[Tree]:
    for tree in trees:
        column = target - tree.target
        if 0 <= column < tree.value.shape[1]:
            yield replace(tree, value=tree.value[:, column : column + 1], target=0)


def merged(ensembles: Sequence[Ensemble]) -> Ensemble | None:
    """The members of an averaging ensemble as one, over the whole's features; None where they don't go together."""
    first = ensembles[0]
    if len({(each.targets, each.test, each.single) for each in ensembles}) > 1:
        return None
    trees = tuple(_over_whole(tree, each.columns) for each in ensembles for tree in each.trees)
    outside = tuple(dict.fromkeys(text for each in ensembles for text in each.outside))
    missing = any(each.missing for each in ensembles)
    constants = sum(each.constants for each in ensembles)
    return replace(first, trees=trees, columns=(), missing=missing, constants=constants, outside=outside)


def _over_whole(tree: Tree, columns: tuple[int, ...]) -> Tree:
    return replace(tree, feature=np.asarray(columns)[tree.feature]) if columns else tree
