"""After a failing verdict: start both workers once more and find the first divergence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.handle import ModelHandle
from ..errors import ParityGateError
from ..options import RunOptions
from ..report.report import Report
from ..report.types import Finding, OutputComparison, Severity
from ..tasks.types import Bindings
from ..workers.job_folder import JobFolder
from ..workers.runner import runner_for
from .calls import LocateDivergence, TraceReference
from .sample import write_samples
from .trace.layers import traceable

if TYPE_CHECKING:
    from ..report.divergence import Divergence

VALUES = {"PG101", "PG106", "PG107"}
"""The failures that have a place: values that differ."""

SECONDS = 120.0
"""Time limit of each of the two workers."""


@dataclass(frozen=True, slots=True)
class FailedModels:
    """Both models of a failing verdict, and the job with their samples and outputs.

    ``repro`` is the folder that the repro becomes; None for none.
    """

    job: JobFolder
    reference: ModelHandle
    candidate: ModelHandle
    bindings: Bindings
    repro: Path | None
    options: RunOptions


def resolved(folder: Path | None) -> Path | None:
    """The user's own folder for the repro: workers may run elsewhere."""
    return folder and folder.resolve()


def repro_in(folder: Path, candidate: ModelHandle) -> Path:
    """The folder for a repro in a folder of the user's: named after the candidate, with the suffix ``.repro``."""
    return folder.resolve() / f"{Path(candidate.short_name).stem}.repro"


def locate_divergence(models: FailedModels, report: Report) -> Report:
    """The report with the first divergence, or with a note that says why it isn't known; as it is where no value fails.

    Raises nothing of its own: the verdict stands.
    """
    failing = [output for output in report.outputs if output.code in VALUES]
    if not failing or not traceable(models.reference.format.name):
        return report
    try:
        found = _search(models, failing)
    except ParityGateError as error:
        return _with_note(report, f"not found: {error.subject}: {error.cause}")
    if found is None:
        return _with_note(report, "every difference is within rounding once ONNX Runtime doesn't rewrite the graph")
    report = replace(report, divergence=found)
    return (
        report
        if models.repro
        else _with_note(report, "the smallest part that still fails is written with --repro FOLDER", "repro")
    )


def _with_note(report: Report, message: str, where: str = "first divergence") -> Report:
    note = Finding("", Severity.NOTE, where, message)
    return replace(report, findings=(*report.findings, note))


def _search(models: FailedModels, failing: Sequence[OutputComparison]) -> Divergence | None:
    """Look at the failing row alone; where that can't be, or nothing is wrong with it, at its whole batch."""
    picked = write_samples(models.job, failing[0], alone=True)
    try:
        found = _look(models)
        if found is not None or picked.row is None:
            return found and replace(found, sample=picked.number, row=picked.row)
    except ParityGateError:
        if picked.row is None or models.candidate.format.takes_single_rows:
            raise
    picked = write_samples(models.job, failing[0], alone=False)
    found = _look(models)
    return found and replace(found, sample=picked.number)


def _look(models: FailedModels) -> Divergence | None:
    """Both workers' tasks, one after the other; the candidate's imports its engine meanwhile."""
    job, options = models.job, models.options
    seconds = min(SECONDS, options.limits.seconds or SECONDS)
    limits, passed = replace(options.limits, seconds=seconds), options.pass_env
    writable = (models.repro.parent,) if models.repro else ()
    for folder in writable:
        folder.mkdir(parents=True, exist_ok=True)
    layers, divergence = job.unused("layers"), job.unused("divergence")
    with ExitStack() as stack:
        first = stack.enter_context(runner_for(models.reference, job, layers, limits, variables=passed))
        second = stack.enter_context(
            runner_for(models.candidate, job, divergence, limits, variables=passed, writable=writable)
        )
        traced = first.call(TraceReference(job, models.reference), options.on_event)
        call = LocateDivergence(
            job,
            models.candidate,
            models.bindings,
            traced,
            models.reference.short_name,
            models.repro,
            seconds / 2,
        )
        return second.call(call, options.on_event)
