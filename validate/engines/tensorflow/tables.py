"""Lookup tables of a frozen graph: their entries, and which of them each lookup reads, in functions too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...signature import Array

    Tables = Mapping[bytes, tuple[Array, Array]]

TABLE = "_paritygate_table"
"""Attribute of a lookup that names its table; TensorFlow lets attributes pass that begin with an underscore."""

_FINDS = {"LookupTableFind", "LookupTableFindV2"}
_READS = {*_FINDS, "LookupTableSize", "LookupTableSizeV2"}
_TABLES = {"HashTable", "MutableHashTable", "MutableHashTableOfTensors", "MutableDenseHashTable"}
_CHOOSING = {"If": 1, "StatelessIf": 1, "Case": 1, "StatelessCase": 1}
"""Operators that call functions -> how many of their first inputs choose the function and aren't given to it."""


def captured_tables(graph_def: Any, function: Any) -> Tables:
    """Read the lookup tables that a function captured, and put a HashTableV2 node in place of each.

    Freezing turns such resources into placeholders, which don't identify their table.
    """
    from tensorflow.python.ops import lookup_ops

    handles = {inner.op.name: outer for outer, inner in function.graph.captures if inner.dtype.name == "resource"}
    places = [node for node in graph_def.node if node.op == "Placeholder" and node.name in handles]
    types = _mark_lookups(graph_def, places)
    tables: dict[bytes, tuple[Array, Array]] = {}
    for node in places:
        if node.name in types:
            keys, values = lookup_ops.lookup_table_export_v2(handles[node.name], *types[node.name])
            tables[node.name.encode()] = (keys.numpy(), values.numpy())
            _make_table_node(node, types[node.name])
    return tables


def session_tables(graph_def: Any, session: Any) -> Tables:
    """Read the lookup tables of a session's graph, and put a HashTableV2 node in place of each."""
    places = [node for node in graph_def.node if node.op.removesuffix("V2") in _TABLES]
    _mark_lookups(graph_def, places)
    tables: dict[bytes, tuple[Array, Array]] = {}
    for node in places:
        types = (node.attr["key_dtype"].type, node.attr["value_dtype"].type)
        tables[node.name.encode()] = _entries(session, node, types)
        _make_table_node(node, types)
    return tables


def _entries(session: Any, node: Any, types: tuple[int, int]) -> tuple[Array, Array]:
    """A dense table is exported with its empty and deleted places, each key as a row."""
    import numpy as np

    table = session.graph.get_operation_by_name(node.name)
    with session.graph.as_default():
        keys, values = session.run(_export(node.op)(table.outputs[0], *types))
    if "Dense" not in node.op:
        return keys, values
    unused = session.run(list(table.inputs)[:2])
    shape = [dim.size for dim in node.attr["value_shape"].shape.dim]
    keys, values = keys.reshape(len(keys), -1), values.reshape(len(values), *shape)
    if keys.shape[1] != 1:
        return keys, values  # keys of several numbers: nothing in ONNX looks them up
    is_used = ~np.isin(keys[:, 0], unused)
    return keys[is_used, 0], values[is_used]


def _export(operator: str) -> Any:
    """The first generation of tables is referred to by strings, the second by resources."""
    from tensorflow.python.ops import gen_lookup_ops

    return gen_lookup_ops.lookup_table_export_v2 if operator.endswith("V2") else gen_lookup_ops.lookup_table_export


def _mark_lookups(graph_def: Any, places: Iterable[Any]) -> dict[str, tuple[int, int]]:
    """Write the table's name into each lookup, all in their second generation.

    Returns the dtypes of keys and values by the tables' names.
    """
    library = {function.signature.name: function for function in graph_def.library.function}
    types = {}
    for table, node in _lookups(library, graph_def.node, {node.name: node.name for node in places}):
        if node.op in _FINDS:
            types[table] = (node.attr["Tin"].type, node.attr["Tout"].type)
        is_shared = node.attr[TABLE].s not in {b"", table.encode()}  # one function is called with several tables
        node.attr[TABLE].s = b"?" if is_shared else table.encode()
        node.op = f"{node.op.removesuffix('V2')}V2"
    return types


def _lookups(library: Mapping[str, Any], nodes: Any, known: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """(table, node) for each read of a table, here and in the functions called; ``known`` maps nodes to tables."""
    for node in nodes:
        tables = [known.get(name.partition(":")[0]) for name in node.input]
        if node.op in _READS and tables[0]:
            yield tables[0], node
        for name in _called(node):
            names = [argument.name for argument in library[name].signature.input_arg] if name in library else []
            inner = dict(zip(names, tables[_CHOOSING.get(node.op, 0) :], strict=False))
            given = {argument: table for argument, table in inner.items() if table}
            if given:
                yield from _lookups(library, library[name].node_def, given)


def _called(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        if value.WhichOneof("value") == "func":
            yield value.func.name
        yield from (each.name for each in value.list.func)


def _make_table_node(node: Any, types: tuple[int, int]) -> None:
    node.op = "HashTableV2"
    del node.input[:]
    node.attr.clear()
    node.attr["shared_name"].s = node.name.encode()
    node.attr["key_dtype"].type, node.attr["value_dtype"].type = types
