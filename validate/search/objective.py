"""The objective of the search: how much the outputs of reference and candidate differ on each feed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from .distance import OutputDistance
from .population import Population

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = list[dict[str, Array]]


@dataclass(slots=True)
class WorstRun:
    """The feeds, run together, on which the outputs differed most so far: a fault may need all rows of a batch."""

    score: float = -math.inf
    feeds: tuple[Feed, ...] = ()

    def note(self, score: float, feeds: Sequence[Feed]) -> None:
        """Remember these feeds if they are worse."""
        if score > self.score:
            self.score, self.feeds = score, tuple(feeds)


@dataclass(frozen=True, slots=True)
class DifferenceObjective:
    """``reference`` runs in another process and gives None where it fails; ``candidate`` may raise.

    ``candidate`` is also given the reference's outputs, whose form its own take. ``snap`` moves values to those that
    the candidate's images can hold. ``worst`` keeps the run with the greatest difference.
    """

    population: Population
    reference: Callable[[Sequence[Feed]], Outputs | None]
    candidate: Callable[[Sequence[Feed], Outputs], Outputs]
    distance: OutputDistance
    snap: Callable[[Feed], Feed]
    has_time: Callable[[], bool]
    worst: WorstRun = field(default_factory=WorstRun)

    def scores(self, feeds: Sequence[Feed]) -> list[float]:
        """The distance of the outputs on each feed; infinite where only the candidate fails, -infinite where both do.

        Where the feeds can't be scored one by one from a batch, its halves are tried, down to single feeds.
        """
        feeds = [self.snap(feed) for feed in feeds]
        found = self._score_batch(feeds)
        if isinstance(found, list):
            self._note(found, feeds)
            return found
        if len(feeds) == 1 or self.population.batched:
            self.worst.note(found, feeds)
        if len(feeds) == 1:
            return [found]
        if not self.has_time():
            return [-math.inf] * len(feeds)
        half = len(feeds) // 2
        return self.scores(feeds[:half]) + self.scores(feeds[half:])

    def _note(self, scores: Sequence[float], feeds: Sequence[Feed]) -> None:
        """A batch is one run, feeds without a batch axis are run one by one."""
        if self.population.batched:
            self.worst.note(max(scores), feeds)
            return
        for score, feed in zip(scores, feeds, strict=True):
            self.worst.note(score, [feed])

    def _score_batch(self, feeds: Sequence[Feed]) -> list[float] | float:
        """The score of each feed, or that of the batch as a whole where its outputs don't tell the feeds apart."""
        batch = self.population.batch(feeds)
        expected = self.reference(batch)
        if expected is None:
            return -math.inf
        try:
            actual = self.candidate(batch, expected)
        except ParityGateError:
            return math.inf
        pairs = self._pairs(expected, actual, len(feeds))
        if pairs is None:
            return _number(self.distance.between(expected[0], actual[0]))
        return [_number(self.distance.between(*pair)) for pair in pairs]

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
