"""The types of a model's values, by ONNX's shape inference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx

from .....validate.onnx_graphs import subgraphs
from .schemas import is_onnx, opset_of
from .scope import Scope, dims_of

_ROUNDS = 12
"""How often constants are looked for: each may need shapes that another one has made known."""

_SHAPED_BY_OPERANDS = {
    "CenterCropPad": 1, "ConstantOfShape": 0, "Expand": 1, "Pad": 1, "Range": 0, "ReduceMax": 1, "ReduceMean": 1,
    "ReduceMin": 1, "ReduceSum": 1, "Reshape": 1, "Resize": 1, "Slice": 1, "Split": 1, "Squeeze": 1, "Tile": 1,
    "TopK": 1, "Unsqueeze": 1,
}  # fmt: skip
"""Operators whose result has a shape that an operand's value decides -> the first such operand."""

Types = dict[str, onnx.TypeProto]

_LARGE = 4096
"""Elements of an initializer from which on inference gets its type only: protobuf can't serialise more than 2 GB."""


def types_of(model: onnx.ModelProto, folder: Path | None = None) -> dict[int, Types]:
    """The number of a graph, in the order of :func:`numbered`, -> its values' types.

    What the model itself says of its inner values isn't trusted: old exporters wrote wrong shapes. It counts only for
    operators that ONNX doesn't know.
    """
    light, opset = _light(model), opset_of(model)
    for _ in range(_ROUNDS):
        inferred = _inferred(light)
        scope = Scope.of(inferred.graph, _known(inferred.graph), opset, folder)
        if not _told_constants(light.graph, scope):
            break
    return {number: _known(graph) for number, graph in enumerate(numbered(inferred.graph))}


def _inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    with suppress(onnx.shape_inference.InferenceError, RuntimeError):
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    return model  # then only what is declared is known


def _told_constants(graph: onnx.GraphProto, scope: Scope) -> bool:
    """Whether an operand that decides a shape, and that inference couldn't compute, could be put in as a constant."""
    told = False
    for node in graph.node:
        if node.op_type not in _SHAPED_BY_OPERANDS or all(_is_known(scope, name) for name in node.output):
            continue
        for index, name in enumerate(node.input):
            if index >= _SHAPED_BY_OPERANDS[node.op_type] and name in scope.makers:
                told = _tell(graph, scope, node, index) or told
        told = _told_rank(graph, scope, node) or told
    return told


def _told_rank(graph: onnx.GraphProto, scope: Scope, node: onnx.NodeProto) -> bool:
    """Whether a reshaped tensor got the rank that the length of its computed shape says."""
    if node.op_type != "Reshape" or dims_of(scope.type_of(node.output[0])) is not None:
        return False
    length, kind = dims_of(scope.type_of(node.input[1])), scope.type_of(node.input[0])
    if not length or length[0] is None or kind is None or not kind.tensor_type.elem_type:
        return False
    dims: list[int | None] = [None] * length[0]
    told = onnx.helper.make_tensor_value_info(node.output[0], kind.tensor_type.elem_type, dims)
    graph.value_info.append(told)
    return True


def _is_known(scope: Scope, name: str) -> bool:
    dims = dims_of(scope.type_of(name))
    return dims is not None and None not in dims


def _tell(graph: onnx.GraphProto, scope: Scope, node: onnx.NodeProto, index: int) -> bool:
    value = scope.constant(node.input[index])
    if value is None:
        return False
    name = f"{node.input[index]}/as constant"
    if all(tensor.name != name for tensor in graph.initializer):
        graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    node.input[index] = name
    return True


def numbered(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and those nested in it, in a fixed order."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node):
            yield from numbered(inner)


def _known(graph: onnx.GraphProto) -> Types:
    values = [*graph.value_info, *graph.input, *graph.output]
    known = {value.name: value.type for value in values if value.type.WhichOneof("value")}
    tensors = {t.name: onnx.helper.make_tensor_type_proto(t.data_type, t.dims) for t in graph.initializer}
    return known | tensors


def _light(model: onnx.ModelProto) -> onnx.ModelProto:
    graph = model.graph
    foreign = {name for node in graph.node if not is_onnx(node) for name in node.output}
    light = onnx.helper.make_model(
        onnx.helper.make_graph(graph.node, graph.name, graph.input, [_without_shape(value) for value in graph.output]),
        opset_imports=model.opset_import,
        ir_version=max(model.ir_version, 4),
    )
    light.functions.extend(model.functions)
    light.graph.value_info.extend(value for value in graph.value_info if value.name in foreign)
    inputs = {value.name for value in graph.input}
    for tensor in graph.initializer:
        if np.prod(tensor.dims, dtype=np.int64) <= _LARGE and not onnx.external_data_helper.uses_external_data(tensor):
            light.graph.initializer.append(tensor)
        elif tensor.name not in inputs:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light


def _without_shape(value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    bare = onnx.ValueInfoProto()
    bare.CopyFrom(value)
    if bare.type.HasField("tensor_type"):
        bare.type.tensor_type.ClearField("shape")
    return bare
