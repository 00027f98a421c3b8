"""Pipelines: models one after the other, each taking what the model's inputs and the models before it give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..features import feature
from ..files.proto import Message
from ..graph import Graph, Slot, Value
from ..refuse import damaged
from .base import Source

MOST_NESTED = 64


def pipeline(g: Graph, source: Source, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A pipeline of transformers."""
    return _run(g, source, source.body, slots)


def predicting_pipeline(g: Graph, source: Source, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A pipeline whose last prediction is the model's."""
    return _run(g, source, source.body.pipeline, slots)


def _run(g: Graph, source: Source, body: Message, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    from ..lower import MAIN, lower_model  # which itself imports the table that this model type stands in

    if source.depth >= MOST_NESTED:
        raise damaged("the pipeline", f"more than {MOST_NESTED} pipelines lie inside each other")
    known = dict(slots)
    for i, spec in enumerate(body.models):
        description = spec.description
        missing = [d.name for d in description.input if d.name not in known]
        if missing:
            raise damaged(f"stage {i} of the pipeline", f"it takes '{missing[0]}', which nothing before it gives")
        function = description.defaultFunctionName or MAIN
        stage = replace(source, spec=spec, description=description, function=function, depth=source.depth + 1)
        results = lower_model(g, stage, {d.name: known[d.name] for d in description.input})
        known |= {d.name: _declared(g, d, results[d.name]) for d in description.output if d.name in results}
    return {name: known[name] for name in source.output_names if name in known}


def _declared(g: Graph, description: Message, slot: Slot) -> Slot:
    """A stage's output in the type that it declares."""
    if not isinstance(slot, Value) or slot.dtype.kind == "U":
        return slot
    return g.cast(slot, feature(description, slot.dtype.name).dtype)
