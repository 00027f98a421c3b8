"""Functions in place of their calls: those of the specification, and a model's own."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from .....validate.onnx_graphs import all_graphs, subgraphs
from .names import Names
from .schemas import schema_at
from .scope import Scope


def body_of(node: onnx.NodeProto, scope: Scope, opset: int) -> onnx.FunctionProto | None:
    """The specification's definition of a node's operator, valid at ``opset``; None where there is none.

    Some definitions depend on the types of the node's inputs, and are there only for some of them.
    """
    schema = schema_at(node.op_type, opset)
    body = onnx.FunctionProto()
    version = max((v for v in schema.function_opset_versions if v <= opset), default=0)
    if version:
        body.ParseFromString(schema.get_function_with_opset_version(version))
        return body
    version = max((v for v in schema.context_dependent_function_opset_versions if v <= opset), default=0)
    types = [scope.type_of(name) or onnx.TypeProto() for name in node.input]
    if not version or any(name and not kind.WhichOneof("value") for name, kind in zip(node.input, types, strict=True)):
        return None
    text = schema.get_context_dependent_function_with_opset_version(
        version, node.SerializeToString(), [kind.SerializeToString() for kind in types]
    )
    if not text:
        return None
    body.ParseFromString(text)
    return body


def defaults_of(node: onnx.NodeProto, opset: int) -> dict[str, onnx.AttributeProto]:
    """The values of an operator's attributes that a node leaves to their defaults."""
    attributes = schema_at(node.op_type, opset).attributes.values()
    return {a.name: a.default_value for a in attributes if a.default_value.type}


def instantiated(
    function: onnx.FunctionProto,
    node: onnx.NodeProto,
    names: Names,
    defaults: Mapping[str, onnx.AttributeProto],
) -> list[onnx.NodeProto]:
    """The nodes of ``function`` in place of ``node``, which calls it: its names, and its attributes filled in."""
    given = {**defaults, **{a.name: a for a in function.attribute_proto}, **{a.name: a for a in node.attribute}}
    base = node.name or next(name for name in node.output if name)
    inputs = [*node.input, *[""] * (len(function.input) - len(node.input))]
    renamed = dict(zip(function.input, inputs, strict=False))
    renamed |= {inner: outer for inner, outer in zip(function.output, node.output, strict=False) if outer}
    copies = []
    for number, inner in enumerate(function.node):
        copy = onnx.NodeProto()
        copy.CopyFrom(inner)
        copy.name = f"{base}/{inner.name or f'{inner.op_type}_{number}'}"
        _fill_in(copy, given)
        _rename(copy, renamed, names, base)
        copies.append(copy)
    return _with_passed_through(copies, function, renamed, node)


def _with_passed_through(
    nodes: list[onnx.NodeProto], function: onnx.FunctionProto, renamed: Mapping[str, str], node: onnx.NodeProto
) -> list[onnx.NodeProto]:
    """An output that is an input, or is given twice, needs a node of its own."""
    made = {name for each in nodes for name in each.output}
    for inner, outer in zip(function.output, node.output, strict=False):
        if outer and outer not in made:
            source = node.input[list(function.input).index(inner)] if inner in function.input else renamed[inner]
            nodes.append(onnx.helper.make_node("Identity", [source], [outer]))
    return nodes


def _fill_in(node: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> None:
    """Replace references to the function's attributes by their values; those without a value are left out."""
    kept = []
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name not in given:
                continue
            name = attribute.name
            attribute.CopyFrom(given[attribute.ref_attr_name])
            attribute.name = name
        kept.append(onnx.AttributeProto.FromString(attribute.SerializeToString()))
    del node.attribute[:]
    node.attribute.extend(kept)
    for body in subgraphs(node):
        for inner in body.node:
            _fill_in(inner, given)


def _rename(node: onnx.NodeProto, renamed: dict[str, str], names: Names, base: str) -> None:
    """Give a node's values, and those of its subgraphs, names that are free in the model."""

    def name_of(name: str) -> str:
        if name and name not in renamed:
            renamed[name] = names.free(f"{base}/{name}")
        return renamed.get(name, "")

    for body in subgraphs(node):
        for graph in all_graphs(body):
            for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
                value.name = name_of(value.name)
        for inner in body.node:
            _rename(inner, renamed, names, base)
    for values in (node.input, node.output):
        changed = [name_of(name) for name in values]
        del values[:]
        values.extend(changed)
