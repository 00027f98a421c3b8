"""The entries of docs/coverage.md: the outcome of converting one model to one target."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paritygate.convert import ParityGateError, convert
from paritygate.validate.report.report import Report
from paritygate.validate.report.types import Severity


@dataclass(frozen=True, slots=True)
class Target:
    """One column: the file to write, and further options of ``convert``."""

    name: str
    file: str
    options: Mapping[str, Any] = field(default_factory=dict)


TARGETS = (
    Target("ONNX", "model.onnx"),
    Target("mlpackage fp32", "model.mlpackage"),
    Target("mlpackage fp16", "model.mlpackage", {"precision": "fp16"}),
    Target("mlmodel", "model.mlmodel"),
)

PASSES, FAILS, REFUSED, NOT_APPLICABLE = "passes", "fails", "refused", "not applicable"
OUTCOMES = (PASSES, FAILS, REFUSED, NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Entry:
    """``outcome`` is one of OUTCOMES; ``detail`` is the route if it passes, else the reason why not."""

    group: str
    name: str
    target: str
    outcome: str
    detail: str = ""


def outcome(source: Any, target: Target, **options: Any) -> tuple[str, str]:
    """Convert ``source`` in a folder of its own; returns the outcome and its detail."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = convert(source, Path(folder) / target.file, **target.options, **options).report
        except ParityGateError as error:
            return REFUSED, f"[{error.code}] {error.subject}: {error.cause}"
    return (PASSES, report.route) if report.passed else (FAILS, reasons(report))


def reasons(report: Report) -> str:
    """Why a report doesn't pass: outputs that differ, and other errors."""
    outputs = [f"{output.name}: {output.reason}" for output in report.outputs if not output.passed]
    findings = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
    return "; ".join([*outputs, *findings])
