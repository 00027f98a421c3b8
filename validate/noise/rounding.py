"""What is measured on a candidate in addition to its outputs: how far it rounds, and whether engines agree about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engines.base import Graphed, unchanged
from ..errors import ParityGateError
from ..events import Event, Listener
from ..samples import save_outputs
from ..workers.job_folder import JobFolder
from .measure import MOST_RUNS, measure_planned
from .moderation import student
from .perturb import NOTHING_ROUNDS
from .plan import Plan
from .precision import precision_of
from .request import Measurements, Narrowed, Rounding
from .second_opinion import open_in_onnx_reference

if TYPE_CHECKING:
    from ..signature import Array

    Run = Callable[..., list[dict[str, Array]]]
    RunPlain = Callable[[Graphed, Run], list[dict[str, Array]]]


def run_unchanged(model: Graphed, run: Run) -> list[dict[str, Array]]:
    """The outputs of a model as it is, without graph optimisation."""
    return run(model.variant(unchanged, optimise=False))


def measure_rounding(
    job: JobFolder,
    model: Any,
    run: Run,
    measurements: Measurements,
    on_event: Listener,
    narrowed: Narrowed,
    runs: int = MOST_RUNS,
    run_plain: RunPlain = run_unchanged,
    plan: Plan | None = None,
) -> Rounding | None:
    """Write the candidate's outputs without graph optimisation and its noise to the job folder.

    ``run`` runs a model on all samples, or on those with certain numbers, ``run_plain`` the candidate without
    optimisation; ``runs`` perturbed runs are planned, on the samples of the ``plan``. None where the model has no ONNX
    graph. A failure costs the measurement, not the verdict: the result says why. Files that an earlier candidate left
    in the folder are removed first.
    """
    for file in (job.unoptimised, job.noise, job.second_opinion):
        file.unlink(missing_ok=True)
    if not isinstance(model, Graphed):
        return None
    on_event(Event("measure rounding"))
    notes = _write_second_opinion(job, model, run) if measurements.second_opinion else ()
    try:
        plain = run_plain(model, run)
        save_outputs(plain, job.unoptimised)
        if not measurements.noise:
            return Rounding(notes=notes)
        plan = plan or Plan(tuple(range(len(plain))), {})
        precision = precision_of(model, narrowed)
        noise = measure_planned(model, run, plain, plan, measurements.seconds, precision, runs)
    except ParityGateError as error:
        if error.cause == NOTHING_ROUNDS:
            return Rounding(notes=(*notes, f"there is no rounding to measure: {error.cause}"))
        return Rounding(notes=notes, missing=f"{error.subject}: {error.cause}")
    save_outputs(noise.squares, job.noise)
    return Rounding(noise.runs, noise.roundoff, noise.discontinuous, (*notes, *_cost_of_budget(noise.runs, runs)))


def _cost_of_budget(runs: int, planned: int) -> tuple[str, ...]:
    """What a budget has cost in sharpness: nothing where all runs were made."""
    if runs == planned:
        return ()
    wider = float(student(runs) / student(planned))
    return (
        f"--budget left time for {runs} of {planned} perturbed runs: elements whose rounding is like no other's may be "
        f"off {wider:.1f} times as far as with all of them",
    )


def _write_second_opinion(job: JobFolder, model: Any, run: Run) -> tuple[str, ...]:
    """Write the outputs of onnx.reference; a note where it fails."""
    try:
        save_outputs(run(open_in_onnx_reference(model)), job.second_opinion)
    except ParityGateError as error:
        return (f"there is no second opinion: {error.subject}: {error.cause}",)
    return ()
