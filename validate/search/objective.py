"""The objective of the search: how much the outputs of reference and candidate differ on each feed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from .distance import OutputDistance
from .population import Population

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = list[dict[str, Array]]


@dataclass(frozen=True, slots=True)
class DifferenceObjective:
    """``reference`` runs in another process and gives None where it fails; ``candidate`` may raise.

    ``candidate`` is also given the reference's outputs, whose form its own take. ``snap`` moves values to those that
    the candidate's images can hold.
    """

    population: Population
    reference: Callable[[Sequence[Feed]], Outputs | None]
    candidate: Callable[[Sequence[Feed], Outputs], Outputs]
    distance: OutputDistance
    snap: Callable[[Feed], Feed]
    has_time: Callable[[], bool]

    def scores(self, feeds: Sequence[Feed]) -> list[float]:
        """The distance of the outputs on each feed; infinite where only the candidate fails, -infinite where both do.

        Where a batch fails, its halves are tried, until the feed is found that can't be run.
        """
        feeds = [self.snap(feed) for feed in feeds]
        found = self._scores_of_batch(feeds)
        if found is not None:
            return found
        if len(feeds) == 1:
            return [-math.inf]
        if not self.has_time():
            return [-math.inf] * len(feeds)
        half = len(feeds) // 2
        return self.scores(feeds[:half]) + self.scores(feeds[half:])

    def _scores_of_batch(self, feeds: Sequence[Feed]) -> list[float] | None:
        """None where the feeds must be run in smaller batches."""
        batch = self.population.batch(feeds)
        expected = self.reference(batch)
        if expected is None:
            return None
        try:
            actual = self.candidate(batch, expected)
        except ParityGateError:
            return [math.inf] if len(feeds) == 1 else None
        pairs = self._pairs(expected, actual, len(feeds))
        return None if pairs is None else [_number(self.distance.between(*pair)) for pair in pairs]

    def _pairs(
        self, expected: Outputs, actual: Outputs, count: int
    ) -> list[tuple[dict[str, Array], dict[str, Array]]] | None:
        """Both models' outputs for each feed; None where the outputs of several feeds can't be told apart."""
        references, candidates = (self.population.unbatch(outputs, count) for outputs in (expected, actual))
        if references is not None and candidates is not None:
            return list(zip(references, candidates, strict=True))
        return list(zip(expected, actual, strict=True)) if count == 1 else None


def _number(distance: float) -> float:
    return -math.inf if math.isnan(distance) else distance
