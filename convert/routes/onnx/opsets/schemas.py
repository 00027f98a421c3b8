"""What ONNX's schemas say of the operators of the default domain."""

from __future__ import annotations

from functools import cache
from typing import Any

import onnx

DOMAINS = {"", "ai.onnx"}
"""The two names of the default domain."""


@cache
def schema_at(operator: str, opset: int) -> Any:
    """The schema of an operator that is valid at an opset; None where there is none."""
    try:
        return onnx.defs.get_schema(operator, opset, "")
    except onnx.defs.SchemaError:
        return None


def since(operator: str, opset: int) -> int:
    """The opset from which the operator's schema at ``opset`` is valid; 0 where there is none."""
    schema = schema_at(operator, opset)
    return 0 if schema is None else int(schema.since_version)


@cache
def defaults(operator: str, opset: int) -> dict[str, Any]:
    """Attribute -> the value that it has where a node doesn't give it; attributes without one are left out."""
    attributes = schema_at(operator, opset).attributes.values()
    return {
        a.name: onnx.helper.get_attribute_value(a.default_value)
        for a in attributes
        if a.default_value.type != onnx.AttributeProto.UNDEFINED
    }


def is_onnx(node: onnx.NodeProto) -> bool:
    """Whether a node's operator is one of the default domain."""
    return node.domain in DOMAINS


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the default domain that the model imports; 1 where it imports none."""
    return next((entry.version for entry in model.opset_import if entry.domain in DOMAINS), 1)
