"""From one report to what the templates show: plain words, tables and figures, no decisions left."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..render.advice import advice
from ..render.contents import COLUMNS, LEFT, agreements, cells, headings, sentences, title, verdict_line
from ..sentences import number
from .figures import Figure, layers, of_output, strip

if TYPE_CHECKING:
    from ..types import ModelSummary, ReportData
    from ..user_checks import MetricComparison

Rows = tuple[tuple[str, ...], ...]
"""Of names and texts, or of a table."""

_STEPS = ("next", "more")
_PROOF = ("coverage", "not exercised")


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows; so many columns on the ``left`` lean to the left, and so does the last."""

    columns: tuple[str, ...]
    rows: Rows
    left: int


@dataclass(frozen=True, slots=True)
class OutputView:
    """One output's name, verdict, and figures."""

    name: str
    passed: bool
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """What is said of a report, or of an error in its place. ``data`` is the charts' JSON, "" where there are none.

    ``left_out`` says why there are no charts where there could be some.
    """

    sentence: str
    lead: Rows = ()
    next: tuple[str, ...] = ()
    table: Table | None = None
    overview: tuple[Figure, ...] = ()
    outputs: tuple[OutputView, ...] = ()
    said: Rows = ()
    proved: Rows = ()
    metrics: Table | None = None
    about: Rows = ()
    environment: Rows = ()
    data: str = ""
    left_out: str = ""


def report_view(report: ReportData, written: str = "") -> ReportView:
    """All of a report, with its charts. ``written`` is the exported file, "" where there is none."""
    lead = tuple(_joined(tuple(advice(report))))
    steps = [text for head, text in lead if head in _STEPS]
    about = tuple(headings(report))
    return ReportView(
        verdict_line(report),
        tuple(pair for pair in lead if pair[0] not in _STEPS),
        (*steps, *_further_steps(report, written)),
        Table(COLUMNS, tuple(map(cells, report.outputs)), LEFT),
        tuple(figure for figure in (strip(report), layers(report)) if figure),
        tuple(_output(report, at) for at in range(len(report.charts))),
        tuple(sentences(report)),
        (*(pair for pair in about if pair[0] in _PROOF), *(("", text) for text in agreements(report))),
        _metrics(report),
        tuple(pair for pair in about if pair[0] not in _PROOF),
        tuple(_environment(report)),
        _data(report) if report.charts else "",
    )


def _joined(lead: Rows) -> Iterator[tuple[str, str]]:
    """Lines without a head belong to the one before."""
    last = ""
    for head, text in lead:
        last = head or last
        yield last, text


def _further_steps(report: ReportData, written: str) -> Iterator[str]:
    """After a pass on generated samples, the command for the user's own."""
    if report.passed and report.samples.seed is not None:
        models = report.reference.path, written or report.candidate.path
        yield f"Check it on your own data: {shlex.join(('paritygate', 'validate', *models))} --samples FILE"


def _output(report: ReportData, at: int) -> OutputView:
    chart = report.charts[at]
    output = next((each for each in report.outputs if each.name == chart.name), None)
    name, passed = (title(output), output.passed) if output else (chart.name, True)
    return OutputView(name, passed, tuple(of_output(chart, at)))


def _metrics(report: ReportData) -> Table | None:
    if not report.user_metrics:
        return None
    heads = ("metric", "reference", "candidate", "difference", "95 % confidence", "rows", "allowed", "")
    return Table(heads, tuple(map(_metric, report.user_metrics)), 1)


def _metric(metric: MetricComparison) -> tuple[str, ...]:
    limit = "-" if metric.limit is None else number(metric.limit)
    sides = f"{metric.reference:.9g}", f"{metric.candidate:.9g}", number(metric.difference)
    if metric.low is None or metric.high is None:
        return metric.name, *sides, "-", "-", limit, _kept(metric.passed, metric.limit)
    interval = f"{number(metric.low)} to {number(metric.high)}"
    kept = _kept(metric.holds, metric.limit) if metric.holds or metric.exceeds else "too few rows to tell"
    return metric.name, *sides, interval, f"{metric.rows:,}", limit, kept


def _kept(passed: bool, limit: float | None) -> str:
    return "" if limit is None else "kept" if passed else "broken"


def _environment(report: ReportData) -> Iterator[tuple[str, str]]:
    yield from _model("reference", report.reference)
    yield from _model("candidate", report.candidate)
    environment, samples = report.environment, report.samples
    yield "seed", "-" if samples.seed is None else str(samples.seed)
    yield (
        "precision",
        ", ".join(dict.fromkeys(o.tolerance.dtype for o in report.outputs if o.tolerance and o.tolerance.dtype)),
    )
    yield "route", report.route
    yield "engine", " ".join(filter(None, (environment.engine, environment.provider)))
    yield "processor", " ".join((environment.cpu, *environment.cpu_flags))
    yield "versions", ", ".join(f"{name} {version}" for name, version in environment.versions.items())


def _model(role: str, model: ModelSummary) -> Iterator[tuple[str, str]]:
    yield f"{role} sha256", model.sha256 or "-"
    yield f"{role} runtime", model.runtime or "-"


def _data(report: ReportData) -> str:
    """The charts as JSON that no tag can end."""
    trail = report.divergence.trail if report.divergence else ()
    first = report.divergence.tensor if report.divergence else ""
    content: dict[str, Any] = {"outputs": report.charts, "layers": trail, "first": first}
    text = json.dumps(_plain(content), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    """What JSON has; what isn't finite becomes a text."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return _plain(asdict(value)) if hasattr(value, "__dataclass_fields__") else value
