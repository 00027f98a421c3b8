"""A report without values of the user's samples: of inputs, and of what the models make of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

from .charts import OutputCharts
from .types import Finding, OutputComparison, ReportData, Severity

_VALUES = ("PG101", "PG106", "PG107")
"""Codes of outputs whose sentences quote the worst element."""

_Kind = TypeVar("_Kind", bound=ReportData)


def shown(report: _Kind, *, redact: bool) -> _Kind:
    """The report as the user wants to see it: with values, or without."""
    return redacted(report) if redact else report


def redacted(report: _Kind) -> _Kind:
    """The report with counts and errors, but no value; a note says so.

    What stays says nothing of single samples beyond how far off they are: errors, allowances, counts of classes, and
    the values of metrics.
    """
    found = report.divergence
    note = Finding("", Severity.NOTE, "report", "values of the samples and outputs are left out (--redact)")
    return replace(
        report,
        outputs=tuple(map(_output, report.outputs)),
        divergence=None if found is None else replace(found, expected=math.nan, actual=math.nan),
        findings=(*report.findings, note),
        charts=tuple(map(_charts, report.charts)),
    )


def _output(output: OutputComparison) -> OutputComparison:
    metrics = output.metrics
    if metrics is not None and metrics.errors is not None:
        metrics = replace(metrics, errors=replace(metrics.errors, largest=None))
    reason = output.reason
    if metrics is not None and output.code in _VALUES:
        reason = f"{metrics.differing + metrics.mismatched:,} of {metrics.elements:,} elements differ"
    return replace(output, metrics=metrics, worst=None, reason=reason)


def _charts(chart: OutputCharts) -> OutputCharts:
    return replace(chart, scatter=None, samples=())
