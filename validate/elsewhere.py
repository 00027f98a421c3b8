"""Parity in other runtimes and releases: the same file, the same samples, the same verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .engines.elsewhere.catalog import Release, release_named
from .engines.elsewhere.environments import installed
from .engines.handle import ModelHandle
from .engines.registry import elsewhere_runtime
from .errors import ParityGateError
from .expectations.expected import Expectations
from .options import RunOptions
from .report.types import Finding, Severity
from .samples import load_outputs
from .tasks.calls import RunCandidate
from .tasks.types import Bindings, ModelRun
from .verdict.comparison import Comparison
from .verdict.judge import judge
from .verdict.policy import Policy
from .workers.job_folder import JobFolder
from .workers.runner import runner_for

DIFFERS, NOT_RUN = "PG125", "PG337"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A candidate in another runtime: its run, or why there is none."""

    release: Release
    run: ModelRun | None = None
    error: ParityGateError | None = None


def releases_for(names: Sequence[str], format: str) -> tuple[Release, ...]:
    """The releases that were asked for. Raises ParityGateError PG201 for an unknown one, or one of another format."""
    found = tuple(map(release_named, names))
    for release in found:
        if format not in release.formats:
            cause = f"it runs {', '.join(release.formats)} files, and this is {format}"
            raise ParityGateError(
                "PG201", f"--prove-in {release.full_name}", cause, "paritygate doctor lists the runtimes."
            )
    return found


def run_elsewhere(
    job: JobFolder, model: ModelHandle, bindings: Bindings, names: Sequence[str], run: RunOptions
) -> tuple[Elsewhere, ...]:
    """Run a candidate in each of the releases ``names`` on the job's samples, and leave the outputs in the job folder.

    Raises ParityGateError PG201, and PG403 where an environment can't be made.
    """
    return tuple(_run(job, model, bindings, run, release) for release in releases_for(names, model.format.name))


def _run(job: JobFolder, model: ModelHandle, bindings: Bindings, run: RunOptions, release: Release) -> Elsewhere:
    python = installed(release, run.on_event)
    other = replace(model, runtime=elsewhere_runtime(release.full_name, model.format, str(python)), second=None)
    call = RunCandidate(job, other, bindings, destination=job.elsewhere(release.full_name))
    try:
        with runner_for(other, job, job.unused("elsewhere"), run.limits, variables=run.pass_env) as runner:
            return Elsewhere(release, runner.call(call, run.on_event))
    except ParityGateError as error:
        return Elsewhere(release, error=error)


def findings_elsewhere(
    job: JobFolder, comparison: Comparison, policy: Policy, expectations: Expectations, all: Sequence[Elsewhere]
) -> Iterator[Finding]:
    """For each runtime an error where its outputs differ from the reference's by more than the verdict allows."""
    for each in all:
        name = each.release.full_name
        if each.run is None:
            cause = each.error.cause if each.error else ""
            hint = "paritygate check tells what such a release refuses, and why."
            yield Finding(NOT_RUN, Severity.ERROR, name, f"the candidate can't be run there: {cause}", hint)
            continue
        outputs = load_outputs(job.elsewhere(name))
        there = replace(
            comparison.of_candidate, actual=outputs, unoptimised=None, second_opinion=None, other=None, repeated=()
        )
        judgement = judge(replace(comparison, of_candidate=there), policy, expectations)
        failed = [output for output in judgement.outputs if not output.passed]
        for output in failed:
            reason = f"{output.name or output.candidate_name}: {output.reason}"
            hint = "Compare single layers there, or choose another release."
            yield Finding(DIFFERS, Severity.ERROR, name, f"the candidate gives other values there: {reason}", hint)
        if not failed:
            said = "; ".join(each.run.notes)
            yield Finding("", Severity.NOTE, name, f"parity holds there, too: {said}")
