"""What every renderer says of a report, as plain strings in plain order; the renderers only lay it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..coverage_text import exercised, not_exercised
from ..sentences import allowed_text, digits_tested, headroom, number
from ..tree_sentences import tree_lines
from ..user_checks import Source
from ..weight_sentences import proved_tables, weights_line
from .divergence import parting

if TYPE_CHECKING:
    from ..types import Errors, LabelAgreement, ModelSummary, OutputComparison, ReportData, SamplesSummary
    from ..user_checks import Crossing, MetricComparison

COLUMNS = ("output", "dtype", "shape", "elements", "differ", "max abs", "mean abs", "max rel", "cosine", "SNR dB", "")
"""Heads of the table; the last column is the verdict."""

LEFT = 3
"""So many columns hold words and lean to the left; the rest are numbers."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def headings(report: ReportData) -> Iterator[tuple[str, str]]:
    """What was compared, on what, how strictly, as (name, text)."""
    yield "reference", _model(report.reference)
    yield "candidate", _model(report.candidate)
    yield "samples", _samples(report.samples)
    yield from _coverage(report)
    yield from _tolerances(report)
    environment = report.environment
    engine = " ".join(filter(None, (environment.engine, environment.provider)))
    flags = f" ({', '.join(environment.cpu_flags)})" if environment.cpu_flags else ""
    if engine or environment.cpu:
        yield "run by", ", ".join(filter(None, (engine, f"{environment.cpu}{flags}")))
    if report.timings:
        yield "seconds", ", ".join(f"{stage} {number(seconds)}" for stage, seconds in report.timings.items())


def cells(output: OutputComparison) -> tuple[str, ...]:
    """One row of the table."""
    dtypes = dict.fromkeys(filter(None, (output.dtype, output.candidate_dtype)))
    shape = "-" if output.shape is None else str(list(output.shape))
    words = (title(output), " / ".join(dtypes) or "-", shape)
    metrics = output.metrics
    if metrics is None:
        return (*words, *["-"] * (len(COLUMNS) - LEFT - 1), verdict_word(output))
    counts = (f"{metrics.elements:,}", f"{metrics.differing + metrics.mismatched:,}")
    return (*words, *counts, *_errors(metrics.errors), verdict_word(output))


def verdict_word(output: OutputComparison) -> str:
    """The verdict; a pass that a waiver gave is called by its name."""
    return "waived" if output.waiver else output.verdict.value


def title(output: OutputComparison) -> str:
    """The reference's name, and the candidate's where it is another."""
    if output.name and output.candidate_name and output.name != output.candidate_name:
        return f"{output.name} ({output.candidate_name})"
    return output.name or output.candidate_name


def agreements(report: ReportData) -> Iterator[str]:
    """What the outputs decide: one line for classes, for each threshold, for each of the user's metrics."""
    for output in report.outputs:
        if output.passed and (share := headroom(output)):
            yield f"{title(output)}: {share}"
        if output.digits:
            yield f"{title(output)}: {digits_tested(output.digits)}"
        if output.labels:
            yield f"{title(output)}: {_agreement(output.labels)}"
        for crossing in output.crossings:
            yield f"{title(output)}: {_crossing(crossing)}"
    if report.weights:
        yield f"weights: {weights_line(report.weights)}"
    yield from tree_lines(report.trees)
    for budget in report.budgets:
        yield f"{budget.subject}: {budget.sentence}"
    for metric in report.user_metrics:
        yield f"metric {metric.name}: {metric_text(metric)}"


def metric_text(metric: MetricComparison) -> str:
    """Both sides' values and how far they are apart, with the digits that it takes to see it."""
    limit = "" if metric.limit is None else f" where {number(metric.limit)} is allowed"
    if metric.low is not None and metric.high is not None:
        limit = f" ({number(metric.low)} to {number(metric.high)} with 95 % confidence, {metric.rows:,} rows){limit}"
    sides = f"{metric.reference:.9g} in the reference, {metric.candidate:.9g} in the candidate"
    return f"{sides}, off by {number(metric.difference)}{limit}"


def sentences(report: ReportData) -> Iterator[tuple[str, str]]:
    """(kind, sentence): what failed and how, then what passed with a reservation, then the findings."""
    for output in sorted(report.outputs, key=lambda row: row.passed):
        if output.reason:
            kind = "note" if output.passed else output.verdict.value
            yield kind, " ".join(filter(None, (output.code, f"{title(output)}: {output.reason}")))
            yield from _details(output)
    for finding in report.findings:
        hint = f" {finding.hint}" if finding.hint else ""
        stop = "." if hint and not finding.message.endswith(".") else ""
        text = f"{finding.where}: {finding.message}{stop}{hint}"
        yield finding.severity.value, " ".join(filter(None, (finding.code, text)))
    yield from parting(report)


def verdict_line(report: ReportData) -> str:
    """The last line."""
    verdict = report.verdict.value.upper()
    if not report.outputs or not report.samples.count:
        return f"{verdict}: nothing was compared (PG306)"
    passed = sum(output.passed for output in report.outputs)
    codes = dict.fromkeys(finding.code for finding in report.findings if finding.severity.value == "error")
    others = f"; other errors: {', '.join(codes)}" if codes else ""
    count = sum(output.waiver is not None for output in report.outputs)
    waived = f", {count} of them by a waiver" if count else ""
    return f"{verdict}: {passed} of {len(report.outputs)} outputs agree on {report.samples.said}{waived}{others}"


def _model(model: ModelSummary) -> str:
    parts = [" ".join(filter(None, (model.format, f"opset {model.opset}" if model.opset else "")))]
    if model.size is not None:
        parts.append(_size(model.size))
    if model.sha256:
        parts.append(f"sha256 {model.sha256[:12]}")
    return f"{model.path} ({', '.join(parts)})"


def _size(size: float) -> str:
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.3g} {unit}"


def _samples(samples: SamplesSummary) -> str:
    seed = "" if samples.seed is None else f"seed {samples.seed}"
    origin = samples.origin if seed in samples.origin else ", ".join(filter(None, (samples.origin, seed)))
    batches = f"batch sizes {', '.join(map(str, samples.batch_sizes))}" if samples.batch_sizes else ""
    about = "; ".join(filter(None, (origin, ", ".join(samples.kinds), batches)))
    how_many = samples.said if samples.rows is not None else str(samples.count)
    return f"{how_many} ({about})" if about else how_many


def _coverage(report: ReportData) -> Iterator[tuple[str, str]]:
    if report.coverage is None:
        return
    if text := exercised(report.coverage):
        yield "coverage", text
    if text := not_exercised(report.coverage, proved_tables(report.weights, report.coverage)):
        yield "not exercised", text


def _tolerances(report: ReportData) -> Iterator[tuple[str, str]]:
    groups: dict[str, list[str]] = {}
    for output in report.outputs:
        if output.tolerance:
            named = output.tolerance.exact or output.tolerance.source is Source.BUDGET
            source = "" if named else f" ({output.tolerance.source})"
            groups.setdefault(f"{allowed_text(output.tolerance)}{source}", []).append(title(output))
    for text, names in groups.items():
        yield "tolerance", text if len(groups) == 1 else f"{text}: {', '.join(names)}"


def _errors(errors: Errors | None) -> tuple[str, ...]:
    if errors is None:
        return ("-",) * 5
    numbers = tuple(map(number, (errors.max_absolute, errors.mean_absolute, errors.max_relative)))
    cosine = "-" if errors.cosine is None else f"{errors.cosine:.6f}"
    return (*numbers, cosine, number(errors.snr_db))


def _agreement(labels: LabelAgreement) -> str:
    best = f"same class in {labels.agreeing:,} of {labels.rows:,} rows ({100 * labels.rate:.6g} %)"
    top = "" if labels.top_k is None else f", in the top {labels.k} in {100 * labels.top_k:.6g} %"
    flips = "" if not labels.flips else f"; {labels.flips:,} flipped, {labels.ties:,} of them at ties"
    return f"{best}{top}{flips}"


def _crossing(crossing: Crossing) -> str:
    source = "" if crossing.source is Source.USER else f" ({crossing.source})"
    place = f"cross {crossing.threshold:.9g}{source}"
    inside = f", {crossing.inside:,} of them within the tolerance" if crossing.crossed else ""
    return f"{crossing.crossed:,} of {crossing.elements:,} elements {place}{inside}"


def _details(output: OutputComparison) -> Iterator[tuple[str, str]]:
    errors = output.metrics.errors if output.metrics else None
    if output.passed or errors is None or not output.tolerance or output.tolerance.exact:
        return
    quantiles = ", ".join(f"p{100 * q:g} {number(error)}" for q, error in errors.quantiles)
    yield "", f"quantiles of the absolute error: {quantiles}; mean relative error {number(errors.mean_relative)}"
