"""What is measured of each budget, on the user's own samples; docs/quantization.md explains the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...expectations.counted import counted_samples
from ...report.budgets import BudgetKind, BudgetResult, Budgets
from ...report.types import Finding, OutputComparison, Severity, Verdict
from ...report.user_checks import MetricComparison
from ...signature import STRING, TensorSpec
from ..labels import agreement_of_scores
from ..metrics import measure
from .binomial import CONFIDENCE, rows_needed, share_at_most
from .bounded import ANYTHING, Roles, covered

if TYPE_CHECKING:
    from ...samples import Sample
    from ...signature import Array

    Outputs = Sequence[Mapping[str, Array]]


@dataclass(frozen=True, slots=True)
class Judged:
    """The comparisons with the budgets' verdicts, what was measured of each budget, and the findings on it."""

    outputs: tuple[OutputComparison, ...]
    results: tuple[BudgetResult, ...] = ()
    findings: tuple[Finding, ...] = ()


def apply_budgets(
    budgets: Budgets,
    compared: tuple[OutputComparison, ...],
    samples: Sequence[Sample],
    outputs: tuple[Outputs, Outputs],
    metrics: Sequence[MetricComparison],
    roles: Roles,
) -> Judged:
    """Hold both models' ``outputs`` for the ``samples`` (the reference's first) to the budgets.

    Outputs that fail by anything but their values or labels keep their verdict.
    """
    if not budgets:
        return Judged(compared)
    numbers = counted_samples(samples)
    able = [output for output in compared if output.metrics is not None and not output.metrics.mismatched]
    pairs = {output.name: _pair(output, numbers, outputs) for output in able}
    flips = tuple(_flips(budgets, pairs, roles))
    snr = tuple(_snr(budgets, pairs, {output.name: output.dtype for output in able}))
    drops = tuple(_drops(budgets, metrics))
    results = (*flips, *snr, *drops)
    bounded = covered(budgets, [TensorSpec(o.name, o.dtype, None) for o in able], roles)
    judged = tuple(_judged(output, (*flips, *snr), roles) if output.name in bounded else output for output in compared)
    return Judged(judged, results, tuple(_findings(results, len(numbers))))


def _pair(
    output: OutputComparison, numbers: Sequence[int], outputs: tuple[Outputs, Outputs]
) -> tuple[list[Array], list[Array]]:
    expected, actual = outputs
    return [expected[n][output.name] for n in numbers], [actual[n][output.candidate_name] for n in numbers]


def _flips(
    budgets: Budgets, pairs: Mapping[str, tuple[list[Array], list[Array]]], roles: Roles
) -> Iterator[BudgetResult]:
    limit = budgets.max_flips
    for name in [name for name in pairs if name in roles.classes] if limit is not None else ():
        rows, flips = _counted(*pairs[name], labels=name in roles.labels)
        assert limit is not None
        upper = share_at_most(flips, rows, CONFIDENCE) if rows else 1.0
        yield BudgetResult(BudgetKind.FLIPS, name, limit, flips / rows if rows else math.nan, rows, flips, upper)


def _counted(want: Sequence[Array], got: Sequence[Array], *, labels: bool) -> tuple[int, int]:
    """Rows, and how many of them change their class."""
    if labels:
        flips = sum(int(np.count_nonzero(left != right)) for left, right in zip(want, got, strict=True))
        return sum(left.size for left in want), flips
    agreement = agreement_of_scores(want, got)
    return (agreement.rows, agreement.flips) if agreement else (0, 0)


def _snr(
    budgets: Budgets, pairs: Mapping[str, tuple[list[Array], list[Array]]], dtypes: Mapping[str, str]
) -> Iterator[BudgetResult]:
    if budgets.min_snr is None:
        return
    for name, (want, got) in pairs.items():
        if dtypes[name] != STRING and dtypes[name].startswith(("float", "bfloat")):
            errors = measure(want, got, ANYTHING)[0].errors
            value = math.nan if errors is None or errors.snr_db is None else errors.snr_db
            yield BudgetResult(BudgetKind.SNR, name, budgets.min_snr, value)


def _drops(budgets: Budgets, metrics: Sequence[MetricComparison]) -> Iterator[BudgetResult]:
    """A metric that could not be computed of the candidate, or isn't there, has dropped by an unknown amount."""
    for name, limit in budgets.max_drop.items():
        found = [each for each in metrics if is_metric(name, each.name)]
        for each in found:
            yield BudgetResult(BudgetKind.DROP, each.name, limit, each.reference - each.candidate)
        if not found:
            yield BudgetResult(BudgetKind.DROP, name, limit, math.nan)


def is_metric(given: str, name: str) -> bool:
    """Whether the user means this metric: by its whole name, or by that of its function."""
    return given in (name, name.rpartition(":")[2])


def _judged(output: OutputComparison, results: Sequence[BudgetResult], roles: Roles) -> OutputComparison:
    own = [result for result in results if result.subject == output.name]
    over = [result for result in own if not result.passed]
    if output.metrics is None or output.code not in ("", "PG107"):
        return output
    if over:
        code = "PG107" if over[0].kind is BudgetKind.FLIPS else "PG101"
        return replace(output, verdict=Verdict.FAIL, code=code, reason="; ".join(each.sentence for each in over))
    if output.code and output.name in roles.labels:
        return replace(output, verdict=Verdict.PASS, code="", reason=f"{output.reason}, which the budget allows")
    return output


def _findings(results: Sequence[BudgetResult], samples: int) -> Iterator[Finding]:
    for result in results:
        if result.kind is BudgetKind.DROP and not result.passed:
            yield Finding("PG112", Severity.ERROR, f"metric {result.subject}", result.sentence)
        if result.passed and result.upper is not None and result.upper > result.limit:
            message = (
                f"{result.flips:,} flips of {result.rows:,} rows can't prove {100 * result.limit:g} %: "
                f"with {CONFIDENCE:.0%} confidence the share is at most {100 * result.upper:.2g} %"
            )
            rows = rows_needed(result.limit, CONFIDENCE)
            hint = f"Without a flip it takes {rows:,} rows." if rows else ""
            yield Finding("PG335", Severity.WARNING, f"output {result.subject}", message, hint)
