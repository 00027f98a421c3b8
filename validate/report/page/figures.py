"""The figures of a report: what is drawn, a sentence on how to read it, and the same as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ..charts import Look, unpack
from ..sentences import number

if TYPE_CHECKING:
    from ..charts import Flips, HeatMap, Histogram, OutputCharts, Scatter, Shown, WorstSample
    from ..divergence import LayerError
    from ..types import ReportData

_MOST_ROWS = 20
_MOST_NUMBERS = 16
_NOT_FINITE = "not finite"


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart. ``kind`` names what draws it, ``output`` the position in the charts' data; the rest is for people."""

    kind: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    output: int = 0
    item: int = 0


def strip(report: ReportData) -> Figure | None:
    """Error, allowance and noise floor of every output on one axis."""
    shown = [chart for chart in report.charts if chart.allowance or chart.error is not None or chart.not_finite]
    if not shown:
        return None
    rows = tuple((chart.name, _greatest(chart), _range(chart.allowance), _range(chart.floor)) for chart in shown)
    caption = (
        "The greatest error of each output against what is allowed and against the noise floor (what rounding alone "
        "does): median and 5 to 95 % of the elements. Each element has its own allowance, so the histograms decide."
    )
    columns = ("output", "greatest error", "allowance (5, 50, 95 %)", "noise floor (5, 50, 95 %)")
    return Figure("strip", "Error, allowance and noise floor", caption, columns, rows)


def _greatest(chart: OutputCharts) -> str:
    if not chart.not_finite:
        return number(chart.error)
    lost = f"{chart.not_finite:,} {_NOT_FINITE}"
    return lost if chart.error is None else f"{number(chart.error)}, {lost}"


def layers(report: ReportData) -> Figure | None:
    """The error of each layer, in graph order."""
    found = report.divergence
    if found is None or not found.trail:
        return None
    rows = tuple(_layer_row(each, found.tensor) for each in found.trail)
    first = f"The first that rounding doesn't explain is {found.layer or found.tensor}."
    columns = ("tensor", "layer", "error", "explained by rounding", "agrees")
    return Figure("layers", "Error per layer", f"Tensors in the order of the candidate's graph. {first}", columns, rows)


def _layer_row(each: LayerError, first: str) -> tuple[str, ...]:
    agrees = "yes" if each.agrees else "no, the first" if each.tensor == first else "no"
    return each.tensor, each.layer, number(each.error), number(each.allowed), agrees


def of_output(chart: OutputCharts, at: int) -> Iterator[Figure]:
    """The figures of one output; ``at`` is its position among the charts."""
    if chart.histogram and (chart.histogram.counts or chart.histogram.unbounded):
        yield _histogram(chart.histogram, at)
    if chart.scatter:
        yield _scatter(chart.scatter, at)
    if chart.heat and any(unpack(chart.heat.values)):
        yield _heat(chart.heat, at)
    if chart.flips and chart.flips.pairs:
        yield _flips(chart.flips, at)
    for item, sample in enumerate(chart.samples):
        yield _sample(sample, at, item)


def _histogram(histogram: Histogram, at: int) -> Figure:
    edges = [10 ** (histogram.start + n * histogram.step) for n in range(len(histogram.counts) + 1)]
    total = sum(histogram.counts) + histogram.exact + histogram.unbounded
    left = total - histogram.exact
    rows = [("0 (equal)", f"{histogram.exact:,}", "100 %")] if histogram.exact else []
    for (low, high), count in zip(pairwise(edges), histogram.counts, strict=True):
        rows.append((f"{low:.3g} to {high:.3g}", f"{count:,}", _percent(left / total)))
        left -= count
    if histogram.unbounded:
        rows.append(("not finite, or nothing allowed", f"{histogram.unbounded:,}", _percent(left / total)))
    caption = "Each element's error as a share of its own allowance: what is right of 1 fails."
    if histogram.exact:
        caption += f" {histogram.exact:,} of {total:,} elements are equal and not drawn."
    if histogram.unbounded:
        caption += (
            f" {histogram.unbounded:,} are not finite, or nothing is allowed for them: they are in the table only."
        )
    kind = "histogram" if histogram.counts else "table"
    columns = ("error / allowance", "elements", "this much or more")
    return Figure(kind, "How large the errors are", caption, columns, tuple(rows), at)


def _scatter(scatter: Scatter, at: int) -> Figure:
    drawn = "all" if scatter.drawn == scatter.elements else f"{scatter.drawn:,} drawn ones"
    caption = f"Elements on the diagonal are equal: {drawn} of {scatter.elements:,}."
    if scatter.density:
        caption += " Shaded cells count all elements; the darker, the more."
    rows = tuple(
        (
            str(p.sample),
            str(list(p.index)),
            f"{p.reference:.9g}",
            f"{p.candidate:.9g}",
            number(p.error),
            _maybe(p.allowed),
        )
        for p in scatter.worst
    )
    columns = ("sample", "index", "reference", "candidate", "error", "allowed")
    return Figure("scatter", "Reference against candidate", caption, columns, rows, at)


def _heat(heat: HeatMap, at: int) -> Figure:
    values = unpack(heat.values)
    size = [math.inf if math.isnan(value) else value for value in values]
    order = sorted(range(len(values)), key=lambda n: (-size[n], n))[:_MOST_ROWS]
    places = [
        (_block(heat, 0, n // heat.columns), _block(heat, 1, n % heat.columns), _finite(values[n]))
        for n in order
        if values[n]
    ]
    blocks = "" if (heat.rows, heat.columns) == heat.lengths else " A cell is a block of them."
    caption = f"The greatest error at each place of axes {heat.axes[0]} and {heat.axes[1]}, over all samples.{blocks}"
    caption += " Red places are finite on one side only." if math.inf in size else ""
    columns = (f"axis {heat.axes[0]}", f"axis {heat.axes[1]}", "greatest error")
    return Figure("heat", "Where the errors are", caption, columns, tuple(places), at)


def _block(heat: HeatMap, side: int, at: int) -> str:
    cells, length = (heat.rows, heat.columns)[side], heat.lengths[side]
    first, last = at * length // cells, (at + 1) * length // cells - 1
    return str(first) if first == last else f"{first} to {last}"


def _flips(flips: Flips, at: int) -> Figure:
    ties = f", {len(flips.ties):,} of the drawn ones at ties" if flips.ties else ""
    total = sum(pair.count for pair in flips.pairs)
    caption = f"{total:,} of {flips.rows:,} rows have another class{ties}."
    drawn = any(map(math.isfinite, unpack(flips.errors)))
    if drawn:
        caption += " A row can flip where its error is as large as half its margin."
    rows = tuple((pair.reference, pair.candidate, f"{pair.count:,}") for pair in flips.pairs)
    kind = "margins" if drawn else "table"
    return Figure(kind, "Classes that changed", caption, ("reference", "candidate", "rows"), rows, at)


def _sample(sample: WorstSample, at: int, item: int) -> Figure:
    row = "" if sample.row is None else f", row {sample.row}"
    times = "" if sample.ratio is None else f" Its greatest error is {sample.ratio:.3g} times its allowance."
    caption = f"Sample {sample.sample}{row} ({sample.label}).{times}"
    arrays = (*sample.inputs, sample.reference, sample.candidate)
    caption += _cut(sample.reference)
    rows = tuple((each.name, str(list(each.shape)), _numbers(each)) for each in arrays)
    return Figure("sample", f"Worst sample {item + 1}", caption, ("array", "shape", "values"), rows, at, item)


def _cut(shown: Shown) -> str:
    """What is drawn of an output that is too large; the worst element is always in it."""
    whole, drawn = math.prod(shown.shape), math.prod(shown.kept)
    if drawn == whole:
        return ""
    if shown.look is Look.IMAGE:
        return f" Drawn thinned to {shown.kept[0]} by {shown.kept[1]} pixels, the worst one among them."
    return f" Elements {shown.start:,} to {shown.start + drawn - 1:,} of {whole:,} are drawn, the worst one among them."


def _numbers(shown: Shown) -> str:
    values = unpack(shown.values)
    more = ", ..." if len(values) > _MOST_NUMBERS else ""
    before = f"from element {shown.start:,}: " if shown.start else ""
    return before + ", ".join(f"{value:.6g}" for value in values[:_MOST_NUMBERS]) + more


def _range(quantiles: tuple[float, ...]) -> str:
    return ", ".join(map(number, quantiles)) or "-"


def _finite(value: float) -> str:
    return number(value) if math.isfinite(value) else _NOT_FINITE


def _maybe(value: float | None) -> str:
    return "-" if value is None else number(value)


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
