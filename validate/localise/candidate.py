"""What the candidate's worker does after a failure: find the place, and write the repro."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.inputs import InputAdapter
from ..adapters.single_rows import split, takes_rows
from ..engines.base import Graphed, LoadOptions
from ..engines.registry import Format
from ..errors import ParityGateError
from ..report.divergence import Divergence
from ..samples import load_outputs, load_samples
from ..tasks.reference import load_model
from ..workers.events import Event, Listener
from ..workers.job import Bindings
from .describe import describe
from .instrumented import InstrumentedRun
from .layers import Layer
from .locate import locate
from .repro import extract_part, free_folder, write_repro
from .source import OUTPUTS, SAMPLES, Traced, load_layers

if TYPE_CHECKING:
    from ..signature import Array, Feed


def localise_candidate(
    folder: Path,
    row: Format,
    source: Any,
    bindings: Bindings,
    traced: Traced,
    names: tuple[str, str],
    repro: Path,
    seconds: float,
    on_event: Listener,
) -> Divergence | None:
    """The first place that is wrong, and the folder ``repro`` with the part of the graph that shows it.

    ``names`` are the reference's and the candidate's for people. None where rounding explains every output of the
    one sample that is looked at. Raises ParityGateError where the candidate can't be run, or has no graph.
    """
    on_event(Event("find where numbers part"))
    feeds = load_samples(folder / SAMPLES).feeds
    model = load_model(row, source, LoadOptions(example=feeds[0]))
    if not isinstance(model, Graphed):
        raise ParityGateError("PG302", names[1], "its engine shows no graph that could be looked into")
    runs = [InstrumentedRun(model, feed) for feed in _as_taken(model, row, bindings, feeds)]
    layers = load_layers(folder, traced)
    found = locate(runs, layers, _outputs(model, bindings, load_outputs(folder / OUTPUTS)), seconds)
    if found is None:
        return None
    graph = runs[0].graph()
    divergence = describe(found, layers, runs[0])
    part, inputs = extract_part(graph, found, runs[0])
    operators = ", ".join(node.op_type for node in found.failing.segment.nodes[:12])
    about = {"reference": names[0], "candidate": names[1], "tensor": divergence.tensor, "operators": operators}
    try:
        place = free_folder(repro)
        write_repro(place, part, inputs, found, about | {"layer": divergence.layer})
    except OSError:  # a folder that nobody may write to: the place is worth telling without a repro
        return divergence
    return replace(divergence, repro=str(place), command=f"python {place / 'repro.py'}")


def _as_taken(model: Any, row: Format, bindings: Bindings, feeds: Sequence[Feed]) -> list[Feed]:
    """The feeds under the candidate's names and dtypes; of a batch that it takes row by row the first row."""
    adapter = InputAdapter(model.signature, bindings.inputs, bindings.images)
    adapted = [adapter.adapt(feed) for feed in feeds]
    if row.takes_single_rows and takes_rows(model.signature, adapted):
        return [split(feed, model.signature)[0] for feed in adapted]
    return list(adapted)


def _outputs(model: Any, bindings: Bindings, expected: Sequence[Mapping[str, Array]]) -> list[Layer]:
    """The reference's outputs as layers called like the candidate's outputs that they are bound to."""
    bound = {spec.name: spec.name for spec in model.signature.outputs} | dict(bindings.outputs)
    known = {spec.name for spec in model.signature.outputs}
    return [
        Layer(ours, "output", (theirs,), tuple(output[theirs] for output in expected))
        for ours, theirs in bound.items()
        if ours in known and all(theirs in output and output[theirs].dtype.kind in "fiub" for output in expected)
    ]
