"""Rows of docs/coverage.md: what became of one model on its way to one target."""

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
    """One column: the file to write, and what else is said to ``convert``."""

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
class Row:
    """``outcome`` is one of OUTCOMES; ``detail`` is the route of a pass, or says why there is none."""

    group: str
    name: str
    target: str
    outcome: str
    detail: str = ""


def outcome(source: Any, target: Target, **options: Any) -> tuple[str, str]:
    """Convert ``source`` in a folder of its own, and tell what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = convert(source, Path(folder) / target.file, **target.options, **options).report
        except ParityGateError as error:
            return REFUSED, f"[{error.code}] {error.subject}: {error.cause}"
    return (PASSES, report.route) if report.passed else (FAILS, reasons(report))


def reasons(report: Report) -> str:
    """What speaks against a pass: outputs that differ, and findings beside them."""
    outputs = [f"{output.name}: {output.reason}" for output in report.outputs if not output.passed]
    findings = [finding.message for finding in report.findings if finding.severity is Severity.ERROR]
    return "; ".join([*outputs, *findings])
