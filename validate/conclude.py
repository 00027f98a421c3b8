"""From the files that both runs left in the job folder to a report: read, judge, describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .coverage.count import check_coverage, coverage_of
from .elsewhere import Elsewhere, findings_elsewhere
from .engines.registry import (
    KERAS_MODEL,
    ONNX,
    SAVED_MODEL,
    SKLEARN_ESTIMATOR,
    TORCH_EXPORT,
    TORCH_FACTORY,
    TORCH_MODULE,
    Format,
)
from .expectations.expected import Expectations
from .options import AcceptedPrecision
from .report.environment import describe_environment, sha256_of
from .report.report import Report
from .report.tree_sentences import tree_findings
from .report.types import Finding, ModelSummary, OutputComparison, Severity, Tolerance
from .report.user_checks import Source
from .report.weight_sentences import weight_findings
from .samples import Sample, load_outputs, load_samples
from .signature import EPSILON
from .tasks.randomness import random_operators
from .tasks.types import Bindings, ModelRun
from .verdict.comparison import CandidateOutputs, Comparison, Outputs, ReferenceOutputs
from .verdict.judge import judge
from .verdict.noise_floor import Deviations
from .verdict.policy import Policy
from .workers.job_folder import JobFolder

REFERENCE, CANDIDATE = "reference", "candidate"
"""The two roles."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models: its name for the user, its format, its run, and the file that was run, if it was one."""

    name: str
    format: Format
    run: ModelRun
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class HowConverted:
    """How the candidate was made: the route's name, its notes, and lengths of dynamic axes that the user fixed."""

    route: str
    notes: tuple[str, ...] = ()
    fixed: Mapping[str, int] = field(default_factory=dict)


def conclude(
    job: JobFolder,
    reference: Side,
    candidate: Side,
    bindings: Bindings,
    policy: Policy,
    expectations: Expectations,
    timings: Mapping[str, float],
    conversion: HowConverted | None = None,
    *,
    accepted: str = "float32",
    elsewhere: Sequence[Elsewhere] = (),
) -> Report:
    """The report on two runs. ``conversion`` is None for two models that the user chose.

    ``elsewhere`` are the candidate's runs in other runtimes.

    ``accepted`` is the coarsest dtype that such a candidate may compute in, if the reference computes in a finer one.

    Raises ParityGateError PG201 when the policy or the expectations name an output that doesn't exist.
    """
    comparison = read_comparison(job, reference, candidate, bindings, conversion)
    judgement = judge(comparison, policy, expectations)
    coverage = coverage_of(
        comparison.samples, comparison.reference, comparison.of_reference.expected, candidate.run.coverage
    )
    severity = _of_parts(judgement.outputs)
    notes = (conversion.notes if conversion else ()) + judgement.notes
    return Report(
        outputs=judgement.outputs,
        reference=_summary(reference),
        candidate=_summary(candidate),
        samples=replace(reference.run.samples, count=judgement.compared),
        environment=describe_environment(candidate.run.runtime),
        findings=(
            *judgement.findings,
            *(() if conversion else _unaccepted(reference.run, candidate, accepted)),
            *(() if conversion else _without_budget(reference, candidate, judgement.outputs)),
            *tree_findings(candidate.run.trees, severity),
            *_unmeasured(candidate, judgement.outputs),
            *(weight_findings(candidate.run.weights, severity) if candidate.run.weights else ()),
            *check_coverage(coverage, expectations.min_coverage),
            *_notes_of_runs(reference, candidate),
            *_notes(notes, "conversion"),
            *findings_elsewhere(job, comparison, policy, expectations, elsewhere),
        ),
        route=conversion.route if conversion else "",
        timings=timings,
        user_metrics=judgement.metrics,
        weights=candidate.run.weights,
        trees=candidate.run.trees,
        coverage=coverage,
        budgets=judgement.budgets,
        charts=judgement.charts,
    )


def read_comparison(
    job: JobFolder, reference: Side, candidate: Side, bindings: Bindings, conversion: HowConverted | None = None
) -> Comparison:
    """What both runs left in the job folder, as the values that a verdict is made of."""
    own = {spec.name: spec.name for spec in candidate.run.signature.outputs}
    outputs = bindings.outputs if conversion else own | dict(bindings.outputs)
    samples, expected = load_samples(job.samples).items, load_outputs(job.expected)
    return Comparison(
        reference=reference.run.signature,
        candidate=candidate.run.signature,
        samples=samples,
        of_reference=ReferenceOutputs(
            expected,
            load_outputs(job.repeated),
            load_outputs(job.paired),
            _optional(job.other_runtime(REFERENCE)),
        ),
        of_candidate=CandidateOutputs(
            load_outputs(job.actual),
            _optional(job.unoptimised),
            _optional(job.second_opinion),
            _optional(job.other_runtime(CANDIDATE)),
            _optional(job.repeated_actual) or (),
        ),
        outputs=outputs,
        inputs=bindings.inputs,
        deviations=_deviations(job, candidate.run, _drift(job, candidate.run, samples, expected)),
        precision=candidate.run.facts.precision,
        single_rows=candidate.format.takes_single_rows,
        converted=conversion is not None,
        fixed=conversion.fixed if conversion else {},
        models=(reference.name, candidate.name),
        random=random_operators(candidate.run.facts.operators),
        fixed_outputs=_fixed_outputs(reference.run, candidate.run, outputs),
        path_types=_path_types(reference.run, candidate.run, outputs),
    )


def _fixed_outputs(reference: ModelRun, candidate: ModelRun, outputs: Mapping[str, str]) -> frozenset[str]:
    """The reference's outputs that depend on no input by the candidate's graph, and by its own if that is known."""
    by_candidate = frozenset(outputs[name] for name in candidate.fixed_outputs or () if name in outputs)
    own = reference.fixed_outputs
    return by_candidate if own is None else by_candidate & own


def _path_types(reference: ModelRun, candidate: ModelRun, outputs: Mapping[str, str]) -> dict[str, str]:
    """The finer of both graphs' coarsest types, by the reference's outputs: neither excuses the other alone."""
    own = reference.path_types
    both = ((outputs[name], dtype) for name, dtype in candidate.path_types.items() if outputs.get(name) in own)
    return {name: min(dtype, own[name], key=EPSILON.__getitem__) for name, dtype in both}


def _optional(path: Path) -> Outputs | None:
    return load_outputs(path) if path.is_file() else None


def _deviations(job: JobFolder, run: ModelRun, drift: Outputs) -> Deviations | None:
    if run.rounding is None or not run.rounding.runs:
        return None
    noise, unoptimised, shaken = map(load_outputs, (job.noise, job.unoptimised, job.shaken))
    return Deviations(run.rounding, noise, unoptimised, shaken, drift)


def _drift(job: JobFolder, run: ModelRun, samples: Sequence[Sample], expected: Outputs) -> Outputs:
    """How far the reference is from the exact sums of its trees, once the candidate's are proved to be the same."""
    if run.trees is None or run.trees.proved < run.trees.trees or not job.trees.is_file():
        return ()
    from .trees.drift import drifts
    from .trees.job_file import load_reading
    from .trees.tables import table_of

    tables = [table_of(sample.feed) for sample in samples]
    known = [table for table in tables if table is not None]
    return drifts(load_reading(job.trees).ensembles, known, expected) if len(known) == len(expected) else ()


def _of_parts(outputs: Sequence[OutputComparison]) -> Severity:
    """How severe it is that weights or trees differ: a waiver, or the user's own bounds for all, accept it."""
    bounds = [output.tolerance for output in outputs if output.tolerance and not output.tolerance.exact]
    waived = any(output.waiver for output in outputs)
    own = bool(bounds) and all(tolerance.source in (Source.USER, Source.BUDGET) for tolerance in bounds)
    return Severity.WARNING if waived or own else Severity.ERROR


def _unaccepted(reference: ModelRun, candidate: Side, accepted: str) -> Iterator[Finding]:
    """A precision that nobody asked for: its wide tolerance would hide what a float32 candidate fails for."""
    precision = candidate.run.facts.precision
    own = (reference.facts.precision, *(spec.dtype for spec in reference.signature.outputs))
    limit = max(EPSILON[dtype] for dtype in (accepted, *own) if dtype in EPSILON)
    if precision and EPSILON[precision] > limit:
        message = (
            f"it computes in {precision}, the reference does not, and all values were judged by what {precision} allows"
        )
        hint = f"If that is intended, accept it with --precision {_PRECISION_OPTIONS[precision]}."
        yield Finding("PG322", Severity.ERROR, candidate.name, message, hint)


_QUANTISED = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "MatMulNBits"}
    | {"QLinearConv", "QLinearMatMul", "GatherBlockQuantized", "DynamicQuantizeMatMul"}
    | {"constexpr_affine_dequantize", "constexpr_blockwise_shift_scale", "constexpr_lut_to_dense"}
)
"""Operators of ONNX and of ML Programs on quantised numbers."""

_IN_FLOAT = (ONNX, KERAS_MODEL, SAVED_MODEL, TORCH_EXPORT, TORCH_MODULE, TORCH_FACTORY, SKLEARN_ESTIMATOR)
"""Formats whose models compute in float unless their operators say otherwise."""


def _without_budget(reference: Side, candidate: Side, outputs: Sequence[OutputComparison]) -> Iterator[Finding]:
    """Quantised numbers are beyond any tolerance of float32: that the values agree by one is luck of the samples."""
    quantised = sorted(_QUANTISED & candidate.run.facts.operators.keys())
    own = {name for name in reference.run.facts.operators if "quant" in name.lower()}
    judged = [output.name for output in outputs if output.tolerance and _is_measured(output.tolerance)]
    if quantised and judged and not own and reference.format in _IN_FLOAT:
        message = f"it is quantised ({', '.join(quantised)}), the reference is not, and no budget says what may change"
        hint = "Give one: --max-flips 0.5%, --max-drop METRIC:VALUE or --min-snr DB, with --samples."
        yield Finding("PG336", Severity.ERROR, candidate.name, message, hint)


def _is_measured(tolerance: Tolerance) -> bool:
    return tolerance.source in (Source.DEFAULT, Source.COMPUTED) and not tolerance.exact


_PRECISION_OPTIONS = {each.dtype: each.value for each in AcceptedPrecision}


def _unmeasured(candidate: Side, outputs: Sequence[OutputComparison]) -> Iterator[Finding]:
    """Why the rounding of a candidate wasn't measured, where an output is held to the table for that.

    The row of a precision that the candidate itself claims bounds nothing: then it is an error.
    """
    run = candidate.run
    tables = [output.name for output in outputs if output.tolerance and _is_of_table(output.tolerance)]
    if run.rounding is None or not run.rounding.missing or not tables:
        return
    severity = Severity.ERROR if run.facts.precision else Severity.WARNING
    message = f"its rounding could not be measured, so the table of dtypes decides: {run.rounding.missing}"
    yield Finding("PG316", severity, CANDIDATE, message, "Set bounds of your own with --rtol and --atol.")


def _is_of_table(tolerance: Tolerance) -> bool:
    return tolerance.source is Source.DEFAULT and not tolerance.exact


def _notes_of_runs(reference: Side, candidate: Side) -> Iterator[Finding]:
    yield from _notes(reference.run.notes, REFERENCE)
    yield from _notes(candidate.run.notes, CANDIDATE)
    for doubt in candidate.run.doubts:
        yield Finding("PG314", Severity.ERROR, CANDIDATE, doubt, "Run the search again with another --seed.")
    yield from _notes(candidate.run.rounding.notes if candidate.run.rounding else (), CANDIDATE)


def _notes(notes: tuple[str, ...], where: str) -> Iterator[Finding]:
    for note in notes:
        yield Finding("", Severity.NOTE, where, note)


def _summary(side: Side) -> ModelSummary:
    run = side.run
    return ModelSummary(
        path=side.name,
        format=side.format.title,
        signature=run.signature,
        size=run.facts.size,
        sha256=sha256_of(side.file) if side.file is not None and side.file.exists() else None,
        opset=run.facts.opset,
        runtime=str(run.runtime),
    )
