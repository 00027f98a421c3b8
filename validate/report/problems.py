"""Why a report is no pass, and what else was found, as flat values: what formats for CI list one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .types import OutputComparison, ReportData, Severity

NOTHING = "PG306"
"""The code of an entry that compared nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was found. ``where`` is an output, or what the finding or error speaks of.

    ``code`` is "" for notes that have none, ``remedy`` is "" where the advice on the entry says what to do.
    """

    code: str
    severity: Severity
    where: str
    message: str
    remedy: str = ""

    @property
    def explain(self) -> str:
        """The command that tells more; "" without a code."""
        return f"paritygate explain {self.code}" if self.code else ""


def problems_of(report: ReportData) -> tuple[Problem, ...]:
    """What was found, the most severe first: an ERROR if and only if the report is no pass."""
    found = tuple(sorted(_found(report), key=lambda problem: list(Severity).index(problem.severity)))
    if report.passed or any(problem.severity is Severity.ERROR for problem in found):
        return found
    return (Problem(NOTHING, Severity.ERROR, report.candidate.path, "no output was compared"), *found)


def errors_of(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """What prevents a pass."""
    return tuple(problem for problem in found if problem.severity is Severity.ERROR)


def explaining(found: Iterable[Problem]) -> str:
    """The commands that tell more about what prevents a pass; "" where nothing does."""
    return "; ".join(dict.fromkeys(problem.explain for problem in errors_of(found) if problem.explain))


def problem_of(output: OutputComparison) -> Problem:
    """An output that doesn't agree."""
    name = output.name or output.candidate_name
    return Problem(output.code or NOTHING, Severity.ERROR, name, output.reason or "the outputs do not agree")


def _found(report: ReportData) -> Iterator[Problem]:
    yield from (problem_of(output) for output in report.outputs if not output.passed)
    for finding in report.findings:
        code = finding.code or (NOTHING if finding.severity is Severity.ERROR else "")  # no error goes without one
        yield Problem(code, finding.severity, finding.where, finding.message, finding.hint)
