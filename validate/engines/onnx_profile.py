"""What an ONNX graph costs to run, from the graph alone: multiply-adds, memory for activations, dtypes of weights."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..onnx_graphs import all_graphs, all_nodes, inline_functions, names_read
from .base import Profile, WeightGroup, bytes_of, grouped

if TYPE_CHECKING:
    import onnx

Shape = tuple[int, ...]
Count = Callable[["onnx.NodeProto", Mapping[str, Shape]], int]

_QUANTISED = (
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger",
    "MatMulInteger", "MatMulNBits", "DynamicQuantizeMatMul", "QGemm", "QLinearAdd", "QLinearMul",
)  # fmt: skip


def profile_of(model: onnx.ModelProto) -> Profile:
    """The profile at batch 1. Figures are None where a length is open or an operator's result has no known shape."""
    counted = Counter(node.op_type for node in all_nodes(model))
    quantised = {name: counted[name] for name in _QUANTISED if counted[name]}
    shapes, sizes = _inferred(model)
    return Profile(
        weights=_weights(model),
        quantised=", ".join(f"{name} {count}" for name, count in quantised.items()),
        ir_version=model.ir_version,
        metadata={entry.key: entry.value for entry in model.metadata_props},
        macs=_macs(model, shapes),
        activation_bytes=_peak(model.graph, sizes),
    )


def _weights(model: onnx.ModelProto) -> tuple[WeightGroup, ...]:
    """The initializers of all graphs by dtype."""
    tensors = (tensor for graph in all_graphs(model.graph) for tensor in graph.initializer)
    return grouped((_dtype(tensor.data_type), math.prod(tensor.dims)) for tensor in tensors)


def _dtype(number: int) -> str:
    import onnx

    return str(onnx.TensorProto.DataType.Name(number)).lower()


def _inferred(model: onnx.ModelProto) -> tuple[dict[str, Shape], dict[str, int]]:
    """Shapes, and sizes in bytes, of the main graph's tensors at batch 1; only of those whose lengths are known."""
    import onnx

    copy = inline_functions(model)
    fixed = onnx.ModelProto()
    fixed.CopyFrom(copy)
    for value in fixed.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].HasField("dim_value"):
            dims[0].dim_value = 1
    for value in fixed.graph.output:  # what they declare may name the batch
        value.type.tensor_type.ClearField("shape")
    del fixed.graph.value_info[:]
    try:
        graph = onnx.shape_inference.infer_shapes(fixed, data_prop=True).graph
    except (ValueError, RuntimeError):  # beyond 2 GB, or a graph that inference rejects: nothing is known
        return {}, {}
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    sizes = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if all(dim.HasField("dim_value") for dim in kind.shape.dim) and kind.HasField("shape"):
            shapes[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
            sizes[value.name] = bytes_of(_dtype(kind.elem_type), math.prod(shapes[value.name]))
    return shapes, sizes


def _peak(graph: onnx.GraphProto, sizes: Mapping[str, int]) -> int | None:
    """The most bytes that values take at once, if each is freed after its last use and nothing is computed in place."""
    weights = {tensor.name for tensor in graph.initializer}
    kept = {value.name for value in graph.output}
    last = {name: turn for turn, node in enumerate(graph.node) for name in names_read(node)}
    live = {value.name for value in graph.input} - weights
    most = 0
    try:
        for turn, node in enumerate(graph.node):
            live |= {name for name in node.output if name}
            most = max(most, sum(sizes[name] for name in live))
            live = {name for name in live if name in kept or last.get(name, -1) > turn}
    except KeyError:
        return None
    return most


def _macs(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> int | None:
    graphs = list(all_graphs(model.graph))
    inner = [node for graph in graphs[1:] for node in graph.node]
    if any(node.op_type in _MACS for node in inner):
        return None  # how often a loop or branch runs isn't known
    try:
        return sum(_of_nodes(inline_functions(model).graph.node, shapes))
    except KeyError:
        return None


def _of_nodes(nodes: Sequence[onnx.NodeProto], shapes: Mapping[str, Shape]) -> Iterator[int]:
    return (_MACS[node.op_type](node, shapes) for node in nodes if node.op_type in _MACS)


def _conv(weights: int) -> Count:
    return lambda node, shapes: math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[weights]][1:])


def _conv_transpose(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> int:
    return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])


def _gemm(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> int:
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]


def _matmul(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> int:
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _recurrent(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every step of every sequence multiplies with all input and recurrent weights."""
    steps = math.prod(shapes[node.input[0]][:2])
    return steps * (math.prod(shapes[node.input[1]]) + math.prod(shapes[node.input[2]]))


_MACS: Mapping[str, Count] = {
    "Conv": _conv(1),
    "ConvInteger": _conv(1),
    "QLinearConv": _conv(3),
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
}
"""Operators that do nearly all of a network's arithmetic -> their multiply-adds."""
