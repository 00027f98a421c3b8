"""What ONNX Runtime says where it has no kernel of an operator, with the dtypes that it doesn't say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_MISSING = re.compile(
    r"Could not find an implementation for (?P<operator>\w+)\((?P<opset>\d+)\) node with name '(?P<name>[^']*)'"
)

REMEDY = (
    "Convert the model's numbers to float32 in its own framework first (torch: model.float()), or with --dtype float32 "
    "where the source leaves its dtype open; or try another --opset."
)
"""What helps, wherever it is said."""


def missing_kernel(message: str, model: onnx.ModelProto) -> str:
    """Which operator lacks a kernel, and for which dtypes; empty where ``message`` speaks of something else."""
    found = _MISSING.search(message)
    if found is None:
        return ""
    operator, opset, name = found["operator"], found["opset"], found["name"]
    dtypes = _dtypes_of(model, operator, name)
    of = f" of {' and '.join(dtypes)}" if dtypes else ""
    at = f" (node '{name}')" if name else ""
    return f"ONNX Runtime has no kernel for {operator}{of} at opset {opset}{at}"


def _dtypes_of(model: onnx.ModelProto, operator: str, name: str) -> list[str]:
    """The dtypes of the node's inputs, as far as ONNX's inference knows them."""
    import onnx

    try:
        model = onnx.shape_inference.infer_shapes(model)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        return []  # the operator alone then has to do
    graph = model.graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info, *graph.output)}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    node = next((n for n in graph.node if n.op_type == operator and n.name == name), None)
    codes = dict.fromkeys(types.get(each, 0) for each in node.input) if node is not None else {}
    return [_name(code) for code in codes if code]


def _name(code: int) -> str:
    import onnx

    names = {"float": "float32", "double": "float64"}
    plain = str(onnx.TensorProto.DataType.Name(code)).lower()
    return names.get(plain, plain)
