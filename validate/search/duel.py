"""A candidate against a reference that answers from another process: what each feed's outputs differ by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from .differences import Measure
from .population import Population

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = list[dict[str, Array]]
    Answer = Callable[[Sequence[Feed]], Outputs | None]


@dataclass(frozen=True, slots=True)
class Duel:
    """``reference`` gives None where it fails; ``candidate`` takes the reference's answers too, and may raise.

    ``snapped`` moves values to those that the candidate's images can stand for.
    """

    population: Population
    reference: Answer
    candidate: Callable[[Sequence[Feed], Outputs], Outputs]
    measure: Measure
    snapped: Callable[[Feed], Feed]
    going: Callable[[], bool]

    def scores(self, feeds: Sequence[Feed]) -> list[float]:
        """How far the two are apart on each feed; infinite where the candidate alone fails, -infinite where both do.

        Where a batch fails, its halves are tried, until the feed is found that can't be run.
        """
        feeds = [self.snapped(feed) for feed in feeds]
        found = self._of_batch(feeds)
        if found is not None:
            return found
        if len(feeds) == 1:
            return [-math.inf]
        if not self.going():
            return [-math.inf] * len(feeds)
        half = len(feeds) // 2
        return self.scores(feeds[:half]) + self.scores(feeds[half:])

    def _of_batch(self, feeds: Sequence[Feed]) -> list[float] | None:
        asked = self.population.together(feeds)
        expected = self.reference(asked)
        if expected is None:
            return None
        try:
            actual = self.candidate(asked, expected)
        except ParityGateError:
            return [math.inf] if len(feeds) == 1 else None
        wants, gots = (self.population.apart(outputs, len(feeds)) for outputs in (expected, actual))
        if wants is None or gots is None:  # an output without rows: each feed must be asked alone
            wants, gots = (expected, actual) if len(feeds) == 1 else (None, None)
        if wants is None or gots is None:
            return None
        return [_finite(self.measure.of(want, got)) for want, got in zip(wants, gots, strict=True)]


def _finite(value: float) -> float:
    return -math.inf if np.isnan(value) else value
