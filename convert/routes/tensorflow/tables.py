"""Lookup tables of TensorFlow as ai.onnx.ml LabelEncoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....validate.engines.tensorflow.tables import TABLE
from ....validate.errors import ParityGateError
from ....validate.onnx_graphs import all_graphs
from .nodes import Nodes, Translation, constant

if TYPE_CHECKING:
    import onnx

    from ....validate.engines.tensorflow.freeze import FrozenGraph
    from ....validate.signature import Array

_INT64 = 7
"""``onnx.TensorProto.INT64``"""

_DOMAIN = "ai.onnx.ml"

_NATIVE = {"O": "string", "S": "string", "i8": "int64", "f4": "float"}
"""Numpy's kinds and dtypes -> the names in LabelEncoder's attributes."""


def table_translations(frozen: FrozenGraph) -> dict[str, Translation]:
    """The translations of operators that read the frozen graph's tables."""
    return {
        "HashTableV2": _handle,
        "LookupTableFindV2": _find(frozen),
        "LookupTableSizeV2": _size(frozen),
        "StringToHashBucketFast": _bucket,
    }


def _handle(nodes: Nodes, _node: Any) -> str:
    """A number that nothing reads, in place of a table that is handed to a loop: lookups name their table."""
    return nodes.const(np.array(0, np.int64))


def _find(frozen: FrozenGraph) -> Translation:
    """Strings, int64 and float32 are looked up at once, all else by its row in the table.

    tf2onnx doesn't support integer keys.
    """

    def find(nodes: Nodes, node: Any) -> str:
        keys, values = _table(frozen, node)
        if values.shape == (0,):
            return nodes.op("Expand", node.input[2], nodes.op("Shape", node.input[1]))
        if values.ndim == 1 and _native(values) and node.inputs[2].is_const():
            return _encode(nodes, node, keys, values, constant(node, 2).item())
        found = _gather(nodes, node, keys, values)
        if values.ndim == 1:
            nodes.graph.copy_shape(node.input[1], found)
        return found

    return find


def _gather(nodes: Nodes, node: Any, keys: Array, values: Array) -> str:
    """The values by row, with one more for unknown keys; a default that the model computes is chosen afterwards."""
    rows = _encode(nodes, node, keys, np.arange(len(keys)), len(keys))
    shape = (1, *values.shape[1:])
    is_computed = values.ndim == 1 and not node.inputs[2].is_const()
    spare = np.zeros(shape, values.dtype) if is_computed else constant(node, 2).reshape(shape)
    found = nodes.op("Gather", nodes.const(np.concatenate([values, spare])), rows, axis=0)
    if not is_computed:
        return found
    return nodes.select(nodes.op("Equal", rows, nodes.const(np.array(len(keys), np.int64))), node.input[2], found)


def _encode(nodes: Nodes, node: Any, keys: Array, values: Array, default: Any) -> str:
    """LabelEncoder; keys of narrow integers pass through int64, which holds them all."""
    asked = node.input[1]
    if keys.dtype.kind == "i":
        keys, asked = keys.astype(np.int64), nodes.op("Cast", asked, to=_INT64)
    key, value = _native(keys), _native(values)
    if key is None or keys.ndim != 1:
        cause = f"ONNX can't look up keys of {keys.dtype} with {keys.ndim} axes (node {node.name})"
        raise ParityGateError(
            "PG404", "LookupTableFindV2", cause,
            "Look the values up in your own code before or after the model.",
        )  # fmt: skip
    attributes = {
        f"keys_{key}s": [*keys.tolist()],
        f"values_{value}s": [*values.tolist()],
        f"default_{value}": default.decode() if isinstance(default, bytes) else default,
    }
    found = nodes.op("LabelEncoder", asked, domain=_DOMAIN, **attributes)
    nodes.graph.copy_shape(node.input[1], found)
    return found


def _native(array: Array) -> str | None:
    return _NATIVE.get(array.dtype.kind) or _NATIVE.get(array.dtype.str[1:])


def _size(frozen: FrozenGraph) -> Translation:
    return lambda nodes, node: nodes.const(np.array(len(_table(frozen, node)[0]), np.int64))


def _table(frozen: FrozenGraph, node: Any) -> tuple[Array, Array]:
    """The table's entries. Raises PG404 where they can't be read: the model fills the table as it runs."""
    found = frozen.tables.get(node.get_attr_value(TABLE, b""))
    if found is None:
        raise ParityGateError(
            "PG404", node.type, f"the table that it reads can't be read from the model (node {node.name})",
            "Look the values up in your own code before or after the model.",
        )  # fmt: skip
    return found


def _bucket(nodes: Nodes, node: Any) -> str:
    """All words that a table doesn't know go into its one spare bucket. Several need TensorFlow's hash of a text."""
    count = node.get_attr_value("num_buckets")
    if count != 1:
        raise ParityGateError(
            "PG404", "StringToHashBucketFast", f"ONNX has no hash of a text, which chooses one of {count} buckets",
            "Use one bucket for unknown words, or look them up in your own code before the model.",
        )  # fmt: skip
    return nodes.op("ConstantOfShape", nodes.op("Shape", node.input[0]), value=_zero())


def _zero() -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.zeros(1, np.int64))


def restore_domains(graph: onnx.GraphProto) -> None:
    """Write the domain of lookups again, in place: tf2onnx drops it where it copies a branch (``prefix_graph``)."""
    for inner in all_graphs(graph):
        for node in inner.node:
            if node.op_type == "LabelEncoder":
                node.domain = _DOMAIN
