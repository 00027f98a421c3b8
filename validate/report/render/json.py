"""Results and errors as one JSON document, the same envelope for every command (docs/report.schema.json).

Strict JSON: what is not finite becomes "inf", "-inf" or "nan". Keys keep the order of the types' fields.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ...weights.types import WeightsProof
from ..budgets import BudgetResult
from ..document import Document, Entry
from ..report import Report
from ..stored import VERSION, document_of
from ..types import LabelAgreement, Severity
from ..user_checks import MetricComparison

if TYPE_CHECKING:
    from ...errors import ParityGateError

SCHEMA_VERSION = 1

_DERIVED = {
    Entry: ("status",),
    Report: ("verdict",),
    WeightsProof: ("accounted",),
    LabelAgreement: ("rate", "flips"),
    MetricComparison: ("difference",),
    BudgetResult: ("passed",),
}


def render_report(command: str, report: Report, written: PurePath | None = None) -> str:
    """A verdict. ``error`` names the first reason when it is not a pass; ``written`` is the exported file."""
    return _envelope(
        command,
        report.verdict.value,
        int(report.exit_code),
        result={**plain(report), "written": plain(written)},
        warnings=[plain(finding) for finding in report.findings if finding.severity is Severity.WARNING],
        error=None if report.passed else _first_reason(report),
    )


def render_document(document: Document) -> str:
    """A document, from which :func:`..stored.read_document` makes the same again. ``status`` is derived, never read.

    Raises ParityGateError PG230 for one that could not be read again: nobody should find that out later.
    """
    content = _content(document)
    return _dumped(_content(document_of(content, document.command)))  # a float that is given as int becomes one


def _content(document: Document) -> dict[str, Any]:
    result = {"status": document.status.value, "exit_code": int(document.exit_code)}
    return {"schema_version": VERSION, "command": document.command, **result, **plain(document)}


def render_result(command: str, result: Mapping[str, Any]) -> str:
    """What a command found that gives no verdict."""
    return _envelope(command, "ok", 0, result=plain(result))


def render_error(command: str, error: ParityGateError) -> str:
    """A failure; ``exit_code`` is the process' exit status."""
    return _envelope(command, "error", int(error.exit_code), error=error.to_dict())


def plain(value: Any) -> Any:
    """Dataclasses, mappings, paths, dates and enums as what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (*_DERIVED.get(type(value), ()), *(field.name for field in dataclasses.fields(value)))
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath | date):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _first_reason(report: Report) -> dict[str, str]:
    for output in report.outputs:
        if not output.passed:
            return _reason(output.code, f"output {output.name or output.candidate_name}", output.reason, "")
    for finding in report.findings:
        if finding.severity is Severity.ERROR:
            return _reason(finding.code, finding.where, finding.message, finding.hint)
    return _reason("PG306", report.candidate.path, "no output was compared", "")


def _reason(code: str, subject: str, cause: str, remedy: str) -> dict[str, str]:
    return {"code": code, "subject": subject, "cause": cause, "remedy": remedy}


def _envelope(
    command: str, status: str, exit_code: int, *, result: Any = None, warnings: Any = (), error: Any = None
) -> str:
    document = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "status": status,
        "exit_code": exit_code,
        "result": result,
        "warnings": warnings,
        "error": error,
    }
    return _dumped(document)


def _dumped(content: Any) -> str:
    return json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2)
