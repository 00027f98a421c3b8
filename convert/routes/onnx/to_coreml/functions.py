"""Operators that ONNX itself defines in terms of simpler ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from .mil import Var, is_symbolic
from .values import Operand


def schema_of(node: onnx.NodeProto, opset: int) -> Any:
    """ONNX' schema of the node's operator, or None."""
    try:
        return onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return None


def has_body(schema: Any) -> bool:
    """Whether ONNX defines the operator in terms of simpler ones."""
    return schema is not None and (schema.has_function or schema.has_context_dependent_function)


def body_of(
    node: onnx.NodeProto, schema: Any, opset: int, inputs: Sequence[Operand | None]
) -> onnx.FunctionProto | None:
    """The definition of ``node`` in ``opset``, with its attributes filled in; None if ONNX has none for these types."""
    body = onnx.FunctionProto()
    if schema.has_function:
        version = _newest(schema.function_opset_versions, opset)
        body.ParseFromString(schema.get_function_with_opset_version(version))
    else:
        version = _newest(schema.context_dependent_function_opset_versions, opset)
        types = [type_of(value).SerializeToString() for value in inputs]
        text = schema.get_context_dependent_function_with_opset_version(version, node.SerializeToString(), types)
        if not text:
            return None
        body.ParseFromString(text)
    given = {a.name: a.default_value for a in schema.attributes.values() if a.default_value.type}
    given |= {a.name: a for a in node.attribute}
    for inner in body.node:
        _fill_in(inner, given)
    return body


def _newest(versions: Sequence[int], opset: int) -> int:
    """The newest definition up to ``opset``; the oldest if the operator is older than its definition."""
    return max((v for v in versions if v <= opset), default=min(versions))


def _fill_in(node: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> None:
    """Replace references to the function's attributes by their values; missing ones are omitted."""
    kept = []
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name not in given:
                continue
            name = attribute.name
            attribute.CopyFrom(given[attribute.ref_attr_name])
            attribute.name = name
        for inner in attribute.g.node:
            _fill_in(inner, given)
        kept.append(attribute)
    copies = [onnx.AttributeProto.FromString(a.SerializeToString()) for a in kept]
    del node.attribute[:]
    node.attribute.extend(copies)


def type_of(value: Operand | None) -> onnx.TypeProto:
    """A value's ONNX type, with unknown dimensions left open."""
    if value is None:
        return onnx.TypeProto()
    if isinstance(value.content, tuple):
        inner = type_of(value.content[0] if value.content else Operand(None, value.dtype))
        return onnx.helper.make_sequence_type_proto(inner)
    element = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    return onnx.helper.make_tensor_type_proto(element, _shape(value))


def _shape(value: Operand) -> list[int | None] | None:
    if isinstance(value.content, np.ndarray):
        return list(value.content.shape)
    if isinstance(value.content, Var):
        return [None if is_symbolic(d) else int(d) for d in value.content.shape]
    return None


def result_types(
    node: onnx.NodeProto, schema: Any, inputs: Sequence[Operand | None], opsets: Mapping[str, int]
) -> tuple[np.dtype[Any] | None, ...]:
    """The outputs' dtypes by ONNX' type inference; None if it can't infer them."""
    found = inferred(node, schema, inputs, opsets)
    return tuple(_dtype(found.get(name)) for name in node.output)


def inferred(
    node: onnx.NodeProto, schema: Any, inputs: Sequence[Operand | None], opsets: Mapping[str, int]
) -> dict[str, onnx.TypeProto]:
    """The outputs' types by name, as far as ONNX' type inference knows them."""
    if schema is None:
        return {}
    given = {name: type_of(v) for name, v in zip(node.input, inputs, strict=True) if name and v is not None}
    known = {
        name: onnx.numpy_helper.from_array(v.content)
        for name, v in zip(node.input, inputs, strict=True)
        if v is not None and isinstance(v.content, np.ndarray) and v.content.size < 64
    }
    imports = [onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    try:
        return dict(onnx.shape_inference.infer_node_outputs(schema, node, given, known, opset_imports=imports))
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return {}


def _dtype(kind: onnx.TypeProto | None) -> np.dtype[Any] | None:
    if kind is None:
        return None
    while kind.HasField("sequence_type") or kind.HasField("optional_type"):
        kind = kind.sequence_type.elem_type if kind.HasField("sequence_type") else kind.optional_type.elem_type
    element = kind.tensor_type.elem_type
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(element)) if element else None
