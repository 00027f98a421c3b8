"""What a user wants to be told, or has signed off, beside the tolerances. Light: made before the workers start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..report.types import Finding, OutputComparison
from ..report.user_checks import MetricComparison, Waiver

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array
    from .user_metrics import Function, UserMetric

    Outputs = Mapping[str, Array]
    GivenMetric: TypeAlias = str | Function | tuple[str | Function, float]


@dataclass(frozen=True, slots=True)
class Expectations:
    """``thresholds`` are where decisions change, by output; ``metrics`` the user's figures; ``waivers`` exceptions."""

    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    metrics: tuple[UserMetric, ...] = ()
    waivers: tuple[Waiver, ...] = ()


def expect(
    thresholds: Mapping[str, float | Sequence[float]] | None,
    metrics: Sequence[GivenMetric],
    config: Path | None,
) -> Expectations:
    """The library's keyword arguments as one value. Raises ParityGateError PG201, and PG202 for the config file."""
    from .config import read_waivers

    several = {
        name: tuple(given) if isinstance(given, Sequence) else (given,) for name, given in (thresholds or {}).items()
    }
    return Expectations(several, _metrics(metrics), read_waivers(config))


def _metrics(given: Sequence[GivenMetric]) -> tuple[UserMetric, ...]:
    if not given:
        return ()
    from .user_metrics import as_metric

    return tuple(map(as_metric, given))


def settle(
    expectations: Expectations,
    rows: Sequence[OutputComparison],
    samples: Sequence[Sample],
    sides: tuple[Sequence[Outputs], Sequence[Outputs]],
    bindings: Mapping[str, str],
    models: Sequence[str],
) -> tuple[tuple[OutputComparison, ...], tuple[MetricComparison, ...], tuple[Finding, ...]]:
    """The rows with today's waivers, the metrics of both sides, and what is to be said of either.

    ``sides`` are the reference's outputs and the candidate's, for the ``samples`` that were compared; ``models`` are
    both models' names. Raises ParityGateError PG201 for a metric that fails.
    """
    from .user_metrics import measure_metrics
    from .waivers import apply_waivers

    rows, waived = apply_waivers(rows, expectations.waivers, models, date.today())  # the user's own day
    metrics, differing = measure_metrics(expectations.metrics, samples, *sides, bindings)
    return rows, metrics, (*waived, *differing)
