"""Hill climbing with a population: keep the best feeds, change them, keep the best of both, until the time is up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .mutation import cross_over, mutate
from .space import SearchSpace

if TYPE_CHECKING:
    import numpy as np

    from ..signature import Feed

_PARENTS = 8
_CROSSED = 0.25


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best feed and its score, the best score at the start, and how many feeds were tried."""

    best: Feed
    score: float
    start_score: float
    tried: int


def hill_climb(
    start: Sequence[Feed],
    score: Callable[[Sequence[Feed]], Sequence[float]],
    space: SearchSpace,
    random: np.random.Generator,
    *,
    size: int,
    has_time: Callable[[], bool],
) -> SearchResult:
    """Look for a feed with a higher score than those of ``start``: ``size`` new ones per round, while there is time.

    A score is finite, infinite for a feed that can't be beaten (which ends the search), or -infinite for one that
    could not be run. Of equal scores the newer feed is kept, so that the search crosses plateaus.
    """
    parents = _best([*zip(score(start), start, strict=True)])
    start_score, tried = parents[0][0], len(start)
    while has_time() and parents[0][0] < math.inf:
        children = [_child([feed for _, feed in parents], space, random) for _ in range(size)]
        parents = _best([*zip(score(children), children, strict=True), *parents])
        tried += size
    return SearchResult(parents[0][1], parents[0][0], start_score, tried)


def _best(scored: list[tuple[float, Feed]]) -> list[tuple[float, Feed]]:
    return sorted(scored, key=lambda each: -each[0])[:_PARENTS]


def _child(parents: Sequence[Feed], space: SearchSpace, random: np.random.Generator) -> Feed:
    first, second = (parents[int(random.integers(len(parents)))] for _ in range(2))
    crossed = cross_over(first, second, random) if random.random() < _CROSSED else first
    return mutate(crossed, space, random)
