"""The user's own figures: functions of a model's outputs and inputs, measured on both sides.

They run in this process, which is what the user asks for by naming them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ParityGateError
from ..report.types import Finding, Severity
from ..report.user_checks import MetricComparison
from ..samples.joined import join_batches
from ..user_code import find_callable

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array

    Arrays = Mapping[str, Array]
    Function = Callable[[Arrays, Arrays], Any]


@dataclass(frozen=True, slots=True)
class UserMetric:
    """``function(outputs, inputs)`` gives a number or a mapping of numbers; ``limit`` is how far they may be apart."""

    name: str
    function: Function
    limit: float | None = None


def as_metric(given: str | Function | tuple[str | Function, float]) -> UserMetric:
    """A metric from ``module:function[:MAX_DIFF]``, from a function, or from either with its MAX_DIFF.

    Raises ParityGateError PG201.
    """
    source, limit = given if isinstance(given, tuple) else (given, None)
    if isinstance(source, str) and limit is None:
        source, limit = _with_limit(source)
    name = source if isinstance(source, str) else getattr(source, "__qualname__", type(source).__name__)
    if limit is not None and not 0 <= limit < math.inf:
        raise ParityGateError("PG201", f"metric {name}", f"MAX_DIFF {limit} is not a number from 0 on")
    with redirect_stdout(sys.stderr):  # what the module prints is not our answer
        function = find_callable(source, "PG201") if isinstance(source, str) else source
    return UserMetric(name, function, limit)


def _with_limit(text: str) -> tuple[str, float | None]:
    source, _, last = text.rpartition(":")
    try:
        return source, float(last)
    except ValueError:
        return text, None


def measure_metrics(
    metrics: Sequence[UserMetric],
    samples: Sequence[Sample],
    expected: Sequence[Arrays],
    actual: Sequence[Arrays],
    bindings: Mapping[str, str],
) -> tuple[tuple[MetricComparison, ...], tuple[Finding, ...]]:
    """Every metric of both sides, and what speaks against them.

    ``expected`` and ``actual`` hold one mapping of outputs per sample; ``bindings`` maps the candidate's names to the
    reference's, which the functions see. Samples are joined along the batch where they can be. Raises ParityGateError
    PG201 when a function fails on the reference; a failure on the candidate alone is a finding.
    """
    if not (metrics and samples):
        return (), ()
    batches = [sample.batch for sample in samples]
    inputs = _joined([sample.feed for sample in samples], batches)
    renamed = [{bindings[name]: array for name, array in output.items() if name in bindings} for output in actual]
    sides = _joined(expected, batches), _joined(renamed, batches)
    measured = [_compare(metric, *sides, inputs) for metric in metrics]
    return tuple(row for rows, _ in measured for row in rows), tuple(each for _, found in measured for each in found)


def _joined(outputs: Sequence[Arrays], batches: Sequence[int | None]) -> dict[str, Array]:
    """What is there in every sample, read-only: the second side must find what the first one found."""
    common = [name for name in outputs[0] if all(name in output for output in outputs)]
    joined = join_batches([{name: output[name] for name in common} for output in outputs], batches)
    views = {name: array.view() for name, array in joined.items()}
    for view in views.values():
        view.flags.writeable = False
    return views


def _compare(
    metric: UserMetric, expected: Arrays, actual: Arrays, inputs: Arrays
) -> tuple[list[MetricComparison], list[Finding]]:
    reference = _call(metric, expected, inputs)
    try:
        candidate = _call(metric, actual, inputs)
    except ParityGateError as error:
        return [], [_finding(metric, "PG112", f"it works on the reference and fails on the candidate: {error.cause}")]
    rows = [
        MetricComparison(name, reference.get(name, math.nan), candidate.get(name, math.nan), metric.limit)
        for name in {**reference, **candidate}
    ]
    return rows, list(_findings(metric, rows))


def _findings(metric: UserMetric, rows: Sequence[MetricComparison]) -> Iterator[Finding]:
    for row in rows:
        which = row.name.removeprefix(metric.name).strip() or "it"
        if not row.proved:
            yield _finding(metric, "PG306", f"{which} is NaN on both sides: nothing was compared")
        elif not row.passed:
            sides = f"{row.reference:.9g} in the reference, {row.candidate:.9g} in the candidate"
            yield _finding(metric, "PG112", f"{which} is {sides}: more than {row.limit:g} apart")


def _finding(metric: UserMetric, code: str, message: str) -> Finding:
    """An error where the metric was to decide something, a warning where it only informs."""
    severity = Severity.WARNING if metric.limit is None else Severity.ERROR
    return Finding(code, severity, f"metric {metric.name}", message)


def _call(metric: UserMetric, outputs: Arrays, inputs: Arrays) -> dict[str, float]:
    """The metric's figures by name. Raises ParityGateError PG201."""
    try:
        with redirect_stdout(sys.stderr):
            value = metric.function(outputs, inputs)
        figures = _figures(metric.name, value)
    except Exception as error:  # the function is the user's code
        raise ParityGateError(
            "PG201",
            f"metric {metric.name}",
            f"{type(error).__name__}: {error}",
            f"It is called with outputs ({', '.join(outputs)}) and inputs ({', '.join(inputs)}), and gives a number or "
            "a mapping of numbers.",
        ) from error
    return figures


def _figures(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {name: float(value)}
    if not value:
        raise ValueError("it gives an empty mapping")
    return {f"{name} {key}": float(each) for key, each in value.items()}
