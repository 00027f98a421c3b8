"""Waivers: signed-off exceptions for one output, up to one bound, for one reason, until one date.

docs/decisions.md describes how they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import PurePath

from ..report.sentences import number
from ..report.types import Finding, OutputComparison, Severity, Verdict
from ..report.user_checks import Waiver

LONGEST = timedelta(days=366)
"""A waiver that runs longer than this from now gets a warning: it would never be reviewed again."""

_RENEW = "Convert again, or have the exception signed off again."


def apply_waivers(
    comparisons: Sequence[OutputComparison], waivers: Iterable[Waiver], models: Sequence[str], today: date
) -> tuple[tuple[OutputComparison, ...], tuple[Finding, ...]]:
    """The comparisons, waived ones passing, and the findings about every waiver in scope.

    A waiver excuses values (PG101) that differ by no more than its bound, and nothing else: not a missing output, a
    shape, a dtype, NaN, or a label. ``models`` are the names of both models; waivers for others are ignored.
    """
    by_name = {each.name: each for each in comparisons if each.name}
    findings = []
    for waiver in waivers:
        if not _in_scope(waiver, models):
            continue
        output = by_name.get(waiver.output)
        findings.append(_finding(waiver, output, today))
        if waiver.expires - today > LONGEST:
            findings.append(_warning(waiver, f"its waiver runs until {waiver.expires}, more than a year from now"))
        if output is not None and today <= waiver.expires and _excuses(waiver, output):
            by_name[waiver.output] = _waived(output, waiver)
    return tuple(by_name.get(each.name, each) for each in comparisons), tuple(findings)


def _in_scope(waiver: Waiver, models: Sequence[str]) -> bool:
    return any(fnmatchcase(name, waiver.model) for model in models for name in (model, PurePath(model).name))


def _waived(output: OutputComparison, waiver: Waiver) -> OutputComparison:
    return replace(output, verdict=Verdict.PASS, code="", reason=f"waived, although {output.reason}", waiver=waiver)


def _difference(output: OutputComparison) -> float | None:
    """The greatest absolute difference of an output that fails only by its values."""
    errors = output.metrics.errors if output.metrics else None
    return errors.max_absolute if output.code == "PG101" and errors else None


def _excuses(waiver: Waiver, output: OutputComparison) -> bool:
    difference = _difference(output)
    return difference is not None and difference <= waiver.max_abs


def _finding(waiver: Waiver, output: OutputComparison | None, today: date) -> Finding:
    """Whether one waiver was used, and if not, why."""
    if today > waiver.expires:
        return _warning(waiver, f"its waiver expired on {waiver.expires} and is ignored", _RENEW)
    if output is None or output.passed:
        return Finding("", Severity.NOTE, f"output {waiver.output}", f"its waiver was not used: {_why_unused(output)}")
    difference = _difference(output)
    if difference is None:
        return _warning(waiver, f"its waiver excuses only differing values, but it fails with {output.code}")
    if difference > waiver.max_abs:
        allows = f"its waiver allows {number(waiver.max_abs)}, but it differs by up to {number(difference)}"
        return _warning(waiver, allows, _RENEW)
    by = f", signed off by {waiver.signed_off_by}" if waiver.signed_off_by else ""
    until = f"waived up to {number(waiver.max_abs)} until {waiver.expires}{by}, because {waiver.reason}"
    return _warning(waiver, f"it differs by up to {number(difference)}, {until}")


def _why_unused(output: OutputComparison | None) -> str:
    if output is None:
        return "there is no output with this name"
    return "the output is already waived" if output.waiver else "the output passes without it"


def _warning(waiver: Waiver, message: str, hint: str = "") -> Finding:
    return Finding("PG113", Severity.WARNING, f"output {waiver.output}", message, hint)
