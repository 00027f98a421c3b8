"""What the source's worker does after a failure: run the samples again and write down what every layer gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engines.base import LoadOptions
from ..engines.registry import Format
from ..errors import ParityGateError
from ..samples import load_outputs, load_samples, save_outputs
from ..tasks.reference import load_model
from ..workers.events import Event, Listener
from ..workers.job import source_name
from .layers import Layer

if TYPE_CHECKING:
    from .trace.layers import LayerValue

SAMPLES, LAYERS, OUTPUTS = "localise-samples.npz", "localise-layers.npz", "localise-outputs.npz"


@dataclass(frozen=True, slots=True)
class Traced:
    """The layers that answered in every sample, in their order: (name, kind, scopes). Their values are in a file."""

    layers: tuple[tuple[str, str, tuple[str, ...]], ...]


def trace_source(folder: Path, row: Format, source: Any, options: LoadOptions, on_event: Listener) -> Traced:
    """Run the samples in ``folder``, and leave the outputs and the layers' values there. Raises what loading raises."""
    from .trace.layers import trace

    on_event(Event("look into the layers"))
    feeds = load_samples(folder / SAMPLES).feeds
    if not options.inputs and options.example is None:
        options = replace(options, example=feeds[0])
    model = load_model(row, source, options)
    try:
        ran = [trace(row.name, model, feed) for feed in feeds]
    except Exception as error:  # whatever layers raise when they are watched
        raise ParityGateError("PG406", source_name(source), f"{type(error).__name__}: {error}") from error
    common = _in_all([layers for _, layers in ran])
    save_outputs([outputs for outputs, _ in ran], folder / OUTPUTS)
    save_outputs(
        [{str(i): column[n].value for i, column in enumerate(common)} for n in range(len(ran))], folder / LAYERS
    )
    return Traced(tuple((column[0].name, column[0].kind, column[0].scopes) for column in common))


def _in_all(runs: Sequence[Sequence[LayerValue]]) -> list[tuple[LayerValue, ...]]:
    named = [{layer.name: layer for layer in run} for run in runs]
    return [tuple(run[name] for run in named) for name in named[0] if all(name in run for run in named)]


def load_layers(folder: Path, traced: Traced) -> list[Layer]:
    """The layers with their values, one array per sample."""
    runs = load_outputs(folder / LAYERS)
    return [
        Layer(name, kind, scopes, tuple(run[str(i)] for run in runs))
        for i, (name, kind, scopes) in enumerate(traced.layers)
    ]
