"""What a command that judges came to: an entry per model and target. Every report format renders a document.

``convert`` and ``validate`` make one of a single entry, ``gate`` one of many. Importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import ExitCode, ParityGateError
from .report import Report


class Status(StrEnum):
    """What became of one model and target: a verdict, or no verdict because of an error."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Change(StrEnum):
    """How an entry stands to the one of the same model and target in a baseline."""

    NEW = "new"
    UNCHANGED = "unchanged"
    BETTER = "better"
    WORSE = "worse"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a value: the parts of a :class:`~paritygate.validate.errors.ParityGateError`."""

    code: str
    subject: str
    cause: str
    remedy: str = ""

    @classmethod
    def of(cls, error: ParityGateError) -> Failure:
        """The error's four parts."""
        return cls(error.code, error.subject, error.cause, error.remedy)

    @property
    def exit_code(self) -> ExitCode:
        """The exit status that the code stands for."""
        return ExitCode(int(self.code[2]))


@dataclass(frozen=True, slots=True)
class Entry:
    """One model and target. Exactly one of ``report`` and ``error`` is set.

    ``model`` is what the user calls it (a gate's name, ``convert``'s SOURCE, ``validate``'s REFERENCE), ``target`` what
    was written or judged (a target's name in a gate, else OUTPUT or CANDIDATE as typed). ``written`` is the exported
    file, "" where nothing was. ``cached`` says that the entry was taken from the cache; ``seconds`` is what it took
    when it was made. ``change`` and ``before`` (the baseline's status) are set where a baseline was given.
    """

    model: str
    target: str
    report: Report | None = None
    error: Failure | None = None
    written: str = ""
    cached: bool = False
    seconds: float = 0.0
    change: Change | None = None
    before: Status | None = None

    @property
    def status(self) -> Status:
        """Derived, never set."""
        return Status.ERROR if self.report is None else Status(self.report.verdict.value)

    @property
    def exit_code(self) -> ExitCode:
        """What a command that has only this entry exits with."""
        if self.report is not None:
            return self.report.exit_code
        return self.error.exit_code if self.error else ExitCode.INCONCLUSIVE


_ATTENTION = (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE, Status.PASS)
_WORST_FIRST = (ExitCode.PARITY_FAILED, ExitCode.UNSAFE, ExitCode.SOURCE, ExitCode.USAGE, ExitCode.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Document:
    """Everything a report says.

    ``arguments`` is the command line after the program's name, ``options`` all that was chosen, defaults included,
    as plain values. ``version`` is the tool's own. ``started`` is an ISO 8601 time in UTC. ``baseline`` names the file
    that the entries were compared with.
    """

    command: str
    entries: tuple[Entry, ...]
    arguments: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    started: str = ""
    baseline: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """The worst of the entries': 1, else 5, 4, 2, 3; 0 where all pass. Nothing at all is a pass of nothing: 3."""
        found = {entry.exit_code for entry in self.entries}
        return next((code for code in _WORST_FIRST if code in found), ExitCode.PASS if found else ExitCode.INCONCLUSIVE)

    @property
    def status(self) -> Status:
        """The worst of the entries'; inconclusive where there are none."""
        return next((entry.status for entry in self.worst_first), Status.INCONCLUSIVE)

    @property
    def worst_first(self) -> tuple[Entry, ...]:
        """The entries that need attention before those that pass; among equals, in their own order."""
        return tuple(sorted(self.entries, key=lambda entry: _ATTENTION.index(entry.status)))
