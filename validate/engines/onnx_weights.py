"""Which weights an ONNX graph computes with: those on the path from its inputs to its outputs. Light.

A file may hold more: weights that nothing reads, and constants that only meet each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..onnx_graphs import all_graphs, all_nodes, names_captured, subgraphs

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

    Weights = Mapping[str, onnx.TensorProto]

_MOVING = frozenset(("Cast", "DequantizeLinear", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))
"""What a weight may go through on its way to the operator that computes with it."""

_FLOATING = frozenset((1, 10, 11))
"""ONNX's numbers of float32, float16 and float64."""

_SHAPE_ONLY = frozenset({"Shape", "Size"})


def elements_by_type(model: onnx.ModelProto) -> Counter[int]:
    """ONNX type -> how many elements of the weights that values on their way from the inputs to the outputs meet."""
    counts: Counter[int] = Counter()
    _count(model.graph, frozenset(), {}, counts)
    return counts


def elements(tensor: onnx.TensorProto) -> int:
    """How many a tensor has, by its shape."""
    count = 1
    for length in tensor.dims:
        count *= length
    return count


def constants_of(model: onnx.ModelProto) -> dict[str, Array]:
    """Initializers and the values of Constant nodes by name, those of inner graphs and functions included."""
    from onnx import numpy_helper

    tensors = [tensor for graph in all_graphs(model.graph) for tensor in graph.initializer]
    found = {tensor.name: tensor for tensor in tensors}
    for node in (node for node in all_nodes(model) if node.op_type == "Constant"):
        for entry in node.attribute:
            if entry.name == "value":
                found[node.output[0]] = entry.t
    return {name: numpy_helper.to_array(tensor) for name, tensor in found.items() if tensor.data_type in _FLOATING}


def _count(graph: onnx.GraphProto, outside: Collection[str], known: Weights, counts: Counter[int]) -> None:
    """Add the graph's own; ``outside`` are values around it that depend on the inputs, ``known`` weights around it."""
    weights = {**known, **_weights(graph)}
    dependent = {value.name for value in graph.input if value.name not in weights} | set(outside)
    for node in graph.node:
        reads = {*node.input, *names_captured(node)}
        if node.op_type not in _SHAPE_ONLY and reads & dependent:
            dependent.update(node.output)
    needed = {value.name for value in graph.output}
    met: set[str] = set()
    for node in reversed(graph.node):
        if not needed.intersection(node.output):
            continue
        needed.update(node.input, names_captured(node))
        if dependent.intersection(node.output):
            met.update(node.input)
            for body in subgraphs(node):
                _count(body, dependent, weights, counts)
    found = {id(weights[name]): weights[name] for name in met if name in weights and name not in dependent}
    for tensor in found.values():
        counts[tensor.data_type] += elements(tensor)


def _weights(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Initializers and constants by every name that they go by: moved or cast, a weight stays one."""
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            found.update((node.output[0], a.t) for a in node.attribute if a.HasField("t"))
        elif node.op_type in _MOVING and node.input and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found
