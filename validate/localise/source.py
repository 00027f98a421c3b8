"""What the reference's worker does after a failure: run the samples again and write down what every layer gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from ..events import Event, Listener
from ..samples import load_outputs, load_samples, save_outputs
from ..tasks.reference import load_model
from ..workers.job_folder import JobFolder
from .calls import Traced, TraceReference
from .layers import Layer

if TYPE_CHECKING:
    from .trace.layers import LayerValue


def trace_reference(call: TraceReference, on_event: Listener) -> Traced:
    """Run the picked samples, and leave the outputs and the layers' values in the job folder."""
    from .trace.layers import trace

    on_event(Event("trace the layers"))
    job, handle = call.job, call.model
    feeds = load_samples(job.traced_samples).feeds
    if not handle.load.inputs and handle.load.example is None:
        handle = replace(handle, load=replace(handle.load, example=feeds[0]))
    model = load_model(handle)
    try:
        ran = [trace(handle.format.name, model, feed) for feed in feeds]
    except Exception as error:  # whatever layers raise when they are watched
        raise ParityGateError("PG406", handle.name, f"{type(error).__name__}: {error}") from error
    common = _in_all([layers for _, layers in ran])
    save_outputs([outputs for outputs, _ in ran], job.traced_outputs)
    save_outputs(
        [{str(i): column[n].value for i, column in enumerate(common)} for n in range(len(ran))], job.traced_layers
    )
    return Traced(tuple((column[0].name, column[0].kind, column[0].scopes) for column in common))


def _in_all(runs: Sequence[Sequence[LayerValue]]) -> list[tuple[LayerValue, ...]]:
    named = [{layer.name: layer for layer in run} for run in runs]
    return [tuple(run[name] for run in named) for name in named[0] if all(name in run for run in named)]


def load_layers(job: JobFolder, traced: Traced) -> list[Layer]:
    """The layers with their values, one array per sample."""
    runs = load_outputs(job.traced_layers)
    return [
        Layer(name, kind, scopes, tuple(run[str(i)] for run in runs))
        for i, (name, kind, scopes) in enumerate(traced.layers)
    ]
