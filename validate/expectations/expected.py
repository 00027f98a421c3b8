"""What a user wants to be told, or has signed off, in addition to the tolerances. Light: made before workers start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from ..options import JudgeOptions
from ..report.budgets import Budgets
from ..report.types import Finding, OutputComparison
from ..report.user_checks import MetricComparison, Waiver
from .config import config_note, find_config, read_waivers

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array
    from .tasks.values import TaskMetric
    from .user_metrics import UserMetric

    Outputs = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Expectations:
    """``thresholds`` are where decisions change, by output; ``metrics`` the user's figures; ``waivers`` exceptions.

    ``notes`` say where these come from. ``min_coverage`` is the least share that samples must exercise, None for any.
    ``budgets`` take the place of tolerances for the outputs that they bound.
    """

    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    metrics: tuple[UserMetric | TaskMetric, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    notes: tuple[Finding, ...] = ()
    min_coverage: float | None = None
    budgets: Budgets = field(default_factory=Budgets)


def read_expectations(options: JudgeOptions) -> Expectations:
    """What the options ask for, the config file read. Raises ParityGateError PG201, and PG202 for the file."""
    config, metrics = find_config(options.config), _metrics(options)
    _check_drops(options.max_drop, metrics)
    return Expectations(
        options.thresholds,
        metrics,
        read_waivers(config),
        config_note(config),
        options.min_coverage,
        Budgets(options.max_flips, options.max_drop, options.min_snr),
    )


def _check_drops(drops: Mapping[str, float], metrics: Sequence[UserMetric | TaskMetric]) -> None:
    """Refuse a drop of what is no metric. What a mapping of numbers holds is known only when it is computed."""
    for given in drops:
        if not any(given in (metric.name, metric.name.rpartition(":")[2]) or " " in given for metric in metrics):
            known = ", ".join(metric.name for metric in metrics) or "none"
            cause = "there is no such metric"
            raise ParityGateError("PG201", f"--max-drop {given}", cause, f"Metrics given with --metric: {known}.")


def _metrics(options: JudgeOptions) -> tuple[UserMetric | TaskMetric, ...]:
    if not options.metrics:
        return ()
    from .user_metrics import as_metric

    return tuple(map(as_metric, options.metrics))


def apply_expectations(
    expectations: Expectations,
    outputs: Sequence[OutputComparison],
    samples: Sequence[Sample],
    expected: Sequence[Outputs],
    actual: Sequence[Outputs],
    bindings: Mapping[str, str],
    models: Sequence[str],
) -> tuple[tuple[OutputComparison, ...], tuple[MetricComparison, ...], tuple[Finding, ...]]:
    """The comparisons with today's waivers, the metrics of both models, and the findings on either.

    ``expected`` and ``actual`` are both models' outputs for the ``samples`` that were compared; ``models`` are their
    names. Raises ParityGateError PG201 for a metric that fails.
    """
    from .user_metrics import measure_metrics
    from .waivers import apply_waivers

    outputs, waived = apply_waivers(outputs, expectations.waivers, models, date.today())  # the user's own day
    metrics, differing = measure_metrics(expectations.metrics, samples, expected, actual, bindings)
    return outputs, metrics, (*expectations.notes, *waived, *differing)
