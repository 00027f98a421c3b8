"""What the lowering of a whole model is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..bind import State
from ..files.proto import Message
from ..files.weights import Blobs
from ..graph import Graph, Pairs, Slot, Value
from ..refuse import unsupported


@dataclass(frozen=True, slots=True)
class Source:
    """One model: its specification, the description that holds for it, and where its weights are.

    ``function`` names the function of an ML Program; ``states`` are its state tensors by name. ``depth`` counts the
    pipelines around it.
    """

    spec: Message
    description: Message
    blobs: Blobs
    function: str
    states: Mapping[str, State] = field(default_factory=dict)
    depth: int = 0

    @property
    def body(self) -> Message:
        """The message of the model's own type (``spec.glmRegressor``, ...)."""
        return getattr(self.spec, self.spec.WhichOneof("Type"))

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs in the description's order."""
        return tuple(d.name for d in self.description.input)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The outputs in the description's order."""
        return tuple(d.name for d in self.description.output)


MOST_ELEMENTS = 1 << 28
"""Of a table that a few bytes of a specification can ask for; more are absurd."""

ModelLowering = Callable[[Graph, Source, Mapping[str, Slot]], dict[str, Slot]]


def vector_input(g: Graph, source: Source, slots: Mapping[str, Slot]) -> Value:
    """All inputs as one vector of doubles, in the description's order. Raises PG404 for anything but numbers."""
    parts = []
    for name in source.input_names:
        slot = slots[name]
        if not isinstance(slot, Value) or slot.dtype.kind not in "iuf":
            raise unsupported(f"input '{name}'", "this model takes numbers only")
        parts.append(g.reshape(g.cast(slot, "float64"), [-1]))
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=0)


def tensor_input(source: Source, slots: Mapping[str, Slot], name: str | None = None) -> Value:
    """One input, the first by default, as it is. Raises PG404 for a dictionary."""
    name = name or source.input_names[0]
    slot = slots[name]
    if not isinstance(slot, Value):
        raise unsupported(f"input '{name}'", "this model takes no dictionaries")
    return slot


def pairs_input(source: Source, slots: Mapping[str, Slot]) -> Pairs:
    """The first input. Raises PG404 unless it is a dictionary."""
    slot = slots[source.input_names[0]]
    if not isinstance(slot, Pairs):
        raise unsupported(f"input '{source.input_names[0]}'", "this model takes a dictionary")
    return slot


def regressed(source: Source, value: Value) -> dict[str, Slot]:
    """A regressor's only output."""
    return {source.description.predictedFeatureName or source.output_names[0]: value}


def transformed(source: Source, slot: Slot) -> dict[str, Slot]:
    """The only output of a model that is neither classifier nor regressor."""
    return {source.output_names[0]: slot}
