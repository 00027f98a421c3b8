"""Routes that led to no candidate, or to one that could not be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..validate.errors import ParityGateError
from .routes.registry import Route
from .targets import DEFAULT_OPSET

if TYPE_CHECKING:
    from ..validate.report.report import Report

NO_CANDIDATE = frozenset({"PG301", "PG302"})
"""The runtime rejected what a route had made: another route may do better."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A route that led to no candidate, or to one that could not be run."""

    route: Route
    error: ParityGateError

    def __str__(self) -> str:
        return f"route {self.route.name} was rejected: {self.error.subject}: {self.error.cause}"


def combined(rejected: list[Rejected]) -> ParityGateError:
    """The first route's error; those of the others stand behind its cause."""
    first, *others = rejected
    causes = "".join(f"; route {each.route.name}: {each.error.subject}: {each.error.cause}" for each in others)
    error = first.error
    return ParityGateError(error.code, error.subject, error.cause + causes, error.remedy) if causes else error


def with_way_out(error: ParityGateError, opset: int | None) -> ParityGateError:
    """What the engine refuses at the user's own opset may be there at another one."""
    if opset is None or error.code not in NO_CANDIDATE:
        return error
    advice = f"Another opset may do: leave out --opset {opset}, or try --opset {DEFAULT_OPSET}."
    return ParityGateError(error.code, error.subject, error.cause, f"{error.remedy} {advice}".strip())


def reason_of(report: Report) -> str:
    """The first thing that speaks against a pass."""
    outputs = [f"{output.name}: {output.reason}" for output in report.outputs if not output.passed]
    findings = [f"{finding.where}: {finding.message}" for finding in report.findings if finding.code]
    return (outputs + findings)[0]
