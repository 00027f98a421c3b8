"""Behind a proved conversion: quantise, let the budget decide, and keep in float the layers that cost most."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...validate.engines.handle import ModelHandle
from ...validate.expectations.expected import Expectations
from ...validate.options import RunOptions
from ...validate.tasks.types import Bindings, ModelRun
from ...validate.workers.job_folder import JobFolder
from ...validate.workers.protocol import Task
from ...validate.workers.runner import runner_for
from ..options import Quantize
from .calls import Layer, MeasureCosts, Quantiser, RunQuantized
from .check import DEPLOYMENT
from .notes import costs_note, kept_note, proved_note, quantised_note
from .selection import fewest

if TYPE_CHECKING:
    from ...validate.conclude import Side
    from ...validate.report.report import Report
    from ...validate.verdict.policy import Policy

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Proved:
    """A float32 conversion that passed: its report, both models' runs, and how the candidate is bound and opened.

    ``expectations`` hold the budgets. ``output`` is where the quantised model may be published. ``may_import`` are
    heavy modules that write the target, ``deployment_target`` is that of a Core ML model.
    """

    job: JobFolder
    report: Report
    reference: Side
    model: ModelHandle
    actual: ModelRun
    bindings: Bindings
    policy: Policy
    expectations: Expectations
    output: Path
    run: RunOptions
    may_import: tuple[str, ...]
    deployment_target: str | None
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trial:
    """The model with some layers quantised, and the budgets' verdict on it."""

    path: Path
    report: Report
    kept: tuple[Layer, ...]


def quantised(proved: Proved, method: Quantize) -> tuple[Report, Path | None]:
    """The report on the quantised model and its file, None where the budget can't be kept.

    What must be kept in float is found by doubling and bisection over the layers, the costliest first. Raises
    ParityGateError PG415 where nothing can be quantised, and whatever running a candidate raises.
    """
    job, model = _own_job(proved.job), proved.model
    assert model.file is not None
    trials = _Trials(proved, Quantiser(job, model, method, job.path / f"prepared{model.file.suffix}"))
    first = trials.without(())
    if first.report.passed or all(budget.passed for budget in first.report.budgets):
        return _finished(proved, method, trials.layers, first)
    costs = trials.call(MeasureCosts(trials.quantiser, trials.layers, proved.bindings))
    ranked = sorted(trials.layers, key=lambda layer: costs[layer.name])
    count = fewest(len(ranked) - 1, lambda number: trials.without(ranked[:number]).report.passed)
    chosen = first if count is None else trials.without(ranked[:count])
    return _finished(proved, method, trials.layers, chosen, costs)


@dataclass(slots=True)
class _Trials:
    """Quantises, runs and judges, each number of kept layers once. ``layers`` are known after the first trial."""

    proved: Proved
    quantiser: Quantiser
    layers: tuple[Layer, ...] = ()
    done: dict[int, Trial] = field(default_factory=dict)

    def call(self, task: Task[Result]) -> Result:
        """Run a task in a worker of its own."""
        proved, run = self.proved, self.proved.run
        folder = proved.job.unused("quantise")
        with runner_for(
            proved.model, proved.job, folder, run.limits, proved.may_import, variables=run.pass_env
        ) as runner:
            return runner.call(task, run.on_event)

    def without(self, kept: Sequence[Layer]) -> Trial:
        """Quantise all layers but those ``kept``."""
        if len(kept) not in self.done:
            assert self.proved.model.file is not None
            path = self.quantiser.job.path / f"without-{len(kept)}" / self.proved.model.file.name
            names = tuple(layer.name for layer in kept)
            bindings, output = self.proved.bindings, self.proved.output
            done = self.call(RunQuantized(self.quantiser, bindings, path, output, names, self.layers))
            self.layers = done.layers
            self.done[len(kept)] = Trial(path, self._report(path, done.run), tuple(kept))
        return self.done[len(kept)]

    def _report(self, path: Path, actual: ModelRun) -> Report:
        """The samples exercise the float32 graph as much, so its coverage stands."""
        from ...validate.conclude import HowConverted, Side, conclude

        proved = self.proved
        return conclude(
            self.quantiser.job,
            proved.reference,
            Side(str(proved.output), proved.model.format, replace(actual, coverage=proved.actual.coverage), path),
            proved.bindings,
            proved.policy,
            proved.expectations,
            proved.seconds,
            HowConverted(f"{proved.report.route}, {self.quantiser.method.option}"),
        )


def _own_job(job: JobFolder) -> JobFolder:
    """A folder with the samples and the reference's outputs, but without its weights and trees.

    The proof of weights compares what the candidate stores with the reference's parameters. That was done for the
    float32 step; of quantised numbers it would only say that they were rounded. Nor may what was measured of the
    float32 candidate (its noise, its outputs without optimisation) be taken for the quantised one's.
    """
    own = JobFolder(job.path / "quantised")
    own.path.mkdir()
    for file in (job.samples, job.expected, job.repeated, job.paired):
        shutil.copy(file, own.path)
    return own


def _finished(
    proved: Proved, method: Quantize, layers: Sequence[Layer], trial: Trial, costs: Mapping[str, float] | None = None
) -> tuple[Report, Path | None]:
    from ...validate.report.types import Finding, Severity

    passed = trial.report.passed
    notes = [proved_note(proved.report), quantised_note(method, layers, trial.kept)]
    if proved.deployment_target is not None:
        notes.append(f"its deployment target is {proved.deployment_target}; such weights need {DEPLOYMENT[method]}")
    if costs is not None:
        notes.append(kept_note(trial.kept, costs) if passed else costs_note(layers, costs))
    findings = tuple(Finding("", Severity.NOTE, "quantisation", note) for note in notes)
    report = replace(trial.report, findings=(*trial.report.findings, *findings))
    return report, trial.path if passed else None
