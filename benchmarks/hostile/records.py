"""What happened to the files, as values that are kept as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

UNSAFE = 5


class Outcome(StrEnum):
    """What became of a file, the worst first."""

    EXECUTED = "executed"
    REFUSED = "refused as unsafe"
    DAMAGED = "refused as damaged or unusable"
    UNHARMED = "read, no harm"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One command on one file: its exit status (None: it had to be killed) and code, and the harm that was seen.

    ``bug`` is the line in which the file was called a bug of paritygate, "" if it wasn't.
    """

    name: str
    format: str
    command: str
    status: int | None
    code: str
    seconds: float
    harm: tuple[str, ...] = ()
    bug: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """All commands on one file."""

    attempts: tuple[Attempt, ...]

    @property
    def name(self) -> str:
        """The file's."""
        return self.attempts[0].name

    @property
    def format(self) -> str:
        """The row of the table that it is counted in."""
        return self.attempts[0].format

    @property
    def outcome(self) -> Outcome:
        """The worst of what happened; a file that some command refuses as unsafe is refused."""
        statuses = {attempt.command: attempt.status for attempt in self.attempts}
        if any(attempt.harm for attempt in self.attempts):
            return Outcome.EXECUTED
        if UNSAFE in statuses.values():
            return Outcome.REFUSED
        return Outcome.DAMAGED if statuses.get("run", statuses.get("inspect")) else Outcome.UNHARMED

    @property
    def called_a_bug(self) -> bool:
        """Whether a command said so, printed a traceback, or had to be killed."""
        return any(attempt.bug for attempt in self.attempts)


def read(path: Path) -> Iterator[Attempt]:
    """What an earlier run has noted; none without a file."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        entry = json.loads(line)
        yield Attempt(**{**entry, "harm": tuple(entry["harm"])})


def append(path: Path, attempt: Attempt) -> None:
    """Note one more, so that a run that is stopped can go on."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(attempt)) + "\n")


def trials(attempts: Iterable[Attempt]) -> list[Trial]:
    """The attempts by file."""
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.name, []).append(attempt)
    return [Trial(tuple(group)) for group in found.values()]


def by_format(tried: Iterable[Trial], order: Iterable[str]) -> dict[str, list[Trial]]:
    """The trials of each format, in that order of formats."""
    found: dict[str, list[Trial]] = {name: [] for name in order}
    for trial in tried:
        found[trial.format].append(trial)
    return {name: group for name, group in found.items() if group}


def counts(tried: Sequence[Trial]) -> list[int]:
    """How many files had each outcome, in the order of :class:`Outcome`."""
    return [sum(trial.outcome is outcome for trial in tried) for outcome in Outcome]
