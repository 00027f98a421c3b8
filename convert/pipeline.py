"""The straight line: load, sample, run, convert, re-load, run, compare, judge, export."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..validate.elsewhere import Elsewhere, releases_for, run_elsewhere
from ..validate.engines.choice import check_engine, handle_for
from ..validate.engines.handle import ModelHandle
from ..validate.errors import ParityGateError
from ..validate.expectations.expected import Expectations, read_expectations
from ..validate.report.budgets import Budgets
from ..validate.report.redact import shown
from ..validate.samples.limits import fixed_lengths
from ..validate.search.session import SearchedModels, add_searched_samples, needs_search
from ..validate.session import (
    Stopwatch,
    inputs_of,
    measurements_for,
    run_second_runtime,
    stored_samples,
    with_classes,
)
from ..validate.tasks.calls import RunCandidate
from ..validate.workers.job_folder import JobFolder, job_folder
from ..validate.workers.runner import Runner, runner_for
from .calls import Converted, ConvertSource
from .conversion import Compared, Unpublished
from .export import check_output
from .options import ConvertOptions, Precision
from .quantize.check import check_quantize, with_deployment_target
from .quantize.stage import Proved, quantised
from .rejected import NO_CANDIDATE, Rejected, combined, reason_of, with_way_out
from .routes.base import Candidate, RouteOptions
from .routes.registry import Route, routes_for
from .scopes import check_target_options
from .targets import MLPACKAGE, ONNX_MODEL, Target, choose_target

if TYPE_CHECKING:
    from ..validate.conclude import HowConverted, Side
    from ..validate.report.report import Report
    from ..validate.tasks.types import ModelRun
    from ..validate.verdict.policy import Policy

NEEDED_AT_THE_END = ("paritygate.validate.conclude", "onnx")
"""What this process imports once the workers have started: it costs nothing while they do the same."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that stays the same while the routes are tried. ``destination`` is the candidate's name.

    ``budgeted`` are the expectations with the user's budgets, which are for quantised numbers alone.
    """

    source: ModelHandle
    output: Path
    target: Target
    options: ConvertOptions
    policy: Policy
    expectations: Expectations
    budgeted: Expectations
    job: JobFolder
    destination: Path
    watch: Stopwatch


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A candidate that was run, by its route, and what it made of the samples."""

    route: Route
    candidate: Candidate
    model: ModelHandle
    expected: ModelRun
    actual: ModelRun
    elsewhere: tuple[Elsewhere, ...] = ()


@contextmanager
def unpublished(source: Any, output: Path, options: ConvertOptions) -> Iterator[Unpublished]:
    """Convert and prove; the candidate is there while the block runs. Raises ParityGateError for all but a verdict.

    The routes to the target are tried in their order until one proves parity; the report says why others were
    rejected. When none does, the report is the first one's.
    """
    from ..validate.verdict.choice import choose_policy

    handle = handle_for(source, options.load, options.run.engine)
    target = choose_target(output, options.target.to)
    check_target_options(options, target)
    releases_for(options.judge.prove_in, target.format.name)
    check_quantize(options, target)
    options = with_deployment_target(options, target)
    routes = routes_for(handle.format, target, options.target.route, options.target.opset)
    inputs = inputs_of(handle, options.sample)
    check_output(output, target, inputs)
    budgeted, policy = read_expectations(options.judge), choose_policy(options.judge)
    expectations = replace(budgeted, budgets=Budgets())
    name = output.name if output.suffix in target.suffixes else output.name + target.suffix
    with job_folder(options.run.keep) as job:
        options = replace(options, sample=stored_samples(options.sample, job))
        destination = job.converted / name
        plan = _Plan(handle, output, target, options, policy, expectations, budgeted, job, destination, Stopwatch())
        check_engine((handle, _handle_of(plan, destination)), options.run.engine)
        report, proved = _first_proved(plan, routes)
        path = proved.candidate.path if proved is not None else None
        if proved is not None and options.target.quantize is not None:
            report, path = quantised(_as_proved(plan, report, proved), options.target.quantize)
        compared = partial(_compared, plan, proved) if proved is not None else None
        yield Unpublished(shown(report, redact=options.judge.redact), path, tuple(inputs), compared)


def _compared(plan: _Plan, attempt: _Attempt) -> Compared:
    """What the verdict on a candidate was made of; of a quantised one, what that on its original was made of."""
    from ..validate.conclude import read_comparison

    sides = _reference_side(plan, attempt), _candidate_side(plan, attempt)
    comparison = read_comparison(plan.job, *sides, attempt.candidate.bindings, _how(plan, attempt, ()))
    bindings = with_classes(attempt.candidate.bindings, attempt.expected)
    return Compared(comparison, plan.policy, bindings)


def _as_proved(plan: _Plan, report: Report, attempt: _Attempt) -> Proved:
    """What is quantised, and how it is judged."""
    return Proved(
        plan.job,
        report,
        _reference_side(plan, attempt),
        attempt.model,
        attempt.actual,
        with_classes(attempt.candidate.bindings, attempt.expected),
        plan.policy,
        plan.budgeted,
        plan.output,
        plan.options.run,
        plan.target.may_import,
        plan.options.coreml.deployment_target if plan.target is MLPACKAGE else None,
        plan.watch.seconds,
    )


def _first_proved(plan: _Plan, routes: tuple[Route, ...]) -> tuple[Report, _Attempt | None]:
    """The first passing report with its candidate; without one the first report, or else the first error."""
    failed: list[tuple[Report, _Attempt]] = []
    rejected: list[Rejected] = []
    notes: list[str] = []
    reference: ModelRun | None = None
    while routes:
        attempt, newly_rejected, reference = _attempt(plan, routes, reference)
        rejected += newly_rejected
        notes += map(str, newly_rejected)
        routes = _remaining(routes, newly_rejected, attempt)
        if attempt is None:
            continue
        report = _judge(plan, attempt, tuple(notes))
        if report.passed:
            return report, attempt
        failed.append((report, attempt))
        said = shown(report, redact=plan.options.judge.redact)
        notes.append(f"route {attempt.route.name} was rejected: {reason_of(said)}")
    if failed:
        return _localised(plan, *failed[0]), None
    raise with_way_out(combined(rejected), plan.options.target.opset)


def _remaining(routes: tuple[Route, ...], rejected: list[Rejected], attempt: _Attempt | None) -> tuple[Route, ...]:
    """The routes behind the last one that was tried, without those that can't do better than it."""
    last = rejected[-1].route if attempt is None else attempt.route
    code = rejected[-1].error.code if attempt is None else None
    return tuple(route for route in routes[routes.index(last) + 1 :] if route.may_follow(code))


def _attempt(
    plan: _Plan, routes: tuple[Route, ...], reference: ModelRun | None
) -> tuple[_Attempt | None, list[Rejected], ModelRun | None]:
    """The first candidate that can be made and run, the routes rejected before it, and the source's run.

    Both workers start at once: the candidate's runtime is imported while the source's framework works.
    """
    job, run, target = plan.job, plan.options.run, plan.target
    with ExitStack() as stack:
        source = stack.enter_context(
            runner_for(plan.source, job, job.unused("source"), run.limits, target.may_import, variables=run.pass_env)
        )
        handle = _handle_of(plan, plan.destination)
        checker = stack.enter_context(
            runner_for(handle, job, job.unused("candidate"), run.limits, variables=run.pass_env)
        )
        for module in NEEDED_AT_THE_END:
            importlib.import_module(module)
        call = _conversion_call(plan, routes, first=reference is None)
        converted = plan.watch.measure("source", lambda: source.call(call, run.on_event))
        rejected = [Rejected(route, error) for route, error in converted.failures]
        reference = reference or converted.reference
        route = converted.route
        if converted.candidate is None or route is None or reference is None:
            return None, rejected, reference
        try:
            attempt = _run(plan, route, converted, reference, checker)
        except ParityGateError as error:
            if error.code not in NO_CANDIDATE:
                raise
            return None, [*rejected, Rejected(route, error)], reference
    return attempt, rejected, attempt.expected


def _conversion_call(plan: _Plan, routes: tuple[Route, ...], *, first: bool) -> ConvertSource:
    """The source worker's task: with the source's run the first time, without it afterwards."""
    options, coreml = plan.options, plan.options.coreml
    return ConvertSource(
        plan.job,
        plan.source,
        routes,
        RouteOptions(
            options.target.opset,
            coreml.deployment_target,
            options.target.precision,
            coreml.images,
            coreml.class_labels,
            options.load.ranges,
            coreml.shapes,
        ),
        plan.destination,
        plan.output,
        replace(options.limits, single_rows=plan.target.format.takes_single_rows),
        options.sample if first else None,
        measurements_for(options.judge).noise,
    )


def _handle_of(plan: _Plan, path: Path) -> ModelHandle:
    """How the candidate is opened. No file is there yet when its worker starts, only its name is known."""
    handle = ModelHandle.of(path, plan.target.format, plan.options.run.engine)
    return replace(handle, rounds_half=plan.options.target.precision != Precision.FP32)


def _run(plan: _Plan, route: Route, converted: Converted, reference: ModelRun, checker: Runner) -> _Attempt:
    """Run the candidate on the samples, and both models on those that a search adds."""
    assert converted.candidate is not None
    candidate, options, job = converted.candidate, plan.options, plan.job
    model = _handle_of(plan, candidate.path)
    bindings = with_classes(candidate.bindings, reference)
    measurements = measurements_for(options.judge)

    def run_again(runner: Runner) -> ModelRun:
        run = runner.call(RunCandidate(job, model, bindings, measurements), options.run.on_event)
        return _as_requested(run, plan)

    expected, actual = reference, plan.watch.measure("candidate", lambda: run_again(checker))
    if needs_search(actual, options.judge.search):
        models = SearchedModels(
            job,
            plan.source,
            model,
            bindings,
            options.sample,
            options.judge.search,
            options.run,
            run_again,
            options.coreml.images,
        )
        expected, actual = plan.watch.measure("search", lambda: add_searched_samples(models, expected, actual))
    run_second_runtime(job, model, "candidate", bindings, options.run)
    elsewhere = run_elsewhere(job, model, bindings, options.judge.prove_in, options.run)
    return _Attempt(route, candidate, model, expected, actual, elsewhere)


def _as_requested(run: ModelRun, plan: _Plan) -> ModelRun:
    """An ONNX file with few weights, or with most of them in float32, doesn't look like float16: we know it is."""
    if plan.options.target.precision == Precision.FP32 or plan.target is not ONNX_MODEL:
        return run
    return replace(run, facts=replace(run.facts, precision=run.facts.precision or "float16"))


def _judge(plan: _Plan, attempt: _Attempt, notes: tuple[str, ...]) -> Report:
    from ..validate.conclude import conclude

    return conclude(
        plan.job,
        _reference_side(plan, attempt),
        _candidate_side(plan, attempt),
        attempt.candidate.bindings,
        plan.policy,
        plan.expectations,
        plan.watch.seconds,
        _how(plan, attempt, notes),
        elsewhere=attempt.elsewhere,
    )


def _how(plan: _Plan, attempt: _Attempt, notes: tuple[str, ...]) -> HowConverted:
    from ..validate.conclude import HowConverted

    candidate, options = attempt.candidate, plan.options
    fixed = fixed_lengths(attempt.expected.signature, options.coreml.shapes, options.load.ranges)
    return HowConverted(candidate.route, (*notes, *candidate.notes, *_advice(plan, attempt.actual)), fixed)


def _candidate_side(plan: _Plan, attempt: _Attempt) -> Side:
    from ..validate.conclude import Side

    return Side(str(plan.output), plan.target.format, attempt.actual, attempt.candidate.path)


def _reference_side(plan: _Plan, attempt: _Attempt) -> Side:
    from ..validate.conclude import Side

    return Side(plan.source.name, plan.source.format, attempt.expected, plan.source.file)


def _advice(plan: _Plan, actual: ModelRun) -> tuple[str, ...]:
    """What to do where the samples had to be narrowed for the candidate, and the source would take them as they are."""
    narrowed = plan.source.format.computes_in_width_of_input and plan.target.holds_float64 and actual.notes
    return ("--dtype float64 keeps the inputs in double precision",) if narrowed else ()


def _localised(plan: _Plan, report: Report, attempt: _Attempt) -> Report:
    """The report with the first divergence; the repro goes where it should, else beside OUTPUT or what is kept."""
    from ..validate.localise.session import FailedModels, locate_divergence, repro_in, resolved

    options = plan.options
    if not options.judge.localise:
        return report
    repro = resolved(options.judge.repro) or repro_in(options.run.keep or plan.output.parent, attempt.model)
    failed = FailedModels(plan.job, plan.source, attempt.model, attempt.candidate.bindings, repro, options.run)
    return locate_divergence(failed, report)
