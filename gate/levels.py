"""What makes a gate fail, and the exit status that it ends with. Importing this costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from ..validate.errors import ExitCode
from ..validate.report.document import Entry, Status
from ..validate.report.types import Severity


class FailOn(StrEnum):
    """The least that makes a gate fail: a difference or a broken model, anything unproved, or a warning too."""

    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    WARNING = "warning"


_WORST_FIRST = (ExitCode.PARITY_FAILED, ExitCode.UNSAFE, ExitCode.SOURCE, ExitCode.USAGE, ExitCode.INCONCLUSIVE)


def exit_code_of(entries: Iterable[Entry], fail_on: FailOn) -> ExitCode:
    """The worst status among the entries that make the gate fail: 1, else 5, 4, 2, 3; 0 without any."""
    found = {_exit_code(entry, fail_on) for entry in entries}
    return next((code for code in _WORST_FIRST if code in found), ExitCode.PASS)


def _exit_code(entry: Entry, fail_on: FailOn) -> ExitCode:
    code = entry.exit_code
    if fail_on is FailOn.FAIL and code is ExitCode.INCONCLUSIVE:
        return ExitCode.PASS
    if fail_on is FailOn.WARNING and entry.status is Status.PASS and warns(entry):
        return ExitCode.INCONCLUSIVE
    return code


def warns(entry: Entry) -> bool:
    """Whether an entry's report holds a warning."""
    return entry.report is not None and any(found.severity is Severity.WARNING for found in entry.report.findings)
