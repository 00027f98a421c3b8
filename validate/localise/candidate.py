"""What the candidate's worker does after a failure: find the place, and write the repro."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.inputs import InputAdapter
from ..adapters.single_rows import split, takes_rows
from ..engines.base import Graphed
from ..engines.registry import Format
from ..errors import ParityGateError
from ..events import Event, Listener
from ..report.divergence import Divergence
from ..samples import load_outputs, load_samples
from ..tasks.candidate import with_first_sample
from ..tasks.reference import load_model
from ..tasks.types import Bindings
from .calls import LocateDivergence
from .describe import describe
from .instrumented import InstrumentedRun
from .layers import Layer
from .locate import Located, locate
from .repro import extract_part, free_folder, write_repro
from .source import load_layers

if TYPE_CHECKING:
    from ..signature import Array, Feed


def localise_candidate(call: LocateDivergence, on_event: Listener) -> Divergence | None:
    """The first place that is wrong, and the folder ``call.repro`` with the part of the graph that shows it.

    None where rounding explains every output of the one sample that is looked at. Raises ParityGateError where the
    candidate can't be run, or has no graph.
    """
    on_event(Event("find the first divergence"))
    feeds = load_samples(call.job.traced_samples).feeds
    model = load_model(with_first_sample(call.model, feeds[0]))
    if not isinstance(model, Graphed):
        raise ParityGateError("PG302", call.model.short_name, "its engine shows no graph that could be looked into")
    runs = [InstrumentedRun(model, feed) for feed in _as_taken(model, call.model.format, call.bindings, feeds)]
    layers = load_layers(call.job, call.traced)
    outputs = _outputs(model, call.bindings, load_outputs(call.job.traced_outputs))
    found = locate(runs, layers, outputs, call.seconds)
    if found is None:
        return None
    divergence = describe(found, layers, runs[0])
    return divergence if call.repro is None else _with_repro(call, call.repro, divergence, found, runs[0])


def _with_repro(
    call: LocateDivergence, folder: Path, divergence: Divergence, found: Located, run: InstrumentedRun
) -> Divergence:
    """The divergence with the folder of its repro; without one where nothing can be written there."""
    part, inputs = extract_part(run.graph(), found, run)
    operators = ", ".join(node.op_type for node in found.failing.segment.nodes[:12])
    about = {
        "reference": call.reference_name,
        "candidate": call.model.short_name,
        "tensor": divergence.tensor,
        "operators": operators,
        "layer": divergence.layer,
    }
    try:
        place = free_folder(folder)
        write_repro(place, part, inputs, found, about)
    except OSError:  # a folder that can't be written to: the place is worth telling without a repro
        return divergence
    return replace(divergence, repro=str(place), command=f"python {place / 'repro.py'}")


def _as_taken(model: Any, format: Format, bindings: Bindings, feeds: Sequence[Feed]) -> list[Feed]:
    """The feeds under the candidate's names and dtypes; of a batch that it takes row by row the first row."""
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    adapted = [adapter.adapt(feed) for feed in feeds]
    if format.takes_single_rows and takes_rows(model.signature, adapted):
        return [split(feed, model.signature)[0] for feed in adapted]
    return list(adapted)


def _outputs(model: Any, bindings: Bindings, expected: Sequence[Mapping[str, Array]]) -> list[Layer]:
    """The reference's outputs as layers under the names of the candidate's outputs that they are bound to."""
    bound = {spec.name: spec.name for spec in model.signature.outputs} | dict(bindings.outputs)
    known = {spec.name for spec in model.signature.outputs}
    return [
        Layer(name, "output", (partner,), tuple(output[partner] for output in expected))
        for name, partner in bound.items()
        if name in known and all(partner in output and output[partner].dtype.kind in "fiub" for output in expected)
    ]
