"""A task metric of both models, with its interval, and what follows from the limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import ParityGateError
from ...report.types import Finding, Severity
from ...report.user_checks import MetricComparison
from .interval import interval, rows_needed
from .values import Given, Rows, TaskMetric

if TYPE_CHECKING:
    from ...signature import Array


def measure(
    metric: TaskMetric, expected: Mapping[str, Array], actual: Mapping[str, Array]
) -> tuple[MetricComparison, Finding | None]:
    """The comparison, and a finding where the limit doesn't hold, or where the rows are too few to tell.

    Raises ParityGateError PG201 where an output is missing or the metric can't be computed of it.
    """
    rows = _rows(metric, expected, actual)
    low, high = interval(rows)
    reference, candidate = rows.combine(rows.reference), rows.combine(rows.candidate)
    compared = MetricComparison(metric.name, reference, candidate, metric.limit, low, high, len(rows.reference))
    return compared, _finding(metric, compared, rows)


def _rows(metric: TaskMetric, expected: Mapping[str, Array], actual: Mapping[str, Array]) -> Rows:
    missing = [name for name in metric.outputs if name not in expected or name not in actual]
    if missing:
        cause = f"there is no output {', '.join(missing)}, or its samples can't be joined along the batch"
        raise ParityGateError("PG201", f"metric {metric.name}", cause, f"Outputs: {', '.join(expected)}.")
    given = Given(
        tuple(expected[name] for name in metric.outputs),
        tuple(actual[name] for name in metric.outputs),
        metric.truth,
        metric.settings,
    )
    try:
        return metric.compute(given)
    except (ValueError, IndexError, TypeError) as error:  # outputs of another shape than the metric is for
        raise ParityGateError("PG201", f"metric {metric.name}", f"it can't be computed: {error}") from error


def _finding(metric: TaskMetric, compared: MetricComparison, rows: Rows) -> Finding | None:
    if metric.limit is None:
        return None
    where = f"metric {metric.name}"
    span = f"{compared.difference:.3g} ({compared.low:.3g} to {compared.high:.3g} with 95 % confidence)"
    if compared.exceeds:
        text = f"the models differ by {span}, which is more than {metric.limit:g}"
        return Finding("PG112", Severity.ERROR, where, text)
    if not compared.holds:
        needed = rows_needed(rows, metric.limit)
        more = f"; about {needed:,} rows would tell" if needed and needed > compared.rows else ""
        allowed = f"where {metric.limit:g} is allowed"
        text = f"{compared.rows} rows are too few to tell: the models differ by {span} {allowed}{more}"
        return Finding("PG335", Severity.ERROR, where, text, "Give more samples.")
    return None
