"""The report without values of samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...validate.report.types import OutputComparison

if TYPE_CHECKING:
    from ...validate.report.report import Report


def redacted_report(report: Report) -> Report:
    """Without what a sample or an output held: worst elements, magnitudes, sentences that may quote a value.

    Names, shapes, counts, tolerances and errors stay; so do findings' codes and places.
    """
    return replace(
        report,
        outputs=tuple(map(_redacted, report.outputs)),
        findings=tuple(replace(finding, message="(left out)", hint="") for finding in report.findings),
        user_metrics=(),
        divergence=None,
        charts=(),
        trees=None,
    )


def _redacted(output: OutputComparison) -> OutputComparison:
    metrics = output.metrics
    if metrics is not None and metrics.errors is not None:
        metrics = replace(metrics, errors=replace(metrics.errors, largest=None))
    return replace(output, worst=None, reason="", metrics=metrics)
