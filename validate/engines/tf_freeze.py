"""TensorFlow graphs with their variables frozen to constants: what the converters and the hints read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from .base import Model
from .tf_tensors import quiet_tensorflow

if TYPE_CHECKING:
    from ..signature import Array


OUTPUT = "paritygate/output_"
"""How the names of the nodes begin that are put behind the outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class FrozenGraph:
    """A ``GraphDef`` without variables, and what of it is the model.

    ``inputs`` and ``outputs`` map the signature's names to tensor names (``x:0``); every output has a node of its
    own, even if two outputs are one tensor or an output is an input. ``tables`` holds the keys and values of each
    lookup table, by the ``shared_name`` of its HashTableV2 node.
    """

    graph_def: Any
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    tables: Mapping[bytes, tuple[Array, Array]]


class GraphModel(Model, Protocol):
    """A TensorFlow model whose graph can be frozen."""

    def freeze(self) -> FrozenGraph:
        """The frozen graph; made once, then remembered."""


def freeze_function(function: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> FrozenGraph:
    """Freeze a ``ConcreteFunction``; ``inputs`` and ``outputs`` map names to the tensors of its graph.

    TensorFlow's own two steps behind ``convert_variables_to_constants_v2`` without its last one, which wraps the
    result in a function again: that takes ten times as long as the freezing, and fails beyond 2 GB.
    """
    from tensorflow.python.framework import convert_to_constants

    data = convert_to_constants._FunctionConverterDataInEager(
        func=function, lower_control_flow=False, aggressive_inlining=True
    )
    graph_def, _ = convert_to_constants._replace_variables_by_constants(converter_data=data)
    _drop_assignments(graph_def)
    own = _own_outputs(graph_def, outputs)
    inlined = run_grappler(graph_def, [*_names(inputs).values(), *own.values()])
    return FrozenGraph(inlined, _names(inputs), own, _captured_tables(inlined, function))


def freeze_session(session: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> FrozenGraph:
    """Freeze the part of a version 1 session's graph that leads to ``outputs`` (name -> ``tf.Tensor``)."""
    from tensorflow.python.framework import convert_to_constants

    nodes = sorted({tensor.op.name for tensor in [*inputs.values(), *outputs.values()]})
    with quiet_tensorflow():
        graph_def = convert_to_constants.convert_variables_to_constants_from_session_graph(
            session, session.graph.as_graph_def(add_shapes=True), nodes
        )
    _drop_assignments(graph_def)
    own = _own_outputs(graph_def, outputs)
    inlined = run_grappler(graph_def, [*_names(inputs).values(), *own.values()])
    return FrozenGraph(inlined, _names(inputs), own, _session_tables(inlined, session))


def run_grappler(graph_def: Any, keep: list[str]) -> Any:
    """A ``GraphDef`` after TensorFlow's own constant folding and inlining; the tensors in ``keep`` stay.

    Functions of loops and branches stay functions: the converter reads them so. Quantisation of constants stays too.
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
    """Functions marked for XLA (Keras' grouped convolutions) are never inlined; here nothing compiles them."""
    calls = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    for marked in [*calls, *graph_def.library.function]:
        marked.attr.pop("_XlaMustCompile", None)


def _drop_assignments(graph_def: Any) -> None:
    """Writes to variables, such as the next seed of a layer that is random in training, have no variable any more."""
    written = {node.name for node in graph_def.node if node.op.startswith("Assign") and node.op.endswith("VariableOp")}
    kept = [node for node in graph_def.node if node.name not in written]
    for node in kept:
        node.input[:] = [name for name in node.input if name.removeprefix("^") not in written]
    del graph_def.node[:]
    graph_def.node.extend(kept)


def _names(tensors: Mapping[str, Any]) -> dict[str, str]:
    return {name: tensor.name for name, tensor in tensors.items()}


def _own_outputs(graph_def: Any, outputs: Mapping[str, Any]) -> dict[str, str]:
    own, taken = {}, {node.name for node in graph_def.node}
    for number, (name, tensor) in enumerate(outputs.items()):
        free = next(free for step in count() if (free := f"{OUTPUT}{number + step * len(outputs)}") not in taken)
        node = graph_def.node.add(name=free, op="Identity", input=[tensor.name])
        node.attr["T"].type = tensor.dtype.as_datatype_enum
        own[name] = f"{free}:0"
    return own


def _captured_tables(graph_def: Any, function: Any) -> dict[bytes, tuple[Array, Array]]:
    """Read the lookup tables that a function captured, and put a HashTableV2 node where each came in.

    Freezing leaves such resources as placeholders, which say nothing of the table behind them.
    """
    from tensorflow.python.ops import lookup_ops

    handles = {inner.op.name: outer for outer, inner in function.graph.captures if inner.dtype.name == "resource"}
    types = _table_types(graph_def)
    tables = {}
    for node in graph_def.node:
        if node.op == "Placeholder" and node.name in handles and node.name in types:
            keys, values = lookup_ops.lookup_table_export_v2(handles[node.name], *types[node.name])
            tables[node.name.encode()] = (keys.numpy(), values.numpy())
            _make_table_node(node, types[node.name])
    return tables


def _session_tables(graph_def: Any, session: Any) -> dict[bytes, tuple[Array, Array]]:
    from tensorflow.python.ops import lookup_ops

    tables = {}
    for node in graph_def.node:
        if node.op in {"HashTableV2", "MutableHashTableV2"}:
            types = (node.attr["key_dtype"].type, node.attr["value_dtype"].type)
            with session.graph.as_default():
                handle = session.graph.get_tensor_by_name(f"{node.name}:0")
                tables[node.name.encode()] = session.run(lookup_ops.lookup_table_export_v2(handle, *types))
            _make_table_node(node, types)
    return tables


def _table_types(graph_def: Any) -> dict[str, tuple[int, int]]:
    """Key and value dtypes of each table, by the name of the node that its lookups take it from."""
    return {
        node.input[0].split(":")[0]: (node.attr["Tin"].type, node.attr["Tout"].type)
        for node in graph_def.node
        if node.op in {"LookupTableFind", "LookupTableFindV2"}
    }


def _make_table_node(node: Any, types: tuple[int, int]) -> None:
    node.op = "HashTableV2"
    node.attr.clear()
    node.attr["shared_name"].s = node.name.encode()
    node.attr["key_dtype"].type, node.attr["value_dtype"].type = types
