"""In each run: faults are put into a copy of one sample's outputs, and the comparison must notice them all.

A pass proves something only if the comparison can fail with these outputs, bindings and tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.types import Finding, Severity, Tolerance, Verdict
from ..signature import STRING, TensorSpec
from .compare import compare_outputs
from .output_checks import dtype_name
from .policy import Policy
from .thresholds import Allowances

if TYPE_CHECKING:
    from ..signature import Array

    Outputs = Mapping[str, Array]

MOST_ELEMENTS = 1_000_000
"""The check takes the smallest outputs up to this size in all, and at least one: it must cost next to nothing."""

FACTOR = 16.0
"""How many times its allowance the perturbed element is off."""

_HINT = "This is a bug in paritygate or in the policy; the pass of this output proves nothing. Please report it."


@dataclass(frozen=True, slots=True)
class _Trial:
    """One output: its partner's name, the reference's values, and a copy as the candidate's to be changed."""

    spec: TensorSpec
    partner: str
    want: Array
    copy: Array


@dataclass(frozen=True, slots=True)
class _Change:
    """One element of a trial's copy (``at`` counts flat) that becomes ``value``."""

    trial: _Trial
    at: int
    value: Any


def selfcheck(
    specs: Sequence[TensorSpec], expected: Outputs, actual: Outputs, bindings: Mapping[str, str], policy: Policy
) -> tuple[Finding, ...]:
    """What the comparison would not notice in the first sample; empty if it notices everything.

    ``expected`` and ``actual`` are the first sample's outputs. Copies of the expected ones, in the dtype of the actual
    ones, stand in for a perfect candidate; into them go one element that is off by :data:`FACTOR` times its allowance,
    one NaN, and one output is dropped.
    """
    trials = _trials(specs, expected, actual, bindings)

    def noticed(copies: Outputs) -> frozenset[str]:
        compared = compare_outputs(specs, [expected], [copies], bindings, policy)
        return frozenset(output.name for output in compared if output.verdict is Verdict.FAIL)

    return tuple(
        Finding("PG311", Severity.ERROR, "self-check", f"{fault} of output {name!r} went unnoticed", _HINT)
        for fault, name in _unnoticed(trials, noticed, policy)
    )


def _trials(
    specs: Sequence[TensorSpec], expected: Outputs, actual: Outputs, bindings: Mapping[str, str]
) -> list[_Trial]:
    """The smallest outputs that have values and one partner."""
    bound = list(bindings.values())
    partners = {reference: candidate for candidate, reference in bindings.items() if bound.count(reference) == 1}
    able = [spec for spec in specs if spec.name in partners and _has_values(expected.get(spec.name))]
    trials: list[_Trial] = []
    left = MOST_ELEMENTS
    for spec in sorted(able, key=lambda spec: expected[spec.name].size):
        want, partner = np.asarray(expected[spec.name]), partners[spec.name]
        left -= want.size
        if left >= 0 or not trials:
            trials.append(_Trial(spec, partner, want, _copy(want, actual.get(partner))))
    return trials


def _has_values(array: Array | None) -> bool:
    return array is not None and array.size > 0 and (array.dtype.kind in "biuU" or _is_floating(array))


def _is_floating(array: Array) -> bool:
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def _copy(want: Array, got: Array | None) -> Array:
    """The reference's values as a faithful candidate would give them."""
    if got is None or not (_is_floating(want) and _is_floating(got)):
        return want.copy()
    with np.errstate(over="ignore"):
        return want.astype(got.dtype, order="C")


def _unnoticed(
    trials: Sequence[_Trial], noticed: Callable[[Outputs], frozenset[str]], policy: Policy
) -> Iterator[tuple[str, str]]:
    """(fault, output) of whatever the comparison passes over."""
    changes = [change for trial in trials if (change := _perturbation(trial, policy))]
    yield from _check_changes("a perturbed element", changes, noticed)
    floating = [change for change in changes if _is_floating(change.trial.copy)]
    yield from _check_changes("a NaN", [replace(change, value=math.nan) for change in floating], noticed)
    for dropped in trials[:1]:
        kept = {trial.partner: trial.copy for trial in trials[1:]}
        if dropped.spec.name not in noticed(kept):
            yield "the loss", dropped.spec.name


def _check_changes(
    fault: str, changes: Sequence[_Change], noticed: Callable[[Outputs], frozenset[str]]
) -> Iterator[tuple[str, str]]:
    found = noticed({change.trial.partner: _changed(change) for change in changes})
    names = (change.trial.spec.name for change in changes)
    return ((fault, name) for name in names if name not in found)


def _changed(change: _Change) -> Array:
    """The trial's own copy, changed for good; for text another one, since a longer text needs a wider array."""
    copy = change.trial.copy
    if copy.dtype.kind == "U":
        copy = copy.astype(f"<U{len(change.value)}")
    copy.reshape(-1)[change.at] = change.value
    return copy


def _perturbation(trial: _Trial, policy: Policy) -> _Change | None:
    """The change of one element that must fail; None where nothing is finite, or the dtype has no such value."""
    flat = trial.copy.reshape(-1)
    if flat.dtype.kind == "U":
        return _Change(trial, 0, f"{flat[0]}?")
    if flat.dtype.kind == "b":
        return _Change(trial, 0, not flat[0])
    allowed = _allowed(trial, policy).reshape(-1)
    if not _is_floating(trial.copy):
        return _next_integer(trial, int(allowed.argmax()), float(allowed.max()))
    finite = np.isfinite(flat.astype(np.float64)) & np.isfinite(trial.want.reshape(-1).astype(np.float64))
    at = int(np.where(finite, allowed, -1.0).argmax())  # numpy takes NaN for the greatest, and so it must be tried
    return _Change(trial, at, _beyond(flat[at], float(allowed[at]))) if finite[at] else None


def _next_integer(trial: _Trial, at: int, allowed: float) -> _Change | None:
    value, info = int(trial.copy.reshape(-1)[at]), np.iinfo(trial.copy.dtype)
    step = math.floor(allowed) + 1 if math.isfinite(allowed) else 1
    fitting = [other for other in (value - step, value + step) if info.min <= other <= info.max]
    return _Change(trial, at, fitting[0]) if fitting else None


def _beyond(value: Any, allowed: float) -> Any:
    """A value that is :data:`FACTOR` times as far off as allowed, and at least the next one of its dtype."""
    size = allowed if math.isfinite(allowed) else abs(float(value)) + 1
    side = -1.0 if value > 0 else 1.0  # towards zero, where there is room
    with np.errstate(over="ignore"):
        other = np.asarray(float(value) + side * FACTOR * size).astype(value.dtype)
    return other if other != value else np.nextafter(value, np.asarray(side * np.inf).astype(value.dtype))


def _allowed(trial: _Trial, policy: Policy) -> Array:
    """How far each element may be off, as the comparison has it."""
    spec = replace(trial.spec, dtype=dtype_name(trial.want))
    if spec.dtype == STRING:
        return Allowances([trial.want], Tolerance())[0]
    tolerance = policy.tolerance(spec, (trial.want,), dtype_name(trial.copy))
    found = policy.allowances(spec, (trial.want,), tolerance)
    return Allowances([trial.want], tolerance)[0] if found is None else found[0]
