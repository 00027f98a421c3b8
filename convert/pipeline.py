"""The straight line: load, sample, run, convert, re-load, run, compare, judge, export."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..validate.detect import detect, format_named, normalise
from ..validate.engines.base import LoadOptions
from ..validate.engines.registry import Format
from ..validate.errors import ParityGateError
from ..validate.job import source_name
from ..validate.runners import job_folder, runner_for
from ..validate.session import Settings, Stopwatch, as_file, run_candidate_on
from .export import check_output, publish
from .routes.base import ConvertOptions
from .routes.registry import ROUTES

if TYPE_CHECKING:
    from ..validate.job import Ran
    from ..validate.report import Report
    from .tasks import Made


NEEDED_AT_THE_END = ("paritygate.validate.judge", "onnx")
"""What this process imports once the workers have started: it costs nothing while they do the same."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be converted, and where to. ``target`` None goes by OUTPUT's suffix."""

    source: Any
    output: Path
    target: str | None = None
    load: LoadOptions = field(default_factory=LoadOptions)
    convert: ConvertOptions = field(default_factory=ConvertOptions)


@dataclass(frozen=True, slots=True)
class Conversion:
    """The report, and the file that was written; ``path`` is None unless parity holds."""

    report: Report
    path: Path | None

    def __str__(self) -> str:
        return f"{self.report}\n{f'written: {self.path}' if self.path else 'nothing written'}"

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


def run_job(job: Job, settings: Settings) -> Conversion:
    """Convert, prove, and only then export. Raises ParityGateError for everything but a verdict."""
    job = replace(job, source=normalise(job.source))
    row = detect(job.source)
    target = _target(job)
    route = _route(row, target)
    check_output(job.output)
    watch = Stopwatch()
    with job_folder(settings.keep) as folder:
        made, actual = _make_and_run(job, row, target, route, folder, settings, watch)
        from ..validate.judge import Side, judge

        report = judge(
            folder,
            Side(source_name(job.source), row, made.reference, as_file(job.source)),
            Side(str(job.output), target, actual, made.candidate.path),
            made.candidate.outputs,
            settings.policy,
            watch.seconds,
            route=made.candidate.route,
            notes=made.candidate.notes + _advice(row, actual),
            inputs=made.candidate.inputs,
        )
        if report.passed:
            publish(made.candidate.path, job.output)
    return Conversion(report, job.output if report.passed else None)


def _make_and_run(
    job: Job, row: Format, target: Format, route: str, folder: Path, settings: Settings, watch: Stopwatch
) -> tuple[Made, Ran]:
    """Both workers start at once: the candidate's engine is imported while the source's framework works."""
    with ExitStack() as stack:
        source = stack.enter_context(runner_for(job.source, row, folder, "source", settings.limits))
        checker = stack.enter_context(runner_for(job.output, target, folder, "candidate", settings.limits))
        for module in NEEDED_AT_THE_END:
            importlib.import_module(module)
        arguments: dict[str, Any] = {
            "folder": folder,
            "row": row,
            "source": job.source,
            "options": job.load,
            "plan": settings.plan,
            "output": job.output,
            "route": route,
            "convert_options": job.convert,
        }
        made: Made = watch.measure(
            "source", lambda: source.call("paritygate.convert.tasks:run_and_convert", arguments, settings.on_event)
        )
        actual = watch.measure(
            "candidate",
            lambda: run_candidate_on(checker, folder, target, made.candidate.path, made.candidate.inputs, settings),
        )
    return made, actual


def _advice(row: Format, actual: Ran) -> tuple[str, ...]:
    """What to do where the samples had to be narrowed for the candidate, and the source would take them as they are."""
    narrowed = row.computes_in_width_of_input and actual.notes
    return ("--dtype float64 keeps the inputs in double precision",) if narrowed else ()


def _target(job: Job) -> Format:
    targets = {target for _, target in ROUTES}
    name = job.target or job.output.suffix.removeprefix(".")
    if name not in targets:
        raise ParityGateError(
            "PG205" if job.target is None else "PG201",
            str(job.output) if job.target is None else job.target,
            f"{name or 'no suffix'!r} is not a target format",
            f"Targets: {', '.join(sorted(targets))}.",
        )
    return format_named(name)


def _route(row: Format, target: Format) -> str:
    routes = ROUTES.get((row.name, target.name))
    if not routes:
        raise ParityGateError("PG407", row.title, f"no route leads to {target.title}")
    return routes[0]
