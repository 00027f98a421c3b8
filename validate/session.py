"""Two models, one set of samples, one verdict: the straight line of ``paritygate validate``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .detect import detect, normalise
from .engines.base import LoadOptions
from .engines.coreml.native import with_engine
from .engines.registry import OURS, Format
from .expectations.expected import Expectations
from .search.session import Contest, needs_search, searched
from .workers.events import Listener, ignore
from .workers.job import Bindings, Inspection, Ran, SamplePlan, Scrutiny, source_name
from .workers.parent import Limits
from .workers.runner import Runner, job_folder, runner_for

if TYPE_CHECKING:
    from .report.types import Report
    from .signature import Array
    from .verdict.policies import Policy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is done; nothing in it speaks of a model. ``keep`` is a folder that receives the job's files.

    ``engine`` is what runs Core ML models: our engine, Apple's framework, or both; see :mod:`.native`.
    ``localise`` says that a failure is followed to its place (:mod:`.localise`), which writes a folder with a repro.
    """

    plan: SamplePlan = field(default_factory=SamplePlan)
    policy: Policy | None = None
    limits: Limits = field(default_factory=Limits)
    on_event: Listener = ignore
    keep: Path | None = None
    engine: str = OURS
    scrutiny: Scrutiny = field(default_factory=Scrutiny)
    expectations: Expectations = field(default_factory=Expectations)
    localise: bool = False


_BUDGET = 10.0  # seconds for measuring where no conversion's time can be halved


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


def run_session(reference: Any, candidate: Any, load: LoadOptions, bindings: Bindings, settings: Settings) -> Report:
    """Run both models, each in a process of its own unless it is a live object, and judge.

    Raises ParityGateError for everything but a verdict.
    """
    reference, candidate = normalise(reference), normalise(candidate)
    rows = with_engine((detect(reference), detect(candidate)), settings.engine)
    watch = Stopwatch()
    with job_folder(settings.keep) as folder, ExitStack() as stack:
        left = stack.enter_context(runner_for(reference, rows[0], folder, "reference", settings.limits))
        right = stack.enter_context(runner_for(candidate, rows[1], folder, "candidate", settings.limits))
        from .localise.session import Failed, localised
        from .verdict.judge import Side, judge  # numpy and all: it costs nothing while the workers start

        expected = watch.measure(
            "reference", lambda: run_reference_on(left, folder, rows[0], reference, load, settings)
        )
        bound = with_classes(bindings, expected)

        def run_again(runner: Runner) -> Ran:
            return run_candidate_on(runner, folder, rows[1], candidate, bound, settings, _BUDGET)

        actual = watch.measure("candidate", lambda: run_again(right))
        if needs_search(actual, settings):
            contest = Contest(folder, rows[0], reference, load, rows[1], candidate, bound, run_again)
            expected, actual = watch.measure("search", lambda: searched(contest, expected, actual, settings))
        sides = (
            Side(source_name(reference), rows[0], expected, as_file(reference)),
            Side(source_name(candidate), rows[1], actual, as_file(candidate)),
        )
        outputs = {spec.name: spec.name for spec in actual.signature.outputs} | dict(bindings.outputs)
        report = judge(
            folder,
            *sides,
            outputs,
            settings.policy,
            watch.seconds,
            inputs=bindings.inputs,
            expectations=settings.expectations,
        )
        failed = Failed(reference, rows[0], load, candidate, rows[1], bound, settings.keep or _folder_of(candidate))
        return localised(folder, failed, report, settings) if settings.localise else report


def with_classes(bindings: Bindings, reference: Ran) -> Bindings:
    """The bindings, with the classes that the reference knows for each output that is bound to its scores."""
    known = reference.signature.classes
    named = {ours: known[theirs] for ours, theirs in bindings.outputs.items() if theirs in known}
    return replace(bindings, classes={**known, **named, **bindings.classes})


def as_file(source: Any) -> Path | None:
    """The path that a source is, if it is one."""
    return source if isinstance(source, Path) else None


def _folder_of(source: Any) -> Path:
    """Where a file lies; the working directory for all else."""
    return source.parent if isinstance(source, Path) else Path()


def run_reference_on(
    runner: Runner, folder: Path, row: Format, source: Any, load: LoadOptions, settings: Settings
) -> Ran:
    """The reference's task: make the samples, run them."""
    arguments = {"folder": folder, "row": row, "source": source, "options": load, "plan": settings.plan}
    ran: Ran = runner.call("paritygate.validate.tasks.reference:run_reference_task", arguments, settings.on_event)
    return ran


def run_candidate_on(
    runner: Runner, folder: Path, row: Format, source: Any, bindings: Bindings, settings: Settings, seconds: float
) -> Ran:
    """The candidate's task: run the samples that the reference has left in the job folder, and measure its rounding.

    ``seconds`` are for measuring, unless the user gave another budget.
    """
    scrutiny = settings.scrutiny
    arguments = {
        "folder": folder,
        "row": row,
        "source": source,
        "options": LoadOptions(),
        "bindings": bindings,
        "scrutiny": replace(scrutiny, seconds=seconds if scrutiny.seconds is None else scrutiny.seconds),
    }
    ran: Ran = runner.call("paritygate.validate.tasks.candidate:run_candidate", arguments, settings.on_event)
    return ran


def run_model(model: Any, output: Path, load: LoadOptions, settings: Settings) -> Ran:
    """Run one model and write its outputs to an .npz, whole or not at all. Raises ParityGateError."""
    from .samples import load_outputs, load_samples
    from .workers.job import EXPECTED, SAMPLES

    model = normalise(model)
    (row,) = with_engine((detect(model),), settings.engine)
    with job_folder(settings.keep) as folder, runner_for(model, row, folder, "model", settings.limits) as runner:
        ran = run_reference_on(runner, folder, row, model, load, settings)
        batches = [sample.batch for sample in load_samples(folder / SAMPLES).items]
        _write_arrays(join_batches(load_outputs(folder / EXPECTED), batches), output)
    return ran


def join_batches(outputs: Sequence[Mapping[str, Array]], batches: Sequence[int | None]) -> dict[str, Array]:
    """One array per output, samples joined along the batch; where they can't be, one per ``NUMBER/NAME``."""
    import numpy as np

    if len(outputs) == 1:
        return dict(outputs[0])
    joined: dict[str, Array] = {}
    for name in outputs[0]:
        parts = [output[name] for output in outputs]
        rows = [part.shape[0] if part.ndim else None for part in parts]
        if rows == list(batches) and len({part.shape[1:] for part in parts}) == 1:
            joined[name] = np.concatenate(parts)
        else:
            joined |= {f"{number}/{name}": part for number, part in enumerate(parts)}
    return joined


def _write_arrays(arrays: Mapping[str, Array], output: Path) -> None:
    import numpy as np

    partial = output.with_name(f".{output.name}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes allow_pickle for any keyword
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def inspect_model(model: Any, load: LoadOptions, on_event: Listener = ignore) -> Inspection:
    """A model's facts and signature, read in a worker. Raises ParityGateError."""
    model = normalise(model)
    row = detect(model)
    with job_folder(None) as folder, runner_for(model, row, folder, "model", Limits()) as runner:
        arguments = {"row": row, "source": model, "options": load}
        inspection: Inspection = runner.call("paritygate.validate.tasks.reference:inspect_task", arguments, on_event)
        return inspection
