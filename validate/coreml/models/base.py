"""What the lowering of a whole model is given, and what lowerings share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..bind import State
from ..errors import damaged, unsupported
from ..files.proto import Message
from ..files.weights import Blobs
from ..graph import Graph, Pairs, Slot, Tensor

MAIN = "main"
"""The function of an ML Program that is run by default."""

MAX_DEPTH = 64
"""How deep models may be nested."""

MAX_ELEMENTS = 1 << 28
"""Size limit of a table: a few bytes of a damaged specification could otherwise request any amount of memory."""


@dataclass(frozen=True, slots=True)
class ModelContext:
    """One model: its specification, the description that applies to it, its weights, and how to lower nested models.

    ``lower`` lowers a nested model, whose context is :meth:`nested`. ``function`` names the function of an ML Program;
    ``states`` are its state tensors by name. ``depth`` counts the pipelines and links around it.
    """

    spec: Message
    description: Message
    blobs: Blobs
    function: str
    lower: ModelLowering
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

    def nested(self, spec: Message, blobs: Blobs) -> ModelContext:
        """The context of the model ``spec`` inside this one. Raises PG402 when the nesting is too deep."""
        if self.depth >= MAX_DEPTH:
            raise damaged(
                f"model type '{self.spec.WhichOneof('Type')}'", f"models are nested more than {MAX_DEPTH} deep"
            )
        description = spec.description
        function = description.defaultFunctionName or MAIN
        return replace(self, spec=spec, description=description, blobs=blobs, function=function, depth=self.depth + 1)


ModelLowering = Callable[[Graph, ModelContext, Mapping[str, Slot]], dict[str, Slot]]


def vector_input(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> Tensor:
    """All inputs as one vector of doubles, in the description's order. Raises PG404 unless they are numbers."""
    parts = []
    for name in context.input_names:
        slot = slots[name]
        if not isinstance(slot, Tensor) or slot.dtype.kind not in "iuf":
            raise unsupported(f"input '{name}'", "this model accepts numbers only")
        parts.append(g.reshape(g.cast(slot, "float64"), [-1]))
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=0)


def tensor_input(context: ModelContext, slots: Mapping[str, Slot], name: str | None = None) -> Tensor:
    """One input, the first by default, unchanged. Raises PG404 for a dictionary."""
    name = name or context.input_names[0]
    slot = slots[name]
    if not isinstance(slot, Tensor):
        raise unsupported(f"input '{name}'", "this model doesn't accept dictionaries")
    return slot


def pairs_input(context: ModelContext, slots: Mapping[str, Slot]) -> Pairs:
    """The first input. Raises PG404 unless it is a dictionary."""
    slot = slots[context.input_names[0]]
    if not isinstance(slot, Pairs):
        raise unsupported(f"input '{context.input_names[0]}'", "this model expects a dictionary")
    return slot


def regressed(context: ModelContext, value: Tensor) -> dict[str, Slot]:
    """A regressor's only output."""
    return {context.description.predictedFeatureName or context.output_names[0]: value}


def transformed(context: ModelContext, slot: Slot) -> dict[str, Slot]:
    """The only output of a model that is neither classifier nor regressor."""
    return {context.output_names[0]: slot}
