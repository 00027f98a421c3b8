"""Frozen TensorFlow GraphDefs (.pb)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ParityGateError
from .base import Facts, LoadOptions
from .tf_graph import SessionModel, session_from_graph_def
from .tf_tensors import refuse_dynamic, unique

if TYPE_CHECKING:
    from ..signature import TensorSpec

_NO_RESULT = {"Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "Assert"}


def load(source: Path | str, options: LoadOptions) -> SessionModel:
    """Open a frozen graph. Inputs are its placeholders, or the tensors of ``options.inputs``; outputs are the
    results that no node takes and that depend on an input.

    Raises ParityGateError PG402 for a file that is no GraphDef, PG206 where it has no placeholder or no result,
    PG201 for a declared input that the graph doesn't have.
    """
    path = Path(source)
    session = session_from_graph_def(path, _parse(path))
    graph = session.graph
    inputs = _declared(graph, options.inputs) if options.inputs else _placeholders(graph)
    results = _results(graph, {tensor.op for tensor in inputs.values()})
    if not inputs or not results:
        cause = "the graph has no placeholder" if not inputs else "no result depends on the inputs"
        raise ParityGateError("PG206", str(path), cause, "Declare the inputs by tensor name.")
    outputs = dict(zip(unique([_clean(tensor.name) for tensor in results]), results, strict=True))
    model = SessionModel(session, inputs, outputs, Facts("TensorFlow GraphDef", size=path.stat().st_size))
    refuse_dynamic(model.signature.inputs, options.dynamic)
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
    remedy = "It is a SavedModel's file: name its folder." if _is_saved_model(content) else ""
    raise ParityGateError("PG402", str(path), f"it is no TensorFlow GraphDef: {reason}", remedy)


def _is_saved_model(content: bytes) -> bool:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(content)
    except DecodeError:
        return False
    return bool(saved.meta_graphs)


def _placeholders(graph: Any) -> dict[str, Any]:
    tensors = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
    return {_clean(tensor.name): tensor for tensor in tensors if tensor.dtype.name not in {"resource", "variant"}}


def _declared(graph: Any, specs: tuple[TensorSpec, ...]) -> dict[str, Any]:
    """The tensors that the user names, with the shapes that the user gives them."""
    tensors = {}
    for spec in specs:
        try:
            tensor = graph.get_tensor_by_name(spec.name if ":" in spec.name else f"{spec.name}:0")
            if spec.shape is not None:
                tensor.set_shape([dim if isinstance(dim, int) else None for dim in spec.shape])
        except (KeyError, ValueError) as error:
            raise ParityGateError("PG201", f"input {spec.name}", f"it doesn't fit the graph: {error}") from error
        tensors[_clean(spec.name)] = tensor
    return tensors


def _results(graph: Any, inputs: set[Any]) -> list[Any]:
    """Every output of the operations that nobody consumes and that an input reaches."""
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
    """``x:0`` is ``x``; another output of a node keeps its number."""
    return name.removesuffix(":0").replace(":", "_")
