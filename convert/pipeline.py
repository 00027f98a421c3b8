"""The straight line: load, sample, run, convert, re-load, run, compare, judge, export."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..validate.detect import detect, format_named, normalise
from ..validate.engines.base import LoadOptions
from ..validate.engines.registry import Format
from ..validate.errors import ParityGateError
from ..validate.samples.limits import fixed_lengths
from ..validate.search.session import Contest, needs_search, searched
from ..validate.session import Settings, Stopwatch, as_file, run_candidate_on, with_classes
from ..validate.workers.job import Bindings, source_name
from ..validate.workers.runner import Runner, job_folder, runner_for
from .export import check_output, publish
from .routes.base import Candidate, ConvertOptions
from .routes.registry import ROUTES, Way

if TYPE_CHECKING:
    from ..validate.report.types import Report
    from ..validate.workers.job import Ran
    from .calls import Made


NEEDED_AT_THE_END = ("paritygate.validate.verdict.judge", "onnx")
"""What this process imports once the workers have started: it costs nothing while they do the same."""

SUFFIXES = {"onnx": ".onnx", "mlmodel": ".mlmodel", "mlpackage": ".mlpackage"}
"""What ``--to`` may say -> the suffix that the file would have."""

_WITH_COREMLTOOLS = ("coremltools", "keras")
"""What a source's worker may import on the way to Core ML: coremltools asks TensorFlow for Keras."""

_SHARE = 0.5
"""Of the conversion's time: what measuring the candidate's rounding may cost, unless the user gives a budget."""

_NO_CANDIDATE = {"PG301", "PG302"}
"""The engine refused what a way had made: another way may do better."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be converted, and where to. ``target`` None goes by OUTPUT's suffix; ``route`` picks one way."""

    source: Any
    output: Path
    target: str | None = None
    load: LoadOptions = field(default_factory=LoadOptions)
    convert: ConvertOptions = field(default_factory=ConvertOptions)
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """The report, and the file that was written; ``path`` is None unless parity holds."""

    report: Report
    path: Path | None

    def __str__(self) -> str:
        return f"{self.report}\n{f'written: {self.path}' if self.path else 'nothing written'}"

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


@dataclass(frozen=True, slots=True)
class _Task:
    """A job and all that stays the same while its ways are tried. ``destination`` is the candidate's name."""

    job: Job
    row: Format
    target: Format
    folder: Path
    destination: Path
    settings: Settings
    watch: Stopwatch


def run_job(job: Job, settings: Settings) -> Conversion:
    """Convert, prove, and only then export. Raises ParityGateError for everything but a verdict.

    The ways to the target are tried in their order until one proves parity; the report says why others fell out. When
    none does, the answer is the first one's.
    """
    job = replace(job, source=normalise(job.source))
    row, suffix = detect(job.source), _suffix(job)
    target = format_named("onnx" if suffix == ".onnx" else "coreml")
    ways = _ways(row, target, job.route)
    check_output(job.output, suffix)
    asked = job.convert
    plan = replace(settings.plan, images=asked.images, shapes=asked.shapes, bounds=asked.ranges)
    settings = replace(settings, plan=plan)
    name = job.output.name if job.output.suffix == suffix else job.output.name + suffix
    with job_folder(settings.keep) as folder:
        task = _Task(job, row, target, folder, folder / "converted" / name, settings, Stopwatch())
        report, candidate = _first_good(task, ways)
        if candidate is not None:
            publish(candidate.path, job.output)
    return Conversion(report, job.output if candidate is not None else None)


def _first_good(task: _Task, ways: tuple[Way, ...]) -> tuple[Report, Candidate | None]:
    """The first passing report with its candidate; without one the first report, or else the first error."""
    reports: list[Report] = []
    candidates: list[Candidate] = []
    errors: list[tuple[Way, ParityGateError]] = []
    fallen: list[str] = []
    reference: Ran | None = None
    while ways:
        made, actual = _make_and_run(task, ways, reference)
        reference = made.reference or reference
        errors += made.failures
        fallen += [f"route {way.name} fell out: {error.subject}: {error.cause}" for way, error in made.failures]
        way, ways = _divided(ways, len(made.failures))
        if way is None or made.candidate is None or reference is None or actual is None:
            break
        if isinstance(actual, ParityGateError):
            errors.append((way, actual))
            fallen.append(f"route {way.name} fell out: {actual.subject}: {actual.cause}")
            continue
        report = _judged(task, reference, made.candidate, actual, tuple(fallen))
        if report.passed:
            return report, made.candidate
        reports.append(report)
        candidates.append(made.candidate)
        fallen.append(f"route {way.name} fell out: {_reason(report)}")
    if reports:
        return _localised(task, reports[0], candidates[0]), None
    raise _together(errors)


def _localised(task: _Task, report: Report, candidate: Candidate) -> Report:
    """The report with where numbers part; the repro goes beside OUTPUT, or into the folder that is kept."""
    from ..validate.localise.session import Failed, localised

    if not task.settings.localise:
        return report
    job, beside = task.job, task.settings.keep or task.job.output.parent
    return localised(
        task.folder,
        Failed(job.source, task.row, job.load, candidate.path, task.target, _bindings(candidate), beside),
        report,
        task.settings,
    )


def _divided(ways: tuple[Way, ...], failed: int) -> tuple[Way | None, tuple[Way, ...]]:
    """The way after the failed ones, and those behind it."""
    return (ways[failed], ways[failed + 1 :]) if failed < len(ways) else (None, ())


def _make_and_run(
    task: _Task, ways: tuple[Way, ...], reference: Ran | None
) -> tuple[Made, Ran | ParityGateError | None]:
    """The first candidate that can be made, and its run.

    Both workers start at once: the candidate's engine is imported while the source's framework works.
    """
    job, settings, turn = task.job, task.settings, len(list(task.folder.glob("candidate*")))
    also = _WITH_COREMLTOOLS if task.target.name == "coreml" else ()
    with ExitStack() as stack:
        source = stack.enter_context(
            runner_for(job.source, task.row, task.folder, f"source{turn or ''}", settings.limits, also)
        )
        checker = stack.enter_context(
            runner_for(job.output, task.target, task.folder, f"candidate{turn or ''}", settings.limits)
        )
        for module in NEEDED_AT_THE_END:
            importlib.import_module(module)
        name, arguments = _making(task, ways, reference)
        made: Made = task.watch.measure("source", lambda: source.call(name, arguments, settings.on_event))
        reference = reference or made.reference
        if made.candidate is None or reference is None:
            return made, None
        bindings = with_classes(_bindings(made.candidate), reference)
        path = made.candidate.path

        def run_again(runner: Runner) -> Ran:
            return run_candidate_on(runner, task.folder, task.target, path, bindings, settings, _SHARE * made.seconds)

        try:
            ran = task.watch.measure("candidate", lambda: run_again(checker))
            if needs_search(ran, settings):
                reference, ran = _searched(task, path, bindings, reference, ran, run_again)
        except ParityGateError as e:
            if e.code not in _NO_CANDIDATE:
                raise
            return made, e
    return replace(made, reference=reference), ran


def _searched(
    task: _Task, path: Path, bindings: Bindings, reference: Ran, ran: Ran, run_again: Callable[[Runner], Ran]
) -> tuple[Ran, Ran]:
    job, settings = task.job, task.settings
    contest = Contest(task.folder, task.row, job.source, job.load, task.target, path, bindings, run_again)
    return task.watch.measure("search", lambda: searched(contest, reference, ran, settings))


def _making(task: _Task, ways: tuple[Way, ...], reference: Ran | None) -> tuple[str, dict[str, Any]]:
    """The source worker's task: with the original's run the first time, without it afterwards."""
    arguments = {
        "folder": task.folder,
        "row": task.row,
        "source": task.job.source,
        "options": task.job.load,
        "destination": task.destination,
        "ways": ways,
        "convert_options": task.job.convert,
    }
    if reference is not None:
        return "paritygate.convert.calls:convert_again", arguments
    first = arguments | {"plan": task.settings.plan, "output": task.job.output}
    return "paritygate.convert.calls:run_and_convert", first


def _bindings(candidate: Candidate) -> Bindings:
    return Bindings(candidate.inputs, candidate.outputs, candidate.classes, candidate.images)


def _judged(task: _Task, reference: Ran, candidate: Candidate, actual: Ran, fallen: tuple[str, ...]) -> Report:
    from ..validate.verdict.judge import Side, judge

    plan = task.settings.plan
    return judge(
        task.folder,
        Side(source_name(task.job.source), task.row, reference, as_file(task.job.source)),
        Side(str(task.job.output), task.target, actual, candidate.path),
        candidate.outputs,
        task.settings.policy,
        task.watch.seconds,
        route=candidate.route,
        notes=fallen + candidate.notes + _advice(task.row, actual, task.target),
        inputs=candidate.inputs,
        fixed=fixed_lengths(reference.signature, plan.shapes, plan.bounds),
        expectations=task.settings.expectations,
    )


def _advice(row: Format, actual: Ran, target: Format) -> tuple[str, ...]:
    """What to do where the samples had to be narrowed for the candidate, and the source would take them as they are."""
    narrowed = row.computes_in_width_of_input and target.name == "onnx" and actual.notes
    return ("--dtype float64 keeps the inputs in double precision",) if narrowed else ()


def _reason(report: Report) -> str:
    """The first thing that took the pass away."""
    outputs = [f"{output.name}: {output.reason}" for output in report.outputs if not output.passed]
    findings = [f"{finding.where}: {finding.message}" for finding in report.findings if finding.code]
    return (outputs + findings)[0]


def _together(errors: list[tuple[Way, ParityGateError]]) -> ParityGateError:
    """The first way's error; what the others said stands behind its cause."""
    first = errors[0][1]
    others = "".join(f"; route {way.name}: {error.subject}: {error.cause}" for way, error in errors[1:])
    return ParityGateError(first.code, first.subject, first.cause + others, first.remedy) if others else first


def _suffix(job: Job) -> str:
    """The suffix of the format that is asked for. Raises PG201 and PG205."""
    name = job.target or job.output.suffix.removeprefix(".")
    if name in SUFFIXES:
        return SUFFIXES[name]
    raise ParityGateError(
        "PG205" if job.target is None else "PG201",
        str(job.output) if job.target is None else job.target,
        f"{name or 'no suffix'!r} is not a target format",
        f"Targets: {', '.join(sorted(SUFFIXES))}.",
    )


def _ways(row: Format, target: Format, wanted: str | None) -> tuple[Way, ...]:
    ways = ROUTES.get((row.name, target.name))
    if not ways:
        raise ParityGateError("PG407", row.title, f"no route leads to {target.title}")
    picked = tuple(way for way in ways if wanted in (None, way.name))
    if not picked:
        names = ", ".join(way.name for way in ways)
        raise ParityGateError("PG201", str(wanted), f"no route from {row.title} is called so", f"Routes: {names}.")
    return picked
