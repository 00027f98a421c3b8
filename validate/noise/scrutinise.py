"""All that is asked of a candidate beside its answers: how far it rounds, and whether engines agree about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engines.base import Graphed, unchanged
from ..errors import ParityGateError
from ..events import Event, Listener
from ..samples import save_outputs
from ..workers.job_folder import JobFolder
from .measure import measure_noise
from .opinion import reference_variant
from .request import Measurements, Narrowed, Rounding
from .types import UNIT, Precision

if TYPE_CHECKING:
    from ..signature import Array

    Answer = Callable[[Any], list[dict[str, Array]]]


def scrutinise(
    job: JobFolder, model: Any, answer: Answer, measurements: Measurements, on_event: Listener, narrowed: Narrowed
) -> Rounding | None:
    """Write the candidate's answers without graph optimisation and its noise to ``folder``.

    None where the model has no ONNX graph. Whatever fails here costs the measurement, not the verdict: the reason is a
    note. What an earlier candidate left in the folder goes first: it says nothing of this one.
    """
    for file in (job.unoptimised, job.noise, job.second_opinion):
        file.unlink(missing_ok=True)
    if not isinstance(model, Graphed):
        return None
    on_event(Event("measure rounding"))
    try:
        plain = answer(model.variant(unchanged, optimise=False))
        save_outputs(plain, job.unoptimised)
        noise = measure_noise(model, answer, plain, measurements.seconds, precision_of(model, narrowed))
    except ParityGateError as error:
        return Rounding(notes=(f"rounding could not be measured: {error.subject}: {error.cause}",))
    notes = _second_opinion(job, model, answer) if measurements.second_opinion else ()
    if noise is None:
        none = "rounding could not be measured: the graph has no operator that could be perturbed"
        return Rounding(notes=(none, *notes))
    save_outputs(noise.squares, job.noise)
    return Rounding(noise.runs, noise.unit, noise.jumping, notes)


def _second_opinion(job: JobFolder, model: Any, answer: Answer) -> tuple[str, ...]:
    """Write what onnx.reference makes of the samples; a note where it can't."""
    try:
        save_outputs(answer(reference_variant(model)), job.second_opinion)
    except ParityGateError as error:
        return (f"there is no second opinion: {error.subject}: {error.cause}",)
    return ()


def precision_of(model: Any, narrowed: Narrowed) -> Precision:
    """From the finest type that the format promises and the reference shows to the coarsest that the model names."""
    dtypes = ["float32", model.facts().precision]
    dtypes += [spec.dtype for spec in (*model.signature.inputs, *model.signature.outputs)]
    coarsest = max(UNIT.get(dtype, 0.0) for dtype in dtypes)
    return Precision(min(max(UNIT[model.finest], UNIT[narrowed.reference]), coarsest), coarsest, narrowed)
