"""What is known about a graph's tensors before it is perturbed: dtypes, shapes, which of them depend on the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import onnx
from onnx import helper

from ..onnx_graphs import all_graphs, names_read

Dims = tuple[int | None, ...]

_STANDARD = ("", "ai.onnx", "ai.onnx.ml")
_FLOATING = frozenset(
    {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
)

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
    """The result of shape inference, for all graphs of the model together.

    The outputs of operators that ONNX doesn't know (a runtime's own) are taken to have the type of their operands, so
    that one of them doesn't hide everything behind it.
    """
    light = _without_large_weights(model)
    fixed = [tensor for graph in all_graphs(light.graph) for tensor in graph.initializer]
    inferred = _inferred(light)
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


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """Inference begins anew behind each foreign operator, as deep as they are chained."""
    inferred = onnx.shape_inference.infer_shapes(model)
    for _ in range(sum(node.domain not in _STANDARD for node in model.graph.node)):
        known = {tensor.name: tensor.data_type for tensor in inferred.graph.initializer}
        values = (*inferred.graph.input, *inferred.graph.value_info)
        known |= {value.name: value.type.tensor_type.elem_type for value in values}
        guessed = dict(_guessed(inferred.graph, known))
        if not guessed:
            break
        inferred.graph.value_info.extend(
            helper.make_tensor_value_info(name, onnx_type, None) for name, onnx_type in guessed.items()
        )
        inferred = onnx.shape_inference.infer_shapes(inferred)
    return inferred


def _guessed(graph: onnx.GraphProto, known: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The first outputs of foreign operators whose first floating operand has a known type."""
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        unknown = node.domain not in _STANDARD and node.output[0] not in known and node.output[0] not in outputs
        types = [known[name] for name in node.input if known.get(name) in _FLOATING] if unknown else []
        if types:
            yield node.output[0], types[0]


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
