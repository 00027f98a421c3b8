"""Rewrites an ONNX graph so that its operators compute in float16; inputs and outputs keep their types.

Written here because ONNX Runtime's own rewriting (onnxruntime.transformers.float16) leaves what branches and loop
bodies read from outside in the wrong type, and limits what overflows, so that the overflow wouldn't be seen.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ....validate.errors import ParityGateError
from ....validate.noise.tensors import tensors_of
from ....validate.onnx_graphs import inline_functions, names_captured, names_read
from .constants import lift_constants
from .half_ports import Ports, ports_of
from .save import save_onnx

HALF = "/half"
"""The float16 form of a tensor is called after it."""

_SHOWN = 6


def halved(model: onnx.ModelProto, kept: Collection[str] = ()) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The model in float16, and its nodes that compute so, each by the name of its first result.

    Nodes whose first result is among ``kept`` stay in float32, and so do those that must (:func:`.half_ports.ports_of`,
    :func:`_scalings`) and all that is inside of a branch or a loop. Where the two meet, a tensor is cast, once.
    """
    model = inline_functions(model)
    lift_constants(model.graph)
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}
    dtypes = tensors_of(model).dtypes
    ports = {node.output[0]: ports_of(node, dtypes, opsets) for node in model.graph.node if node.output}
    rewriting = _Rewriting(model.graph)
    kept = {*kept, *_scalings(model.graph)}
    done = tuple(name for name, each in ports.items() if each and name not in kept)
    for node in list(model.graph.node):
        first = node.output[0] if node.output else ""
        rewriting.add(node, ports[first] if first in done else Ports())
    rewriting.finish()
    return model, done


def write_half(source: Path, destination: Path, kept: Collection[str] = ()) -> tuple[int, int]:
    """Write the ONNX file ``source`` in float16 but for ``kept`` (first results); counts those and all operators.

    Raises ParityGateError PG404 where no operator can compute in float16, PG405 where the result isn't valid ONNX.
    """
    model, done = halved(onnx.load(str(source)), kept)
    if not done:
        kinds = ", ".join(sorted({node.op_type for node in model.graph.node})[:_SHOWN])
        cause = f"none of its operators can compute in float16: {kinds}"
        raise ParityGateError("PG404", "float16", cause, "Leave out --precision.")
    save_onnx(model, destination)
    return len(done), sum(node.op_type not in ("Cast", "Constant") for node in model.graph.node)


def _scalings(graph: onnx.GraphProto) -> set[str]:
    """Results of Mul that a MatMul reads, as attention has them; they stay in float32.

    ONNX Runtime 1.31's CPU provider moves them into a fused product, and crashes while it loads such a graph in float16
    (PyTorch's nn.MultiheadAttention at opsets 18 and 20, with ORT_ENABLE_ALL).
    """
    factors = {name for node in graph.node if node.op_type == "MatMul" for name in node.input}
    return {node.output[0] for node in graph.node if node.op_type == "Mul" and node.output[0] in factors}


class _Rewriting:
    """The nodes of the new graph so far, and which tensors are there in which width."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        inputs = {value.name for value in graph.input}
        self._weights = {tensor.name: tensor for tensor in graph.initializer if tensor.name not in inputs}
        self._nodes: list[onnx.NodeProto] = []
        self._halves: dict[str, str] = {}
        self._only_half: set[str] = set()

    def add(self, node: onnx.NodeProto, ports: Ports) -> None:
        """Append the node, with ``ports`` in float16."""
        narrow = {node.input[n] for n in ports.inputs}
        for name in (*node.input, *names_captured(node)):
            if name not in narrow:
                self._widen(name)
        for n in ports.inputs:
            node.input[n] = self._half(node.input[n])
        self._nodes.append(node)
        for n in ports.outputs:
            name = node.output[n]
            node.output[n] = self._halves[name] = name + HALF
            self._only_half.add(name)

    def finish(self) -> None:
        """Put the nodes into the graph, and drop weights that nothing reads any more."""
        for output in self._graph.output:
            self._widen(output.name)
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in names_read(node)} | {out.name for out in self._graph.output}
        weights = [tensor for tensor in self._graph.initializer if tensor.name in used]
        del self._graph.initializer[:]
        self._graph.initializer.extend(weights)

    def _half(self, name: str) -> str:
        """The float16 form of a tensor: a weight's is stored, of another one it is a cast."""
        if name not in self._halves:
            self._halves[name] = name + HALF
            if name in self._weights:
                self._graph.initializer.append(_narrow(self._weights[name], name + HALF))
            else:
                self._cast(name, name + HALF, TensorProto.FLOAT16)
        return self._halves[name]

    def _widen(self, name: str) -> None:
        """Make the float32 form of a tensor that is there in float16 only."""
        if name in self._only_half:
            self._only_half.discard(name)
            self._cast(self._halves[name], name, TensorProto.FLOAT)

    def _cast(self, source: str, name: str, dtype: int) -> None:
        self._nodes.append(helper.make_node("Cast", [source], [name], name=f"{name}/cast", to=dtype))


def _narrow(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    """In float16: what is beyond its range becomes infinite, so that the outputs show it."""
    with np.errstate(over="ignore"):
        return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name)
