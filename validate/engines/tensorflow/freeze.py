"""TensorFlow graphs with their variables frozen to constants, for the converters and the hints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import ParityGateError
from ..base import Model
from .nodes import all_nodes, drop_nodes
from .tables import captured_tables, session_tables
from .tensors import quiet_tensorflow

if TYPE_CHECKING:
    from .tables import Tables

MESSAGE_LIMIT = 1_900_000_000
"""Bytes of constants in one message; protobuf refuses 2**31."""

_LARGE = 1000
"""Bytes from which a constant is a weight; smaller ones may be shapes and axes, whose values a translation needs."""

OUTPUT = "paritygate/output_"
"""Prefix of the names of the nodes that are added for the outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class FrozenGraph:
    """A ``GraphDef`` without variables, and its inputs and outputs.

    ``inputs`` and ``outputs`` map the signature's names to tensor names (``x:0``); every output has a node of its
    own, even if two outputs are one tensor or an output is an input. ``tables`` holds the keys and values of each
    lookup table, by the ``shared_name`` of its HashTableV2 node, which is also the attribute ``TABLE`` of its lookups.
    ``detached`` holds the ``TensorProto`` of large constants by node name if together they exceed one protobuf
    message: the graph has placeholders instead. Otherwise it is empty.
    """

    graph_def: Any
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    tables: Tables
    detached: Mapping[str, Any]

    def constant(self, node: Any) -> Any | None:
        """The ``TensorProto`` of a constant node, even if detached; None for any other node."""
        return node.attr["value"].tensor if node.op == "Const" else self.detached.get(node.name)


class GraphModel(Model, Protocol):
    """A TensorFlow model whose graph can be frozen."""

    def freeze(self) -> FrozenGraph:
        """The frozen graph; made once, then cached."""


def freeze_function(function: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> FrozenGraph:
    """Freeze a ``ConcreteFunction``; ``inputs`` and ``outputs`` map names to the tensors of its graph.

    These are the first two steps of TensorFlow's ``convert_variables_to_constants_v2``. The last one, which wraps the
    result in a function again, takes ten times as long as the freezing, and fails beyond 2 GB.
    """
    from tensorflow.python.framework import convert_to_constants

    with _reporting_failure():
        data = convert_to_constants._FunctionConverterDataInEager(
            func=function, lower_control_flow=False, aggressive_inlining=True
        )
        graph_def, _ = convert_to_constants._replace_variables_by_constants(converter_data=data)
        return _finish(graph_def, inputs, outputs, lambda inlined: captured_tables(inlined, function))


def freeze_session(session: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> FrozenGraph:
    """Freeze the part of a version 1 session's graph that leads to ``outputs`` (name -> ``tf.Tensor``)."""
    from tensorflow.python.framework import convert_to_constants

    nodes = sorted({tensor.op.name for tensor in [*inputs.values(), *outputs.values()]})
    with _reporting_failure(), quiet_tensorflow():
        graph_def = convert_to_constants.convert_variables_to_constants_from_session_graph(
            session, session.graph.as_graph_def(add_shapes=True), nodes
        )
        return _finish(graph_def, inputs, outputs, lambda inlined: session_tables(inlined, session))


@contextmanager
def _reporting_failure() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # TensorFlow raises ValueError, KeyError, AttributeError and its own errors
        cause = f"its variables can't be frozen: {type(error).__name__}: {error}"
        raise ParityGateError("PG405", "TensorFlow graph", cause) from error


def _finish(
    graph_def: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any], read_tables: Callable[[Any], Tables]
) -> FrozenGraph:
    drop_nodes(graph_def.node, _is_assignment)  # their variables are constants now
    inputs = {name: tensor.name for name, tensor in inputs.items()}
    own = _own_outputs(graph_def, outputs)
    detached = _detach(graph_def)
    inlined = run_grappler(graph_def, [*inputs.values(), *own.values()])
    return FrozenGraph(inlined, inputs, own, read_tables(inlined), detached)


def run_grappler(graph_def: Any, keep: list[str]) -> Any:
    """A ``GraphDef`` after TensorFlow's own inlining and constant folding; the tensors in ``keep`` are preserved.

    The functions of loops and branches are kept, because the converter reads them. Quantised constants are kept, too.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
    from tensorflow.python.framework import convert_to_constants
    from tensorflow.python.grappler import tf_optimizer

    config = config_pb2.ConfigProto()
    rewriting = config.graph_options.rewrite_options
    config.graph_options.infer_shapes = True
    rewriting.optimizers[:] = ["constfold", "function", "dependency"]
    rewriting.function_optimization = rewriter_config_pb2.RewriterConfig.AGGRESSIVE
    rewriting.min_graph_nodes = -1  # small graphs too
    rewriting.experimental_disable_folding_quantization_emulation = True
    functional = convert_to_constants.disable_lower_using_switch_merge(graph_def)
    _let_inline(functional)
    meta_graph = tf.compat.v1.train.export_meta_graph(graph_def=functional, graph=tf.Graph())
    meta_graph.collection_def["train_op"].CopyFrom(
        meta_graph_pb2.CollectionDef(node_list=meta_graph_pb2.CollectionDef.NodeList(value=keep))
    )
    return tf_optimizer.OptimizeGraph(config, meta_graph)


def _let_inline(graph_def: Any) -> None:
    """Clear the mark for XLA (Keras' grouped convolutions), which prevents inlining; nothing is compiled here."""
    for marked in [*all_nodes(graph_def), *graph_def.library.function]:
        marked.attr.pop("_XlaMustCompile", None)


def _is_assignment(node: Any) -> bool:
    """A write to a variable, such as the next seed of a layer that is random in training."""
    return bool(node.op.startswith("Assign") and node.op.endswith("VariableOp"))


def _detach(graph_def: Any) -> dict[str, Any]:
    """Replace large constants by placeholders if together they don't fit into one message."""
    from tensorflow.core.framework import types_pb2

    constants = [node for node in graph_def.node if node.op == "Const"]
    if sum(len(node.attr["value"].tensor.tensor_content) for node in constants) < MESSAGE_LIMIT:
        return {}
    detached = {}
    for node in constants:
        tensor = node.attr["value"].tensor
        is_bfloat16 = tensor.dtype == types_pb2.DT_BFLOAT16  # translated to a different width
        if len(tensor.tensor_content) >= _LARGE and not is_bfloat16:
            detached[node.name] = type(tensor)()
            detached[node.name].CopyFrom(tensor)
            node.op = "Placeholder"
            node.attr["shape"].shape.CopyFrom(tensor.tensor_shape)
            del node.attr["value"]
    return detached


def _own_outputs(graph_def: Any, outputs: Mapping[str, Any]) -> dict[str, str]:
    own, taken = {}, {node.name for node in graph_def.node}
    for number, (name, tensor) in enumerate(outputs.items()):
        free = next(free for step in count() if (free := f"{OUTPUT}{number + step * len(outputs)}") not in taken)
        node = graph_def.node.add(name=free, op="Identity", input=[tensor.name])
        node.attr["T"].type = tensor.dtype.as_datatype_enum
        own[name] = f"{free}:0"
    return own
