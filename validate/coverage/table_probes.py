"""Probes of tables that a graph reads by index: embeddings, tables of positions, one-hot categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

from ..onnx_graphs import names_read
from ..report.coverage import CoverageKind
from .probes import Names, Probe, any_run

if TYPE_CHECKING:
    import onnx


_SAME_ROWS = frozenset({"Cast", "DequantizeLinear", "Identity"})
"""Operators that keep the rows of a table."""

_MOST_ROWS = 1 << 22
_FEWEST_ROWS = 2


def table_probes(graph: onnx.GraphProto, dependent: set[str], names: Names) -> Iterator[Probe]:
    """The rows of each constant that a Gather reads along axis 0, by indices that are not constant.

    Indices that depend on shapes alone are positions.
    """
    tables, varying = _tables(graph), varying_tensors(graph)
    for node in graph.node:
        if node.op_type != "Gather" or node.input[0] not in tables or node.input[1] not in varying:
            continue
        table, rows = tables[node.input[0]]
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        if axis == 0 and _FEWEST_ROWS <= rows <= _MOST_ROWS:
            kind = CoverageKind.ROWS if node.input[1] in dependent else CoverageKind.POSITIONS
            yield _rows_probe(kind, table, rows, node.input[1], names)


def _tables(graph: onnx.GraphProto) -> dict[str, tuple[str, int]]:
    """Tensor -> the constant that it is, and its rows."""
    found = {tensor.name: (tensor.name, tensor.dims[0]) for tensor in graph.initializer if len(tensor.dims) > 1}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and len(node.attribute[0].t.dims) > 1:
            found[node.output[0]] = (node.output[0], node.attribute[0].t.dims[0])
        if node.op_type in _SAME_ROWS and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def varying_tensors(graph: onnx.GraphProto) -> set[str]:
    """The tensors of a graph that depend on its inputs, be it on their shapes alone."""
    given = {tensor.name for tensor in graph.initializer}
    found = {value.name for value in graph.input} - given
    for node in graph.node:
        if any(name in found for name in names_read(node)):
            found.update(node.output)
    return found


def _rows_probe(kind: CoverageKind, table: str, rows: int, indices: str, names: Names) -> Probe:
    """A flag for each row: 1 is scattered to the rows that are read."""
    size, none, line, flat, count, ones, flags = (names() for _ in range(7))
    nodes = (
        _constant(size, [rows]),
        _filled(size, none, 0),
        _constant(line, [-1]),
        helper.make_node("Reshape", [indices, line], [flat]),
        helper.make_node("Shape", [flat], [count]),
        _filled(count, ones, 1),
        helper.make_node("ScatterElements", [none, flat, ones], [flags], axis=0),
    )
    return Probe(kind, table, nodes, (flags,), lambda values: any_run(values[0], rows))


def _constant(name: str, values: Sequence[int]) -> onnx.NodeProto:
    return helper.make_node(
        "Constant", [], [name], value=helper.make_tensor("value", TensorProto.INT64, [len(values)], values)
    )


def _filled(shape: str, name: str, value: int) -> onnx.NodeProto:
    fill = helper.make_tensor("value", TensorProto.UINT8, [1], [value])
    return helper.make_node("ConstantOfShape", [shape], [name], value=fill)


def slice_probes(graph: onnx.GraphProto, dims: Mapping[str, tuple[int | None, ...]], names: Names) -> Iterator[Probe]:
    """The positions of each constant table that is cut to a length: the longest cut."""
    constants = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer if tensor.dims}
    varying = varying_tensors(graph)
    for node in graph.node:
        if node.op_type != "Slice" or node.input[0] not in constants or not varying & set(node.input[1:]):
            continue
        table = constants[node.input[0]]
        cut = dims.get(node.output[0], ())
        axes = [at for at, (old, new) in enumerate(zip(table, cut, strict=False)) if new != old and old > 1]
        if len(axes) == 1 and len(cut) == len(table):
            yield _length_probe(node.input[0], node.output[0], axes[0], table[axes[0]], names)


def _length_probe(table: str, cut: str, axis: int, length: int, names: Names) -> Probe:
    shape, at, reached = names(), names(), names()
    nodes = (
        helper.make_node("Shape", [cut], [shape]),
        _constant(at, [axis]),
        helper.make_node("Gather", [shape, at], [reached]),
    )
    return Probe(
        CoverageKind.POSITIONS,
        table,
        nodes,
        (reached,),
        lambda values: np.arange(length) < max(int(values[0].max()), 0),
    )


def category_probes(graph: onnx.GraphProto, names: Names) -> Iterator[Probe]:
    """The categories of each OneHotEncoder, and a value that is none of them where it takes one."""
    for node in graph.node:
        if node.op_type == "OneHotEncoder":
            attributes = {a.name: a for a in node.attribute}
            takes_others = "zeros" not in attributes or attributes["zeros"].i == 1
            yield _category_probe(node, _categories(attributes), names, takes_others=takes_others)


def _categories(attributes: Mapping[str, onnx.AttributeProto]) -> list[str]:
    if "cats_strings" in attributes:
        return [text.decode("utf-8", "replace") for text in attributes["cats_strings"].strings]
    return [str(number) for number in attributes["cats_int64s"].ints]


def _category_probe(node: onnx.NodeProto, texts: Sequence[str], names: Names, *, takes_others: bool) -> Probe:
    """The greatest of each row, beside one half: that is the greatest for a value that is no category."""
    line, flat, around, half, padded, each = (names() for _ in range(6))
    value = helper.make_tensor("value", TensorProto.FLOAT, [], [0.5])
    rows = _rows_probe(CoverageKind.CATEGORIES, node.name or node.output[0], len(texts) + 1, each, names)
    nodes = (
        _constant(line, [-1, len(texts)]),
        helper.make_node("Reshape", [node.output[0], line], [flat]),
        _constant(around, [0, 0, 0, 1]),
        helper.make_node("Constant", [], [half], value=value),
        helper.make_node("Pad", [flat, around, half], [padded]),
        helper.make_node("ArgMax", [padded], [each], axis=1, keepdims=0),
        *rows.nodes,
    )
    parts = (*(f"'{text}'" for text in texts), *(("an unknown value",) if takes_others else ()))
    return Probe(rows.kind, rows.name, nodes, rows.outputs, lambda values: rows.reached(values)[: len(parts)], parts)
