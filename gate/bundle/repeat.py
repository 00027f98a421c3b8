"""Repeat a bundle's proof on this machine: run the model, compare with the reference's outputs, say what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...validate.engines.handle import ModelHandle
from ...validate.expectations.expected import Expectations
from ...validate.options import ProviderOptions, RunOptions
from ...validate.report.environment import describe_environment, sha256_of
from ...validate.report.report import Report
from ...validate.report.types import Environment, Finding, ModelSummary, SamplesSummary, Severity
from ...validate.samples import load_outputs, save_outputs, save_samples
from ...validate.tasks.calls import InspectModel, RunCandidate
from ...validate.verdict.comparison import CandidateOutputs, Comparison, ReferenceOutputs
from ...validate.verdict.judge import judge
from ...validate.workers.job_folder import JobFolder
from ...validate.workers.runner import runner_for
from .open import Data, Opened, read_data
from .policy import StoredPolicy

if TYPE_CHECKING:
    from ...validate.tasks.types import ModelRun

_COMPARED = ("onnxruntime", "onnx", "numpy", "coremltools", "python")
"""Versions that the receiver's figures depend on."""


def repeat(opened: Opened, job: JobFolder, run: RunOptions, provider: str, notes: tuple[Finding, ...]) -> Report:
    """The receiver's report. Without test data it is inconclusive: the model is only loaded.

    Raises ParityGateError PG201 for a provider that isn't there, PG301 and PG302 where the model doesn't load or run.
    """
    load = ProviderOptions(provider=provider)
    handle = ModelHandle.of(opened.model, opened.format, run.engine, load)
    with runner_for(handle, job, "candidate", run.limits, variables=run.pass_env) as runner:
        if opened.facts.redacted:
            runner.call(InspectModel(handle), run.on_event)
            return _without_values(opened, notes)
        data = read_data(opened)
        save_samples(data.samples, job.samples)
        save_outputs(data.expected, job.expected)
        done = runner.call(RunCandidate(job, handle, opened.facts.bindings), run.on_event)
    return _judged(opened, data, job, done, provider, notes)


def _judged(
    opened: Opened, data: Data, job: JobFolder, run: ModelRun, provider: str, notes: tuple[Finding, ...]
) -> Report:
    facts = opened.facts
    comparison = _comparison(opened, data, job, run)
    judgement = judge(comparison, StoredPolicy(facts.tolerances, data.allowed), Expectations())
    runtime = replace(run.runtime, provider=provider or run.runtime.provider)
    environment = describe_environment(runtime)
    return Report(
        outputs=judgement.outputs,
        reference=ModelSummary(facts.reference_name, facts.reference_format, facts.reference),
        candidate=ModelSummary(
            opened.facts.artifact,
            opened.format.title,
            run.signature,
            run.facts.size,
            sha256_of(opened.model),
            run.facts.opset,
            str(runtime),
        ),
        samples=_summary(data, judgement.compared),
        environment=environment,
        findings=(*judgement.findings, *_notes(run.notes), *notes, *changes(facts.environment, environment)),
    )


def _notes(notes: tuple[str, ...]) -> Iterator[Finding]:
    return (Finding("", Severity.NOTE, "candidate", note) for note in notes)


def _comparison(opened: Opened, data: Data, job: JobFolder, run: ModelRun) -> Comparison:
    facts = opened.facts
    return Comparison(
        reference=facts.reference,
        candidate=run.signature,
        samples=data.samples.items,
        of_reference=ReferenceOutputs(data.expected, paired=tuple({} for _ in data.expected)),
        of_candidate=CandidateOutputs(load_outputs(job.actual), repeated=load_outputs(job.repeated_actual)),
        outputs=facts.bindings.outputs,
        inputs=facts.bindings.inputs,
        single_rows=opened.format.takes_single_rows,
        converted=True,
        fixed=facts.fixed,
        models=(facts.reference_name, facts.artifact),
    )


def _summary(data: Data, count: int) -> SamplesSummary:
    samples = data.samples
    kinds = tuple(kind.value for kind in samples.kinds)
    return SamplesSummary(count, kinds, samples.batch_sizes, samples.origin, samples.seed)


def _without_values(opened: Opened, notes: tuple[Finding, ...]) -> Report:
    facts = opened.facts
    cause = "the bundle holds no samples and no expected outputs (--redact), so parity could not be verified"
    remedy = "Ask the sender for a bundle without --redact, or validate against the source."
    return Report(
        outputs=(),
        reference=ModelSummary(facts.reference_name, facts.reference_format, facts.reference),
        candidate=ModelSummary(facts.artifact, opened.format.title, facts.reference, sha256=sha256_of(opened.model)),
        samples=SamplesSummary(0, origin=facts.origin, seed=facts.seed),
        environment=facts.environment,
        findings=(Finding("PG345", Severity.ERROR, facts.artifact, cause, remedy), *notes),
    )


def changes(before: Environment, now: Environment) -> Iterator[Finding]:
    """A note on each thing that is different from the machine that made the proof."""
    versions = [(name, before.versions.get(name, "missing"), now.versions.get(name, "missing")) for name in _COMPARED]
    others = [
        ("execution provider", before.provider, now.provider),
        ("runtime", before.engine, now.engine),
        ("processor", before.cpu, now.cpu),
        ("its instruction sets", " ".join(before.cpu_flags), " ".join(now.cpu_flags)),
    ]
    found = [
        f"{what} {then or 'unknown'} there, {here or 'unknown'} here"
        for what, then, here in versions + others
        if then != here
    ]
    message = f"changed since the proof: {'; '.join(found)}" if found else "nothing changed since the proof"
    yield Finding("", Severity.NOTE, "environment", message)


def unpacked(folder: Path) -> Path:
    """Where a bundle is unpacked in a job's folder: a name of its own, which signatures of folders hold."""
    return folder / "bundle"
