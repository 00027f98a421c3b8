"""The user's own metrics: functions of a model's outputs and inputs, computed for the reference and the candidate.

They run in this process; the user allows that by naming them.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ParityGateError
from ..report.types import Finding, Severity
from ..report.user_checks import MetricComparison
from ..samples.joined import join_batches
from ..user_code import find_callable
from .counted import counted_samples
from .tasks.measure import measure
from .tasks.parse import parse_task_metric
from .tasks.text import is_task_metric
from .tasks.values import TaskMetric

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array

    Arrays = Mapping[str, Array]
    Function = Callable[[Arrays, Arrays], Any]


Item = TypeVar("Item")

_STDOUT = threading.RLock()
"""Standard output is the whole process', and a gate's threads must not give it back to one another."""


@contextmanager
def _quietly() -> Iterator[None]:
    """What the user's code prints goes to standard error: it must not mix with our output."""
    with _STDOUT, redirect_stdout(sys.stderr):
        yield


@dataclass(frozen=True, slots=True)
class UserMetric:
    """``function(outputs, inputs)`` returns a number or a mapping of numbers; ``limit`` is their greatest allowed
    difference between reference and candidate, None for a metric that only informs.
    """

    name: str
    function: Function
    limit: float | None = None


def as_metric(given: str | Function | tuple[str | Function, float]) -> UserMetric | TaskMetric:
    """A metric from ``module:function[:MAX_DIFF]``, from a function, or from either with its MAX_DIFF.

    Or one of ours, from ``name(output, ...)[:MAX_DIFF]``. Raises ParityGateError PG201.
    """
    if isinstance(given, str) and is_task_metric(given):
        return parse_task_metric(given)
    source, limit = given if isinstance(given, tuple) else (given, None)
    if isinstance(source, str) and limit is None:
        source, limit = _with_limit(source)
    name = source if isinstance(source, str) else getattr(source, "__qualname__", type(source).__name__)
    if limit is not None and not 0 <= limit < math.inf:
        raise ParityGateError("PG201", f"metric {name}", f"MAX_DIFF {limit} is not a finite number of 0 or more")
    with _quietly():
        function = find_callable(source, "PG201") if isinstance(source, str) else source
    return UserMetric(name, function, limit)


def _with_limit(text: str) -> tuple[str, float | None]:
    source, _, last = text.rpartition(":")
    try:
        return source, float(last)
    except ValueError:
        return text, None


def measure_metrics(
    metrics: Sequence[UserMetric | TaskMetric],
    samples: Sequence[Sample],
    expected: Sequence[Arrays],
    actual: Sequence[Arrays],
    bindings: Mapping[str, str],
) -> tuple[tuple[MetricComparison, ...], tuple[Finding, ...]]:
    """Every metric of the reference and the candidate, and the findings about them.

    ``expected`` and ``actual`` hold one mapping of outputs per sample; ``bindings`` maps the candidate's output names
    to the reference's, which the functions see. Samples are joined along the batch axis if possible. Raises
    ParityGateError PG201 if a function fails on the reference; a failure on the candidate alone is a finding.
    """
    if not (metrics and samples):
        return (), ()
    numbers = counted_samples(samples)
    samples, expected, actual = _chosen(samples, numbers), _chosen(expected, numbers), _chosen(actual, numbers)
    batches = [sample.batch for sample in samples]
    inputs = _joined([sample.feed for sample in samples], batches)
    renamed = [{bindings[name]: array for name, array in output.items() if name in bindings} for output in actual]
    reference, candidate = _joined(expected, batches), _joined(renamed, batches)
    measured = [
        _of_task(metric, reference, candidate)
        if isinstance(metric, TaskMetric)
        else _compare(metric, reference, candidate, inputs)
        for metric in metrics
    ]
    return tuple(each for found, _ in measured for each in found), tuple(
        each for _, found in measured for each in found
    )


def _of_task(metric: TaskMetric, expected: Arrays, actual: Arrays) -> tuple[list[MetricComparison], list[Finding]]:
    compared, finding = measure(metric, expected, actual)
    return [compared], [finding] if finding else []


def _chosen(items: Sequence[Item], numbers: Sequence[int]) -> list[Item]:
    return [items[number] for number in numbers]


def _joined(outputs: Sequence[Arrays], batches: Sequence[int | None]) -> dict[str, Array]:
    """The outputs that every sample has, joined and read-only, so that one model's metrics can't affect the other's."""
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
        return [], [_finding(metric, "PG112", f"it works on the reference, but fails on the candidate: {error.cause}")]
    comparisons = [
        MetricComparison(name, reference.get(name, math.nan), candidate.get(name, math.nan), metric.limit)
        for name in {**reference, **candidate}
    ]
    return comparisons, list(_findings(metric, comparisons))


def _findings(metric: UserMetric, comparisons: Sequence[MetricComparison]) -> Iterator[Finding]:
    for each in comparisons:
        which = each.name.removeprefix(metric.name).strip() or "it"
        if not each.proved:
            yield _finding(metric, "PG306", f"{which} is NaN for both models: nothing was compared")
        elif not each.passed:
            values = f"{each.reference:.9g} for the reference, {each.candidate:.9g} for the candidate"
            yield _finding(metric, "PG112", f"{which} is {values}: they differ by more than {each.limit:g}")


def _finding(metric: UserMetric, code: str, message: str) -> Finding:
    """An error if the metric has a limit, a warning if it only informs."""
    severity = Severity.WARNING if metric.limit is None else Severity.ERROR
    return Finding(code, severity, f"metric {metric.name}", message)


def _call(metric: UserMetric, outputs: Arrays, inputs: Arrays) -> dict[str, float]:
    """The metric's values by name. Raises ParityGateError PG201."""
    try:
        with _quietly():
            value = metric.function(outputs, inputs)
        values = _values(metric.name, value)
    except Exception as error:  # the function is the user's code
        raise ParityGateError(
            "PG201",
            f"metric {metric.name}",
            f"{type(error).__name__}: {error}",
            f"It is called with outputs ({', '.join(outputs)}) and inputs ({', '.join(inputs)}), and must return a "
            "number or a mapping of numbers.",
        ) from error
    return values


def _values(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {name: float(value)}
    if not value:
        raise ValueError("it returns an empty mapping")
    return {f"{name} {key}": float(each) for key, each in value.items()}
