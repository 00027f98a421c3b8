"""From two runs over the same samples to a verdict: a pure function of values. It reads no file and runs no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..adapters.undefined_rows import without_undefined_rows
from ..adapters.widths import accepting, widened
from ..expectations.expected import Expectations, apply_expectations
from ..report.budgets import BudgetResult
from ..report.charts import OutputCharts
from ..report.types import Finding, OutputComparison
from ..report.user_checks import MetricComparison
from ..signature import EPSILON, STRING, Signature, TensorSpec
from .budgets.apply import apply_budgets
from .budgets.bounded import BudgetPolicy, Roles, covered
from .charts.collect import Shared, charts_of
from .compare import compare_outputs
from .comparison import Comparison, Outputs
from .engine_agreement import check_engines
from .evidence import Evidence
from .interface import check_interface
from .noise_floor import evidence_of
from .output_checks import check_declared, check_informative
from .policies import NarrowPolicy, coarser_dtype
from .policy import Policy
from .reference_checks import DEGENERATE_KINDS, EDGES, batch_dependent, check_batch, check_repeatable, is_noise
from .self_check import selfcheck
from .steadiness import check_steady
from .suggest import suggested_bindings
from .thresholds import Allowances

if TYPE_CHECKING:
    from ..signature import Array

_MOST_CLASSES = 100_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a comparison found. ``compared`` is the number of samples that count, ``notes`` are for the user.

    ``budgets`` says how the candidate kept to the user's budgets. ``charts`` shows what was compared.
    """

    outputs: tuple[OutputComparison, ...]
    findings: tuple[Finding, ...]
    metrics: tuple[MetricComparison, ...]
    compared: int
    notes: tuple[str, ...]
    budgets: tuple[BudgetResult, ...] = ()
    charts: tuple[OutputCharts, ...] = ()


@dataclass(frozen=True, slots=True)
class _Values:
    """What is compared: the outputs' specs, the samples' numbers, and both models' outputs for these samples."""

    specs: Sequence[TensorSpec]
    numbers: Sequence[int]
    expected: Outputs
    actual: Outputs
    notes: tuple[str, ...]


def judge(comparison: Comparison, policy: Policy, expectations: Expectations) -> Judgement:
    """Compare every output, check the reference against itself and the candidate against its own signature.

    Raises ParityGateError PG201 when the policy or the expectations name an output that doesn't exist, or a metric
    fails.
    """
    reference, samples = comparison.reference, comparison.samples
    expected, outputs = comparison.of_reference.expected, comparison.outputs
    dependent, left_out = _batch_dependent(comparison)
    unsteady = check_repeatable(reference.outputs, expected, comparison.of_reference.repeated, policy)
    policy, precision_notes = _at_precision(policy, comparison)
    values = _values(comparison, left_out)
    evidence = _evidence(comparison, values)
    policy = policy.informed(evidence)
    if _is_as_fine(comparison) and is_noise(values.specs, values.expected, _paired(comparison, values), evidence):
        dependent &= left_out
    disputed, actual = check_engines(comparison, values.specs, values.actual, values.numbers, policy)
    shown = [samples[number] for number in values.numbers]
    actual = without_undefined_rows(shown, values.expected, actual, outputs)
    roles = Roles(frozenset({*_scores(values.specs), *reference.classes} - reference.labels.keys()), _labels(reference))
    compared = compare_outputs(
        values.specs,
        values.expected,
        actual,
        outputs,
        _within_budgets(policy, expectations, values.specs, roles),
        scores=(*_scores(values.specs), *reference.classes),
        labels=reference.labels,
        thresholds=expectations.thresholds,
        edges=[samples[number].kind in EDGES for number in values.numbers],
    )
    compared, metrics, expectation_findings = apply_expectations(
        expectations, compared, shown, values.expected, actual, outputs, comparison.models
    )
    judged = apply_budgets(expectations.budgets, compared, shown, (values.expected, actual), metrics, roles)
    findings = (
        *unsteady,
        *check_steady(comparison),
        *disputed,
        *expectation_findings,
        *judged.findings,
        *_self_check(values, actual, outputs, policy),
        *check_batch(samples, dependent, left_out),
        *check_declared(comparison.candidate.outputs, comparison.of_candidate.actual),
        *check_informative(judged.outputs, comparison.fixed_outputs),
        *check_interface(comparison),
    )
    notes = (*precision_notes, *values.notes, *suggested_bindings(judged.outputs, values.expected, actual))
    shared = Shared(
        values.specs, values.expected, actual, shown, values.numbers, policy, evidence.floors, reference.classes
    )
    charts = charts_of(judged.outputs, shared)
    return Judgement(judged.outputs, findings, metrics, len(values.numbers), notes, judged.results, charts)


@dataclass(frozen=True, slots=True)
class Bounds:
    """``numbers`` are the samples that count; ``allowed`` says for each output how far its elements may be off in each.

    Outputs of text are absent from ``allowed``: they are compared exactly.
    """

    numbers: tuple[int, ...]
    allowed: Mapping[str, Sequence[Array]]


def bounds_of(comparison: Comparison, policy: Policy, outputs: Sequence[OutputComparison]) -> Bounds:
    """What :func:`judge` allowed each element of ``outputs``, its comparisons, under the same policy."""
    _, left_out = _batch_dependent(comparison)
    policy, _ = _at_precision(policy, comparison)
    values = _values(comparison, left_out)
    policy = policy.informed(_evidence(comparison, values))
    specs = {spec.name: spec for spec in values.specs}
    allowed: dict[str, Sequence[Array]] = {}
    for output in outputs:
        if output.tolerance is not None and output.dtype != STRING:
            want = tuple(expected[output.name] for expected in values.expected)
            spec = replace(specs[output.name], dtype=output.dtype)
            own = policy.allowances(spec, want, output.tolerance)
            allowed[output.name] = Allowances(want, output.tolerance) if own is None else own
    return Bounds(tuple(values.numbers), allowed)


def _batch_dependent(comparison: Comparison) -> tuple[frozenset[int], frozenset[int]]:
    """The samples whose outputs depend on their batch, and those of them that are left out of the comparison."""
    of_reference = comparison.of_reference
    dependent = batch_dependent(comparison.reference.outputs, of_reference.expected, of_reference.paired)
    left_out = (number for number in dependent if comparison.samples[number].kind in DEGENERATE_KINDS)
    return dependent, frozenset(left_out)


def _labels(reference: Signature) -> frozenset[str]:
    return frozenset(reference.labels)


def _within_budgets(policy: Policy, expectations: Expectations, specs: Sequence[TensorSpec], roles: Roles) -> Policy:
    """The policy for what no budget bounds. Labels stay exact here, so that each flip is counted."""
    if not expectations.budgets:
        return policy
    return BudgetPolicy(policy, covered(expectations.budgets, specs, roles) - roles.labels)


def _values(comparison: Comparison, left_out: frozenset[int]) -> _Values:
    """The outputs that count, the candidate's in the reference's widths where it holds others."""
    expected, actual = comparison.of_reference.expected, comparison.of_candidate.actual
    specs, notes = comparison.reference.outputs, tuple[str, ...]()
    if comparison.single_rows:
        specs = accepting(specs)
        actual, notes = widened(actual, expected, comparison.outputs)
    numbers = [number for number in range(len(comparison.samples)) if number not in left_out]
    return _Values(specs, numbers, [expected[n] for n in numbers], [actual[n] for n in numbers], notes)


def _is_as_fine(comparison: Comparison) -> bool:
    """Whether the candidate rounds no more than the reference does, so that its noise says what the reference's is."""
    specs = (*comparison.reference.inputs, *comparison.reference.outputs)
    coarsest = max((EPSILON[spec.dtype] for spec in specs if spec.dtype in EPSILON), default=0.0)
    return comparison.deviations is not None and comparison.deviations.rounding.unit <= coarsest


def _paired(comparison: Comparison, values: _Values) -> Outputs:
    """The reference's outputs for each sample that counts, from a batch with a copy of it where it was run so."""
    paired = comparison.of_reference.paired
    return [paired[number] or want for number, want in zip(values.numbers, values.expected, strict=True)]


def _evidence(comparison: Comparison, values: _Values) -> Evidence:
    deviations = comparison.deviations
    if deviations is None or not deviations.rounding.runs:
        return Evidence()
    at_edge = [comparison.samples[number].kind in EDGES for number in values.numbers]
    feeds = [sample.feed for sample in comparison.samples]
    measured = evidence_of(deviations.of(values.numbers), values.expected, feeds, comparison.outputs, at_edge)
    return replace(measured, coarsest=comparison.path_types)


def _at_precision(policy: Policy, comparison: Comparison) -> tuple[Policy, tuple[str, ...]]:
    """The policy for what the candidate computes in, with a note where an output of the reference is finer."""
    precision = comparison.precision
    if not precision:
        return policy, ()
    finer = _finer(comparison.reference, precision)
    note = f"the candidate computes in {precision}, whose tolerance holds for {', '.join(finer)}"
    return NarrowPolicy(policy, precision), (note,) if finer else ()


def _finer(signature: Signature, precision: str) -> list[str]:
    return [spec.name for spec in signature.outputs if coarser_dtype(spec.dtype, precision) != spec.dtype]


def _scores(specs: Sequence[TensorSpec]) -> Iterator[str]:
    """Outputs whose last axis may count classes: their greatest entries are compared in addition to the values."""
    for spec in specs:
        shape = spec.shape
        if spec.dtype.startswith("float") and shape is not None and len(shape) == 2:
            width = shape[1]
            if isinstance(width, int) and 1 < width <= _MOST_CLASSES:
                yield spec.name


def _self_check(values: _Values, actual: Outputs, outputs: Mapping[str, str], policy: Policy) -> tuple[Finding, ...]:
    if not values.numbers:
        return ()
    return selfcheck(values.specs, values.expected[0], actual[0], outputs, policy)
