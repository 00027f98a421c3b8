"""Weights of an ONNX model in int8, with DequantizeLinear in front of the operators, which compute in float32.

ONNX Runtime's own quantisers have no such form for eight bits. The formula is that of ONNX's DequantizeLinear,
w = scale * q, symmetric, with a scale for each output channel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...validate.onnx_graphs import names_read
from ..routes.onnx.opset import opset_of

_LARGEST = 127
_PER_AXIS = 13
"""The opset from which DequantizeLinear takes a scale for each channel."""


def dequantized(model: onnx.ModelProto, chosen: Collection[str], places: Mapping[str, int]) -> onnx.ModelProto:
    """The model, in place, with the weights of the chosen nodes in int8; ``places`` are their operands by operator."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    opset = opset_of(model)
    made: dict[tuple[str, int], str] = {}
    nodes: list[onnx.NodeProto] = []
    for node in list(graph.node):
        if node.name in chosen:
            place = places[node.op_type]
            name = node.input[place]
            axis = _axis(node, len(weights[name].dims)) if opset >= _PER_AXIS else -1
            if (name, axis) not in made:
                made[name, axis] = f"{name}/dequantized{len(made)}"
                nodes.append(_stored(graph, weights[name], axis, made[name, axis]))
            node.input[place] = made[name, axis]
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    return model


def _axis(node: onnx.NodeProto, rank: int) -> int:
    """The axis of a weight that counts output channels, or the rows of a table."""
    match node.op_type:
        case "MatMul":
            return rank - 1
        case "Gemm":
            return 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
        case "ConvTranspose":
            return 1
    return 0


def _stored(graph: onnx.GraphProto, tensor: onnx.TensorProto, axis: int, name: str) -> onnx.NodeProto:
    """Store the weight in int8, and give the node that dequantises it; ``axis`` -1 stands for one scale for all."""
    array = numpy_helper.to_array(tensor)
    others = tuple(n for n in range(array.ndim) if n != axis)
    peak = np.abs(array).max(axis=others, keepdims=True) if axis >= 0 else np.abs(array).max()
    scale = np.maximum(peak / _LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
    whole = np.clip(np.rint(array / scale), -_LARGEST, _LARGEST).astype(np.int8)
    flat = scale.reshape(-1) if axis >= 0 else scale.reshape(())
    graph.initializer.append(numpy_helper.from_array(whole, f"{name}/int8"))
    graph.initializer.append(numpy_helper.from_array(flat, f"{name}/scale"))
    node = helper.make_node("DequantizeLinear", [f"{name}/int8", f"{name}/scale"], [name], name=name)
    if axis >= 0:
        node.attribute.append(helper.make_attribute("axis", axis))
    return node


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in names_read(node)} | {output.name for output in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
