"""How a gate uses the cache: what it has proved before, and what it proves now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...validate.errors import ParityGateError
from ...validate.report.types import Verdict
from ..work import Produced
from .keys import key_of, surroundings
from .store import Store

if TYPE_CHECKING:
    from ...validate.report.report import Report
    from ...validate.report.user_checks import Waiver
    from ..plan import Planned

_LASTING = (Verdict.PASS, Verdict.FAIL)
"""The verdicts that are kept. An inconclusive one may be the machine's fault, and an error is never kept."""


class Memory(Protocol):
    """What a run asks, and tells."""

    def recall(self, entry: Planned, folder: Path) -> Produced | None:
        """What the same work came to before, its proved file in the new ``folder``; None if that isn't known."""

    def remember(self, entry: Planned, produced: Produced) -> None:
        """Keep what work came to, where it would come to the same again."""

    def expected(self, plan: Sequence[Planned]) -> dict[tuple[str, str], float]:
        """(model, target) -> the seconds that an entry took last, where that is known."""


class Forgetful:
    """No cache."""

    def recall(self, entry: Planned, folder: Path) -> Produced | None:
        """Nothing is known."""
        return None

    def remember(self, entry: Planned, produced: Produced) -> None:
        """Nothing is kept."""

    def expected(self, plan: Sequence[Planned]) -> dict[tuple[str, str], float]:
        """Nothing is known."""
        return {}


@dataclass(frozen=True, slots=True)
class Remembered:
    """The cache in ``store``, for a config with these ``waivers``, on the day ``today``."""

    store: Store
    waivers: Sequence[Waiver]
    today: date
    _before: dict[str, str | None] = field(default_factory=dict)

    def knows(self, entry: Planned) -> bool:
        """Whether the entry's work was done before, as far as a plan needs to know."""
        key = self._key(entry)
        return key is not None and self.store.has(key)

    def seconds(self, entry: Planned) -> float | None:
        """How long the entry took last; None if it isn't known."""
        return self.store.duration(_name(entry))

    def expected(self, plan: Sequence[Planned]) -> dict[tuple[str, str], float]:
        """(model, target) -> the seconds that an entry took last, where that is known."""
        found = {(entry.model, entry.target): self.seconds(entry) for entry in plan}
        return {name: seconds for name, seconds in found.items() if seconds is not None}

    def recall(self, entry: Planned, folder: Path) -> Produced | None:
        """What the same work came to before; damaged entries are removed and count as unknown."""
        key = self._before[_name(entry)] = self._key(entry)
        stored = None if key is None else self.store.get(key)
        if key is None or stored is None or _lacks_repro(stored.report):
            return None
        artifact = self.store.take_artifact(key, stored, folder) if stored.artifact else None
        if (artifact is None) == stored.report.passed:
            return None
        inputs = tuple(map(Path, stored.inputs))
        return Produced(stored.report, artifact=artifact, inputs=inputs, seconds=stored.seconds, cached=True)

    def remember(self, entry: Planned, produced: Produced) -> None:
        """Keep a verdict, unless the files have changed meanwhile. Raises OSError."""
        self.store.note_duration(_name(entry), produced.seconds)
        report = produced.report
        if report is None or report.verdict not in _LASTING or not _is_like_here(produced):
            return
        key = self._key(entry)
        if key is not None and key == self._before.get(_name(entry)):
            self.store.put(key, report, produced.artifact, produced.inputs, produced.seconds)

    def _key(self, entry: Planned) -> str | None:
        try:
            return key_of(entry, self.waivers, self.today)
        except (OSError, ParityGateError):
            return None  # the entry's own work will say what is wrong with the file


def _is_like_here(produced: Produced) -> bool:
    """Whether this machine would come to the same: another one's failure has no repro that is left here."""
    there = produced.surroundings
    return not there or (there == surroundings() and produced.artifact is not None)


def _name(entry: Planned) -> str:
    return f"{entry.source}\0{entry.output}\0{entry.target}"


def _lacks_repro(report: Report) -> bool:
    """Whether a failure's repro has been deleted: doing the work again makes a new one."""
    return (
        report.divergence is not None and bool(report.divergence.repro) and not Path(report.divergence.repro).exists()
    )
