"""Pipelines: a sequence of models; each takes the pipeline's inputs and the outputs of earlier stages."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import damaged
from ..features import feature
from ..files.proto import Message
from ..graph import Graph, Slot, Tensor
from .base import ModelContext


def pipeline(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A pipeline of transformers."""
    return _run(g, context, context.body, slots)


def predicting_pipeline(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """A pipeline whose last prediction is the prediction of the whole model."""
    return _run(g, context, context.body.pipeline, slots)


def _run(g: Graph, context: ModelContext, body: Message, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    known = dict(slots)
    for i, spec in enumerate(body.models):
        description = spec.description
        missing = [d.name for d in description.input if d.name not in known]
        if missing:
            raise damaged(f"stage {i} of the pipeline", f"it takes '{missing[0]}', which no earlier stage produces")
        stage = context.nested(spec, context.blobs)
        results = context.lower(g, stage, {d.name: known[d.name] for d in description.input})
        known |= {d.name: _declared(g, d, results[d.name]) for d in description.output if d.name in results}
    return {name: known[name] for name in context.output_names if name in known}


def _declared(g: Graph, description: Message, slot: Slot) -> Slot:
    """A stage's output in its declared type."""
    if not isinstance(slot, Tensor) or slot.dtype.kind == "U":
        return slot
    return g.cast(slot, feature(description, slot.dtype.name).dtype)
