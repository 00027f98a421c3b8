"""States (iOS18): tensors that persist between predictions. They are inputs and outputs of the graph."""

from __future__ import annotations

from ..bind import Numerics, State, lowers
from ..graph import Graph, Tensor


@lowers("read_state", opset=18, numerics=Numerics.RAW)
def read_state(g: Graph, *, input: State) -> Tensor:
    """The content of the state at this point of the program."""
    return input.value


@lowers("write_state", opset=18, numerics=Numerics.RAW)
def write_state(g: Graph, *, input: State, data: Tensor) -> None:
    """Later reads return ``data``; the final content is the initial value of the next prediction."""
    input.value = g.typed(data, input.value.shape)


@lowers("coreml_update_state", opset=18, numerics=Numerics.RAW)
def coreml_update_state(g: Graph, *, state: State, value: Tensor) -> Tensor:
    """Write, then read."""
    write_state(g, input=state, data=value)
    return state.value
