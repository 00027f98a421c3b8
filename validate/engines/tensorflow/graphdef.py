"""Frozen TensorFlow GraphDefs (.pb)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ..base import Facts, LoadOptions
from ..names import unique
from .graph import SessionModel, session_from_graph_def
from .guard import check_graph_def
from .tensors import check_dynamic, tf_dtype, tf_shape

if TYPE_CHECKING:
    from ...signature import TensorSpec

_NO_RESULT = {"Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "Assert"}


def load(source: Path | str, options: LoadOptions) -> SessionModel:
    """Open a frozen graph. Inputs are its placeholders, or the nodes that ``options.inputs`` names; outputs are the
    results that no node consumes and that depend on an input.

    Raises ParityGateError PG402 for a file that is not a GraphDef, PG206 if it has no placeholder or no result,
    PG201 for a declared input that the graph doesn't have, PG501 for operators that do more than compute.
    """
    path = Path(source)
    graph_def = _parse(path)
    if not options.trust:
        check_graph_def(path, graph_def)
    session = session_from_graph_def(path, _cut(graph_def, options.inputs))
    graph = session.graph
    inputs = _placeholders(graph, [_node_name(spec) for spec in options.inputs])
    results = _results(graph, {tensor.op for tensor in inputs.values()})
    if not inputs or not results:
        cause = "the graph has no placeholder" if not inputs else "no result depends on the inputs"
        raise ParityGateError("PG206", str(path), cause, "Declare the inputs by tensor name.")
    outputs = dict(zip(unique(_clean(tensor.name) for tensor in results), results, strict=True))
    model = SessionModel(session, inputs, outputs, Facts("TensorFlow GraphDef", size=path.stat().st_size))
    check_dynamic(model.signature.inputs, options.axes)
    return model


def _parse(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import graph_pb2

    content = path.read_bytes()
    graph_def = graph_pb2.GraphDef()
    try:
        graph_def.ParseFromString(content)
        if graph_def.node and all(node.op for node in graph_def.node):
            return graph_def
        reason = "it holds no nodes"
    except DecodeError as error:
        reason = str(error)
    remedy = "It is the file of a SavedModel: pass its folder." if _is_saved_model(content) else ""
    raise ParityGateError("PG402", str(path), f"it is not a TensorFlow GraphDef: {reason}", remedy)


def _is_saved_model(content: bytes) -> bool:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(content)
    except DecodeError:
        return False
    return bool(saved.meta_graphs)


def _cut(graph_def: Any, specs: tuple[TensorSpec, ...]) -> Any:
    """Replace each node that the user names by a placeholder of the declared dtype and shape."""
    import tensorflow as tf

    nodes = {node.name: node for node in graph_def.node}
    for spec in specs:
        node = nodes.get(_node_name(spec))
        if node is None:
            raise ParityGateError("PG201", f"input {spec.name}", "the graph has no node with this name")
        node.op = "Placeholder"
        del node.input[:]
        node.attr.clear()
        node.attr["dtype"].type = tf_dtype(spec.dtype).as_datatype_enum
        node.attr["shape"].shape.CopyFrom(tf.TensorShape(tf_shape(spec.shape)).as_proto())
    return graph_def


def _node_name(spec: TensorSpec) -> str:
    return spec.name.removesuffix(":0")


def _placeholders(graph: Any, names: list[str]) -> dict[str, Any]:
    """The named placeholders in this order; without names, all that hold numbers or text."""
    if names:
        return {name: graph.get_tensor_by_name(f"{name}:0") for name in names}
    tensors = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
    return {_clean(tensor.name): tensor for tensor in tensors if tensor.dtype.name not in {"resource", "variant"}}


def _results(graph: Any, inputs: set[Any]) -> list[Any]:
    """Every output of the operations that depend on an input and whose outputs aren't consumed."""
    reached, consumed = set(inputs), set()
    for op in graph.get_operations():  # in topological order, as TensorFlow imports them
        sources = {tensor.op for tensor in op.inputs}
        consumed |= sources
        if sources & reached:
            reached.add(op)
    return [
        tensor
        for op in graph.get_operations()
        if op in reached and op not in consumed and op.type not in _NO_RESULT
        for tensor in op.outputs
    ]


def _clean(name: str) -> str:
    """``x:0`` -> ``x``; further outputs of a node keep their number."""
    return name.removesuffix(":0").replace(":", "_")
