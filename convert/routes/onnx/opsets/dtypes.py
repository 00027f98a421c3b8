"""Whether the older schema of an operator takes the dtypes that a node has."""

from __future__ import annotations

import onnx

from .rewrite import Rewrite
from .rules import InexpressibleError
from .schemas import is_onnx, schema_at


def check_types(w: Rewrite) -> None:
    """Raises InexpressibleError for a node that was kept and has a dtype that its operator didn't take before."""
    for node in w.emitted:
        if is_onnx(node) and node.op_type == w.node.op_type:
            _check(w, node, node.input, schema_at(node.op_type, w.opset).inputs)
            _check(w, node, node.output, schema_at(node.op_type, w.opset).outputs)


def _check(
    w: Rewrite, node: onnx.NodeProto, names: list[str], formal: list[onnx.defs.OpSchema.FormalParameter]
) -> None:
    for index, name in enumerate(names):
        kind = w.scope.type_of(name) if name else None
        parameter = formal[min(index, len(formal) - 1)]
        text = "" if kind is None else spelled(kind)
        if text and text not in parameter.types:
            raise InexpressibleError(f"it takes no {text} ('{name}') before opset {w.before}")


def spelled(kind: onnx.TypeProto) -> str:
    """A type as schemas write it, ``tensor(float)``; empty where the dtype is open."""
    which = kind.WhichOneof("value")
    if which == "tensor_type":
        element = kind.tensor_type.elem_type
        return f"tensor({onnx.TensorProto.DataType.Name(element).lower()})" if element else ""
    if which in ("sequence_type", "optional_type"):
        inner = spelled(getattr(kind, which).elem_type)
        return f"{'seq' if which == 'sequence_type' else 'optional'}({inner})" if inner else ""
    return ""
