"""A thin layer over tf2onnx's graph: append ONNX nodes, and replace a TensorFlow node by a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ....validate.signature import Array

Translation = Callable[["Nodes", Any], str]
"""Takes the graph to append to and the TensorFlow node; returns the value that replaces the node's first output."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Appends to a tf2onnx graph. Values are tensor names."""

    graph: Any

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append one node and return its output."""
        return str(self.graph.make_node(kind, list(inputs), attr=attributes, domain=domain).output[0])

    def const(self, value: Any, like: str | None = None) -> str:
        """Append a constant, with the dtype of the value ``like`` if it is given."""
        from tf2onnx import utils

        array = np.asarray(value)
        if like is not None:
            array = array.astype(utils.map_onnx_to_numpy_type(self.graph.get_dtype(like)))
        return str(self.graph.make_const(utils.make_name("const"), array).output[0])

    def unsqueeze(self, value: str, axis: int) -> str:
        """Append Unsqueeze, whose axes are an attribute before opset 13 and an input from then on."""
        from tf2onnx.graph_builder import GraphBuilder

        return str(GraphBuilder(self.graph).make_unsqueeze({"data": value, "axes": [axis]}))

    def sum(self, value: str, axis: int) -> str:
        """Append ReduceSum over one axis, which is removed."""
        from tf2onnx.graph_builder import GraphBuilder

        return str(GraphBuilder(self.graph).make_reduce_sum({"data": value, "axes": [axis], "keepdims": 0}))

    def select(self, condition: str, yes: str, no: str) -> str:
        """Append Where."""
        return self.op("Where", condition, yes, no)


def handler(translate: Translation) -> tuple[Callable[..., None], list[Any]]:
    """A translation in the form that tf2onnx's ``custom_op_handlers`` expects."""

    def handle(graph: Any, node: Any, _name: str, _arguments: list[Any]) -> None:
        outputs, shapes, dtypes = node.output, node.output_shapes, node.output_dtypes
        value = translate(Nodes(graph), node)
        if shapes[0] is None:  # the translation may know more than TensorFlow, as after a lookup
            shapes = [graph.get_shape(value), *shapes[1:]]
        graph.remove_node(node.name)
        graph.make_node("Identity", [value], outputs=outputs, shapes=shapes, dtypes=dtypes)

    return handle, []


def constant(node: Any, position: int) -> Array:
    """The value of a node's constant input. Raises ValueError if the model computes it."""
    source = node.inputs[position]
    if not source.is_const():
        raise ValueError(f"input {position} of {node.name} must be a constant, but the model computes it")
    return np.asarray(source.get_tensor_value(as_list=False))


def flag(node: Any, name: str) -> bool:
    """A boolean attribute; absent is false."""
    value = node.get_attr_value(name)
    return bool(value)
