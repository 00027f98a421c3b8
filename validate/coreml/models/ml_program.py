"""An ML Program as a model: the inputs and outputs of its function are the features of the description."""

from __future__ import annotations

from collections.abc import Mapping

from ..bind import TensorType
from ..errors import damaged
from ..graph import Graph, Slot, Tensor
from ..literals import tensor_type
from ..program import function, lower_function
from .base import ModelContext


def ml_program(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Lower the chosen function of the program."""
    chosen = function(context.body, context.function)
    inputs = {
        i.name: _input(g, slots, i.name, tensor_type(i.type, f"input '{i.name}'"))
        for i in chosen.inputs
        if i.name not in context.states
    }
    return lower_function(g, chosen, inputs, context.states, context.blobs)


def _input(g: Graph, slots: Mapping[str, Slot], name: str, declared: TensorType) -> Tensor:
    slot = slots.get(name)
    if not isinstance(slot, Tensor):
        raise damaged(f"input '{name}'", "it is a tensor in the program, but the description has no such feature")
    value = g.cast(slot, declared.dtype)
    if declared.shape == () and value.shape != ():
        return g.reshape(value, [])
    return g.typed(value, declared.shape)
