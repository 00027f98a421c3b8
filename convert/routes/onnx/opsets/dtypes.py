"""Whether the older schema of an operator takes the dtypes that a node has, and a wider one that it takes if not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper

from .refusal import InexpressibleError
from .rewrite import Rewrite
from .schemas import is_onnx, schema_at

_WIDER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("int8", "uint8", "int16", "uint16"), ("int32", "float32")),
    "uint32": ("int64", "float64"),
    "int32": ("float64",),
    "float16": ("float32",),
}
"""dtype -> those that hold all its values, the one to try first in front."""

_SAME_IN_A_WIDER_DTYPE = {
    "Abs", "Add", "Clip", "Div", "Equal", "Greater", "IsInf", "Less", "Max", "MaxPool", "Min", "Mul", "Neg", "Pow",
    "ReduceMax", "ReduceMin", "Relu", "Sub",
}  # fmt: skip
"""Operators that give the same numbers in a wider dtype, once their result is cast back (which wraps sums around)."""


def fit_types(w: Rewrite) -> None:
    """Cast around each node that was kept, where its operator didn't take its dtype before.

    Raises InexpressibleError where that could change a value.
    """
    emitted = w.emitted[:]
    del w.emitted[:]
    for node in emitted:
        bad = next(_rejected(w, node), None) if is_onnx(node) and node.op_type == w.node.op_type else None
        if bad is None:
            w.emitted.append(node)
        else:
            _widen(w, node, *bad)


def _rejected(w: Rewrite, node: onnx.NodeProto) -> Iterator[tuple[str, str, set[str]]]:
    """The values whose dtype the older schema doesn't take: name, type, and what it takes."""
    schema = schema_at(node.op_type, w.opset)
    for names, formal in ((node.input, schema.inputs), (node.output, schema.outputs)):
        for index, name in enumerate(names):
            kind = w.scope.type_of(name) if name else None
            text = "" if kind is None else spelled(kind)
            taken = formal[min(index, len(formal) - 1)].types
            if text and text not in taken:
                yield name, text, taken


def _widen(w: Rewrite, node: onnx.NodeProto, name: str, text: str, taken: set[str]) -> None:
    kind = text.removeprefix("tensor(").removesuffix(")")
    names = {"float32": "float", "float64": "double"}
    wide = [each for each in _WIDER.get(kind, ()) if f"tensor({names.get(each, each)})" in taken]
    if node.op_type not in _SAME_IN_A_WIDER_DTYPE or not wide:
        raise InexpressibleError(f"it takes no {text} ('{name}') before opset {w.before}")
    inputs = [w.cast(each, wide[0]) if _is(w, each, kind) else each for each in node.input]
    inner = [w.new("wide") if _is(w, each, kind) else each for each in node.output]
    casts = [(i, o) for i, o in zip(inner, node.output, strict=True) if i != o]
    for values, changed in ((node.input, inputs), (node.output, inner)):
        del values[:]
        values.extend(changed)
    w.emitted.append(node)
    for wide_name, narrow_name in casts:
        w.cast(wide_name, kind, [narrow_name])


def _is(w: Rewrite, name: str, dtype: str) -> bool:
    kind = w.scope.type_of(name) if name else None
    return kind is not None and _dtype(kind) == np.dtype(dtype)


def _dtype(kind: onnx.TypeProto) -> np.dtype[Any] | None:
    element = kind.tensor_type.elem_type
    return np.dtype(helper.tensor_dtype_to_np_dtype(element)) if element else None


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
