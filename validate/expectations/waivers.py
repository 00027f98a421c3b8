"""Signed-off exceptions: one output, one bound, one reason, one last day. They stand in for looser tolerances.

docs/decisions.md says how they are written down.
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
"""A waiver that ends later than this from now is warned about: nobody will look at it again."""

_AGAIN = "Convert again, or let the exception be signed off anew."


def apply_waivers(
    rows: Sequence[OutputComparison], waivers: Iterable[Waiver], models: Sequence[str], today: date
) -> tuple[tuple[OutputComparison, ...], tuple[Finding, ...]]:
    """The rows, those that are waived passing, and what is to be said of every waiver in scope.

    A waiver excuses values (PG101) that are off by no more than its bound, and nothing else: not a missing output, a
    shape, a dtype, NaN, or a label. ``models`` are the names of both models; a waiver for others isn't mentioned.
    """
    by_name = {row.name: row for row in rows if row.name}
    findings = []
    for waiver in waivers:
        if not _in_scope(waiver, models):
            continue
        row = by_name.get(waiver.output)
        findings.append(_finding(waiver, row, today))
        if waiver.expires - today > LONGEST:
            findings.append(_warning(waiver, f"its waiver runs until {waiver.expires}, more than a year from now"))
        if row is not None and today <= waiver.expires and _excuses(waiver, row):
            by_name[waiver.output] = _waived(row, waiver)
    return tuple(by_name.get(row.name, row) for row in rows), tuple(findings)


def _in_scope(waiver: Waiver, models: Sequence[str]) -> bool:
    return any(fnmatchcase(name, waiver.model) for model in models for name in (model, PurePath(model).name))


def _waived(row: OutputComparison, waiver: Waiver) -> OutputComparison:
    return replace(row, verdict=Verdict.PASS, code="", reason=f"waived, although {row.reason}", waiver=waiver)


def _furthest(row: OutputComparison) -> float | None:
    """The greatest absolute difference of an output that fails by its values alone."""
    errors = row.metrics.errors if row.metrics else None
    return errors.max_absolute if row.code == "PG101" and errors else None


def _excuses(waiver: Waiver, row: OutputComparison) -> bool:
    furthest = _furthest(row)
    return furthest is not None and furthest <= waiver.max_abs


def _finding(waiver: Waiver, row: OutputComparison | None, today: date) -> Finding:
    """What became of one waiver."""
    if today > waiver.expires:
        return _warning(waiver, f"its waiver expired on {waiver.expires} and counts no more", _AGAIN)
    if row is None or row.passed:
        unused = (
            "no output is called so" if row is None else "it passes by itself" if not row.waiver else "it is waived"
        )
        return Finding("", Severity.NOTE, f"output {waiver.output}", f"its waiver was not used: {unused}")
    furthest = _furthest(row)
    if furthest is None:
        return _warning(waiver, f"its waiver excuses values only, and it fails otherwise ({row.code})")
    if furthest > waiver.max_abs:
        allows = f"its waiver allows {number(waiver.max_abs)}, and it is off by up to {number(furthest)}"
        return _warning(waiver, allows, _AGAIN)
    by = f", signed off by {waiver.signed_off_by}" if waiver.signed_off_by else ""
    until = f"waived up to {number(waiver.max_abs)} until {waiver.expires}{by}, because {waiver.reason}"
    return _warning(waiver, f"it is off by up to {number(furthest)}, {until}")


def _warning(waiver: Waiver, message: str, hint: str = "") -> Finding:
    return Finding("PG113", Severity.WARNING, f"output {waiver.output}", message, hint)
