"""Two models, one set of samples, one verdict: the straight line of ``paritygate validate``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .elsewhere import releases_for, run_elsewhere
from .engines.choice import check_engine, handle_for
from .engines.handle import ModelHandle
from .engines.scopes import check_judging
from .errors import ParityGateError
from .expectations.expected import read_expectations
from .files.leftovers import clear_abandoned
from .files.output import check_output, explaining
from .files.replace import replace as replace_output
from .files.replace import staged
from .noise.request import Measurements
from .options import (
    AcceptedPrecision,
    CandidateOptions,
    GivenSamples,
    InputLimits,
    InspectOptions,
    JudgeOptions,
    LoadOptions,
    PolicyName,
    RunModelOptions,
    RunOptions,
    SampleOptions,
    ValidateOptions,
)
from .search.session import SearchedModels, add_searched_samples, needs_search
from .tasks.calls import InspectModel, RunCandidate, RunReference
from .tasks.types import Bindings, Inspection, ModelRun
from .workers.job_folder import JobFolder, job_folder
from .workers.runner import Runner, runner_for

if TYPE_CHECKING:
    from .report.report import Report
    from .signature import Array

T = TypeVar("T")

REFERENCE, CANDIDATE = "reference", "candidate"


class Stopwatch:
    """Seconds of each stage, for the report."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def measure(self, stage: str, work: Callable[[], T]) -> T:
        """Do the work and note how long it took, added to what the stage has taken before, even if it fails."""
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0) + time.perf_counter() - start, 3)


def compare_models(reference: Any, candidate: Any, options: ValidateOptions) -> Report:
    """Run both models, each in a process of its own unless it is a live object, and judge.

    Raises ParityGateError for everything but a verdict.
    """
    from .verdict.choice import choose_policy

    run = options.run
    check_budgets(options.judge, options.sample)
    candidate = replace(handle_for(candidate, LoadOptions(), run.engine), rounds_half=_takes_half(options.candidate))
    models = (handle_for(reference, options.load, run.engine), candidate)
    check_engine(models, run.engine)
    check_judging(options.judge, models[1].format)
    expectations, policy = read_expectations(options.judge), choose_policy(options.judge)
    watch = Stopwatch()
    with job_folder(run.keep) as job:
        releases_for(options.judge.prove_in, models[1].format.name)
        options = replace(options, sample=stored_samples(options.sample, job))
        expected, actual, bindings = _run_both(job, models, options, watch)
        elsewhere = run_elsewhere(job, models[1], bindings, options.judge.prove_in, run)
        from .conclude import Side, conclude
        from .report.redact import shown

        first, second = (
            Side(model.name, model.format, done, model.file)
            for model, done in zip(models, (expected, actual), strict=True)
        )
        accepted = options.candidate.precision.dtype
        report = conclude(
            job, first, second, bindings, policy, expectations, watch.seconds, accepted=accepted, elsewhere=elsewhere
        )
        report = _localised(job, models, bindings, report, options) if options.judge.localise else report
        return shown(report, redact=options.judge.redact)


def check_budgets(judge: JudgeOptions, sample: SampleOptions) -> None:
    """Raises ParityGateError PG201 for budgets without samples: a share of generated rows says nothing about use."""
    if judge.has_budget and sample.samples is None:
        cause = "a budget is counted on real data, and no samples were given"
        raise ParityGateError("PG201", "--max-flips, --max-drop, --min-snr", cause, "Give them with --samples FILE.")


def _takes_half(options: CandidateOptions) -> bool:
    """Whether the candidate may compute in float16: then its results are rounded as other hardware rounds them."""
    return options.precision is AcceptedPrecision.FP16


def _run_both(
    job: JobFolder, models: tuple[ModelHandle, ModelHandle], options: ValidateOptions, watch: Stopwatch
) -> tuple[ModelRun, ModelRun, Bindings]:
    """Both runs, with what a search has added to the samples, and the bindings with the reference's classes."""
    run, (reference, candidate) = options.run, models
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(runner_for(model, job, role, run.limits, variables=run.pass_env))
            for model, role in zip(models, (REFERENCE, CANDIDATE), strict=True)
        )
        from . import conclude  # noqa: F401  numpy and all: it costs nothing while the workers start

        limits = InputLimits(single_rows=candidate.format.takes_single_rows)
        condition = measurements_for(options.judge).noise
        call = RunReference(job, reference, options.sample, limits, condition=condition)
        expected = watch.measure(REFERENCE, lambda: first.call(call, run.on_event))
        bindings = with_classes(Bindings(options.bind.bind_inputs, options.bind.bind), expected)

        def run_again(runner: Runner) -> ModelRun:
            # a budget asks for no noise, and the roundings of a quantised graph would only be told as PG312
            measurements = None if options.judge.has_budget else measurements_for(options.judge)
            by_rows = reference.format.computes_by_rows
            call = RunCandidate(
                job, candidate, bindings, measurements, reference=expected.signature, of_estimator=by_rows
            )
            return runner.call(call, run.on_event)

        actual = watch.measure(CANDIDATE, lambda: run_again(second))
        bindings = actual.bindings or bindings
        if needs_search(actual, options.judge.search):
            searched = SearchedModels(
                job, reference, candidate, bindings, options.sample, options.judge.search, run, run_again
            )
            expected, actual = watch.measure("search", lambda: add_searched_samples(searched, expected, actual))
    for model, role, bound in ((reference, REFERENCE, Bindings()), (candidate, CANDIDATE, bindings)):
        run_second_runtime(job, model, role, bound, run)
    return expected, actual, bindings


def run_second_runtime(job: JobFolder, model: ModelHandle, role: str, bindings: Bindings, run: RunOptions) -> None:
    """Run a model's second runtime, if one was chosen, on the job's samples."""
    if model.second is None:
        return
    other = replace(model, runtime=model.second, second=None)
    with runner_for(other, job, f"{role}-other-runtime", run.limits, variables=run.pass_env) as runner:
        runner.call(RunCandidate(job, other, bindings, destination=job.other_runtime(role)), run.on_event)


def _localised(
    job: JobFolder,
    models: tuple[ModelHandle, ModelHandle],
    bindings: Bindings,
    report: Report,
    options: ValidateOptions,
) -> Report:
    from .localise.session import FailedModels, locate_divergence, repro_in, resolved

    reference, candidate = models
    keep = options.run.keep
    repro = resolved(options.judge.repro) or (repro_in(keep, candidate) if keep else None)
    return locate_divergence(FailedModels(job, reference, candidate, bindings, repro, options.run), report)


def with_classes(bindings: Bindings, reference: ModelRun) -> Bindings:
    """The bindings, with the classes that the reference knows for each output that is bound to its scores."""
    known = reference.signature.classes
    named = {name: known[partner] for name, partner in bindings.outputs.items() if partner in known}
    return replace(bindings, classes={**known, **named, **bindings.classes})


def measurements_for(options: JudgeOptions) -> Measurements:
    """What is measured of a candidate: its noise unless the bounds are given or those of the table."""
    noise = options.rtol is None and options.policy is not PolicyName.TABLE
    return Measurements(options.budget, options.second_opinion, noise)


def run_model(model: Any, output: Path, options: RunModelOptions) -> ModelRun:
    """Run one model and write its outputs to a file, whole or not at all. Raises ParityGateError."""
    from .samples import load_outputs, load_samples
    from .samples.joined import join_batches
    from .tasks.outputs import check_suffix, statistics_of

    run = options.run
    handle = handle_for(model, options.load, run.engine)
    check_engine([handle], run.engine)
    check_suffix(output)
    check_output(output, inputs=inputs_of(handle, options.sample))
    with job_folder(run.keep) as job:
        with runner_for(handle, job, "model", run.limits, variables=run.pass_env) as runner:
            samples = stored_samples(options.sample, job)
            call = RunReference(job, handle, samples, comparing=False, condition=False)
            done = runner.call(call, run.on_event)
        outputs = load_outputs(job.expected)
        if handle.second is not None:
            _check_second_runtime(job, handle, done, run)
        batches = [sample.batch for sample in load_samples(job.samples).items]
        joined = join_batches(outputs, batches)
        _write_arrays(joined, output)
    return replace(done, statistics=statistics_of(joined))


def _check_second_runtime(job: JobFolder, handle: ModelHandle, done: ModelRun, run: RunOptions) -> None:
    """Raises PG310 where the model's two runtimes give different outputs."""
    from .samples import load_outputs
    from .verdict.engine_agreement import compare_runtimes

    run_second_runtime(job, handle, REFERENCE, Bindings(), run)
    other = load_outputs(job.other_runtime(REFERENCE))
    for finding in compare_runtimes(done.signature, load_outputs(job.expected), other, done.facts.precision):
        raise ParityGateError(finding.code, finding.where, finding.message, finding.hint)


def _write_arrays(arrays: Mapping[str, Array], output: Path) -> None:
    from .tasks.outputs import write_outputs

    with explaining(str(output)):
        clear_abandoned(output.parent)
        with staged(output) as partial:
            with partial.open("wb") as file:
                write_outputs(arrays, output, file)
            replace_output(partial, output)


def inputs_of(model: ModelHandle, samples: SampleOptions) -> list[Path]:
    """All files and folders that a command reads and must not write to."""
    return [path for path in (model.file, model.load.weights_file, samples.samples) if isinstance(path, Path)]


def stored_samples(options: SampleOptions, job: JobFolder) -> SampleOptions:
    """The options with samples that a process can read: live ones are written to the job's folder. Raises PG204."""
    if not isinstance(options.samples, GivenSamples):
        return options
    from .samples.given import stored

    return stored(options, job.path)


def inspect_model(model: Any, options: InspectOptions) -> Inspection:
    """A model's facts and signature, read in a worker. Raises ParityGateError."""
    handle, run = handle_for(model, options.load), options.run
    with (
        job_folder(run.keep) as job,
        runner_for(handle, job, "model", run.limits, variables=run.pass_env) as runner,
    ):
        inspection = runner.call(InspectModel(handle), run.on_event)
    from .report.environment import sha256_of

    file = handle.file
    return replace(inspection, sha256=sha256_of(file) if file is not None and file.exists() else None)
