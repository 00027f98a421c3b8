"""Hill climbing: keep the best few, change them, keep the best few of both, until the time is up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .box import Box, child, mutant

if TYPE_CHECKING:
    import numpy as np

    from ..signature import Feed

_PARENTS = 8
_CROSSED = 0.25


@dataclass(frozen=True, slots=True)
class Climbed:
    """The best feed and what it scores, what the best of the start scored, and how many feeds were tried."""

    best: Feed
    value: float
    start: float
    tried: int


def climb(
    start: Sequence[Feed],
    score: Callable[[Sequence[Feed]], Sequence[float]],
    box: Box,
    random: np.random.Generator,
    *,
    size: int,
    going: Callable[[], bool],
) -> Climbed:
    """Look for a feed with a higher score than those of ``start``, ``size`` new ones a round, while ``going()``.

    A score is finite, infinite for a feed that can't be beaten (which ends the search), or -infinite for one that
    could not be run. Equal scores go to the newer feed, so that plateaus are crossed.
    """
    parents = _best([*zip(score(start), start, strict=True)])
    first, tried = parents[0][0], len(start)
    while going() and parents[0][0] < math.inf:
        children = [_next([feed for _, feed in parents], box, random) for _ in range(size)]
        parents = _best([*zip(score(children), children, strict=True), *parents])
        tried += size
    return Climbed(parents[0][1], parents[0][0], first, tried)


def _best(scored: list[tuple[float, Feed]]) -> list[tuple[float, Feed]]:
    return sorted(scored, key=lambda each: -each[0])[:_PARENTS]


def _next(parents: Sequence[Feed], box: Box, random: np.random.Generator) -> Feed:
    mother, father = (parents[int(random.integers(len(parents)))] for _ in range(2))
    crossed = child(mother, father, random) if random.random() < _CROSSED else mother
    return mutant(crossed, box, random)
