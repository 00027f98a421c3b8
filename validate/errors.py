"""Errors that reach a user, and the exit status that each one carries.

A code is ``PG`` and three digits. The first digit *is* the process' exit status, so the two can
never disagree. Codes are append-only: a CI job may match on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .text import printable_lines
from .text.flags import in_keywords


class ExitCode(IntEnum):
    """Exit statuses of every command."""

    PASS = 0
    PARITY_FAILED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    SOURCE = 4
    UNSAFE = 5


@dataclass(frozen=True, slots=True)
class Explanation:
    """What ``paritygate explain CODE`` prints: a title, then what it means and what to do."""

    title: str
    text: str


class ParityGateError(Exception):
    """A failure with a stable code, the thing of the user's that it is about, the cause and the remedy.

    ``code`` is a key of :data:`paritygate.validate.catalog.CATALOG`; ``subject`` names a thing of the
    user's (a file, an option, an output); ``cause`` is one sentence or the converter's own reason;
    ``remedy`` says what to do about it. The parts name options as they are typed (``--opset``); see :mod:`.text.flags`.
    """

    def __init__(self, code: str, subject: str, cause: str, remedy: str = "") -> None:
        super().__init__(code, subject, cause, remedy)
        self.code = code
        self.subject = subject
        self.cause = cause
        self.remedy = remedy

    @property
    def exit_code(self) -> ExitCode:
        """The exit status: the code's first digit."""
        return ExitCode(int(self.code[2]))

    @property
    def typed(self) -> str:
        """For people at a command line: no control characters, which names in files may hold."""
        way_out = f"\n  {self.remedy}" if self.remedy else ""
        return printable_lines(f"[{self.code}] {self.subject}: {self.cause}{way_out}")

    def __str__(self) -> str:
        """For people who write Python: options are called by their keywords."""
        return in_keywords(self.typed)

    def to_dict(self) -> dict[str, str]:
        """The four parts as plain text, for a worker's reply and for ``--json``."""
        return {"code": self.code, "subject": self.subject, "cause": self.cause, "remedy": self.remedy}
