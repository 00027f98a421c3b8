"""What is known about a graph's tensors before it is perturbed: dtypes, shapes, which of them depend on the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import onnx

from ..onnx_graphs import all_graphs, names_read

Dims = tuple[int | None, ...]

_SHAPE_ONLY = {"Shape", "Size"}
_LARGE = 1 << 16  # bytes; shape inference doesn't need the content of a larger initializer


@dataclass(frozen=True, slots=True)
class Tensors:
    """``dtypes`` by tensor name (ONNX's numbers), ``dims`` where the rank is known, ``fixed`` names initializers."""

    dtypes: Mapping[str, int]
    dims: Mapping[str, Dims]
    fixed: frozenset[str]

    def length(self, name: str, axis: int = -1) -> int | None:
        """The length of an axis; None where it isn't known."""
        dims = self.dims.get(name, ())
        return dims[axis] if -len(dims) <= axis < len(dims) else None

    def size(self, name: str, start: int = 0) -> int | None:
        """The product of the lengths from axis ``start`` on; None where one of them isn't known."""
        dims = self.dims.get(name)
        known = [d for d in (dims or ())[start:] if d is not None]
        return math.prod(known) if dims is not None and len(known) == len(dims[start:]) else None


def tensors_of(model: onnx.ModelProto) -> Tensors:
    """The result of shape inference, for all graphs of the model together."""
    light = _without_large_weights(model)
    fixed = [tensor for graph in all_graphs(light.graph) for tensor in graph.initializer]
    inferred = onnx.shape_inference.infer_shapes(light)
    dtypes = {tensor.name: tensor.data_type for tensor in fixed}
    dims: dict[str, Dims] = {tensor.name: tuple(tensor.dims) for tensor in fixed}
    for graph in all_graphs(inferred.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            declared = value.type.tensor_type
            dtypes[value.name] = declared.elem_type
            if declared.HasField("shape"):
                lengths = (d.dim_value if d.HasField("dim_value") else None for d in declared.shape.dim)
                dims[value.name] = tuple(lengths)
    return Tensors(dtypes, dims, frozenset(tensor.name for tensor in fixed))


def _without_large_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    light = onnx.ModelProto()
    light.CopyFrom(model)
    for tensor in (tensor for graph in all_graphs(light.graph) for tensor in graph.initializer):
        if len(tensor.raw_data) > _LARGE:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
    return light


def input_dependent(graph: onnx.GraphProto, known: Iterable[str] = ()) -> set[str]:
    """The tensors of this graph (not of nested ones) whose values depend on those of its inputs, or of ``known``."""
    given = {tensor.name for tensor in graph.initializer}
    found = {value.name for value in graph.input if value.name not in given} | set(known)
    for node in graph.node:
        if node.op_type not in _SHAPE_ONLY and any(name in found for name in names_read(node)):
            found.update(node.output)
    return found
