"""The charts of a comparison: a pure function of what was compared. Nothing of it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...adapters.lost_ranks import restore_ranks
from ...report.charts import Flips, OutputCharts
from ...report.types import OutputComparison
from ...report.user_checks import Source
from ...samples.types import Sample
from ...signature import ClassLabel, TensorSpec
from ..policy import Policy
from ..thresholds import Allowances
from .elements import heat_map, histogram, quantiles, scatter
from .flips import flips_of_labels, flips_of_scores
from .values import Values
from .worst import worst_samples

if TYPE_CHECKING:
    from ...signature import Array

    Outputs = Sequence[Mapping[str, Array]]

MOST_OUTPUTS = 12
"""Of a report: those that failed before the others."""

_MOST_SCORES = 4_000_000


@dataclass(frozen=True, slots=True)
class Shared:
    """What the charts of all outputs are made from, one mapping or sample for each that was compared."""

    specs: Sequence[TensorSpec]
    expected: Outputs
    actual: Outputs
    samples: Sequence[Sample]
    numbers: Sequence[int]
    policy: Policy
    floors: Mapping[str, tuple[Array, ...]]
    classes: Mapping[str, tuple[ClassLabel, ...]]


def charts_of(compared: Sequence[OutputComparison], shared: Shared) -> tuple[OutputCharts, ...]:
    """The charts of each output whose values were compared, in the order of the outputs."""
    measured = [output for output in compared if output.metrics is not None and output.candidate_name]
    kept = {output.name for output in sorted(measured, key=lambda output: output.passed)[:MOST_OUTPUTS]}
    specs = {spec.name: spec for spec in shared.specs}
    return tuple(_charts(output, specs[output.name], shared) for output in measured if output.name in kept)


def _charts(output: OutputComparison, spec: TensorSpec, shared: Shared) -> OutputCharts:
    want, got = (
        tuple(np.asarray(each[name]) for each in side)
        for side, name in ((shared.expected, output.name), (shared.actual, output.candidate_name))
    )
    want, _ = restore_ranks(want, got)
    elements = sum(array.size for array in want)
    is_text = any(array.dtype.kind not in "biufV" for array in (*want, *got))
    if is_text or output.tolerance is None:
        flips = flips_of_labels(Values(want, got, ())) if output.labels else None
        return OutputCharts(output.name, elements, flips=flips)
    values = Values(want, got, _allowed(output, spec, want, shared), _fitting(shared.floors.get(spec.name, ()), want))
    errors = output.metrics.errors if output.metrics else None
    return OutputCharts(
        output.name,
        elements,
        errors.max_absolute if errors else None,
        quantiles([np.asarray(each) for each in values.allowed]),
        quantiles(values.floors),
        histogram(values),
        scatter(values),
        heat_map(values),
        worst_samples(values, shared.samples, shared.numbers),
        None if output.labels is None else _flips(values, shared.classes.get(output.name, ())),
        sum(int(np.count_nonzero(np.isnan(values.error(sample)))) for sample in range(len(want))),
    )


def _allowed(output: OutputComparison, spec: TensorSpec, want: tuple[Array, ...], shared: Shared) -> Sequence[Array]:
    """How far each element may be off; nothing is allowed for single elements under a budget."""
    tolerance = output.tolerance
    if tolerance is None or tolerance.exact or tolerance.source is Source.BUDGET:
        return [np.zeros(array.shape) for array in want]
    computed = shared.policy.allowances(spec, want, tolerance)
    return Allowances(want, tolerance) if computed is None else computed


def _fitting(floors: Sequence[Array], want: Sequence[Array]) -> Sequence[Array]:
    return floors if [each.shape for each in floors] == [each.shape for each in want] else ()


def _flips(values: Values, classes: Sequence[ClassLabel]) -> Flips | None:
    """By scores where there are several of a floating type, else by the values themselves."""
    if all(array.dtype.kind in "biu" for array in values.want):
        return flips_of_labels(values)
    if values.elements > _MOST_SCORES or any(not array.ndim or array.shape[-1] < 2 for array in values.want):
        return None
    return flips_of_scores(values, classes) if len({array.shape[-1] for array in values.want}) == 1 else None
