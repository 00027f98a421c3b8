"""The types of a model's values, by ONNX's shape inference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import onnx

from .....validate.onnx_graphs import subgraphs
from .schemas import is_onnx

Types = dict[str, onnx.TypeProto]

_LARGE = 4096
"""Elements of an initializer from which on inference gets its type only: protobuf can't serialise more than 2 GB."""


def types_of(model: onnx.ModelProto) -> dict[int, Types]:
    """The number of a graph, in the order of :func:`numbered`, -> its values' types.

    What the model itself says of its inner values isn't trusted: old exporters wrote wrong shapes. It counts only for
    operators that ONNX doesn't know.
    """
    light = _light(model)
    with suppress(onnx.shape_inference.InferenceError, RuntimeError):  # else only what is declared is known
        light = onnx.shape_inference.infer_shapes(light, data_prop=True)
    return {number: _known(graph) for number, graph in enumerate(numbered(light.graph))}


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
        onnx.helper.make_graph(graph.node, graph.name, graph.input, map(_without_shape, graph.output)),
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
