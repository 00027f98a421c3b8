"""ONNX's own schemas and type inference, applied to every node: does the operator exist, and what does it return?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import defs, helper, numpy_helper, shape_inference

from .dtypes import Dtype
from .errors import broken_lowering
from .rules import rejected
from .values import Shape, Tensor

if TYPE_CHECKING:
    from ..signature import Array

OPSET = 21
"""The ONNX opset of every lowered model: the newest whose kernels ONNX Runtime 1.22 has in full."""
ML_OPSET = 4
IR_VERSION = 10
ML_DOMAIN = "ai.onnx.ml"
IMPORTS = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]


def checked_schema(kind: str, domain: str, attributes: dict[str, Any], scope: str) -> defs.OpSchema:
    """The schema of an operator. Raises PG405 naming ``scope`` when ONNX has no such operator or attribute."""
    try:
        schema = defs.get_schema(kind, ML_OPSET if domain else OPSET, domain)
    except defs.SchemaError as e:
        raise broken_lowering(scope, f"ONNX has no operator {kind} in opset {OPSET}") from e
    unknown = attributes.keys() - schema.attributes.keys()
    if unknown:
        raise broken_lowering(scope, f"ONNX {kind} has no attribute {', '.join(sorted(unknown))}")
    return schema


def inferred_types(
    schema: defs.OpSchema, node: onnx.NodeProto, inputs: Sequence[Tensor], scope: str
) -> list[tuple[Dtype, Shape | None]]:
    """Dtype and shape of each output. Raises PG405 naming ``scope`` when the operator doesn't accept the inputs."""
    constants = {v.name: v.value for v in inputs if v.value is not None and _is_shape(v.value)}
    known = {name: numpy_helper.from_array(value, name) for name, value in constants.items()}
    types = {v.name: _type_proto(v.dtype, v.shape) for v in inputs}
    try:
        found = shape_inference.infer_node_outputs(
            schema, node, types, known, opset_imports=IMPORTS, ir_version=IR_VERSION
        )
    except (shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError) as e:
        raise rejected(scope, node.op_type, [v.shape for v in inputs], str(e)) from e
    missing = [name for name in node.output if name not in found]
    if missing:
        raise broken_lowering(scope, f"ONNX can't infer the type of {node.op_type}'s output; declare it with types=")
    return [_read_type(found[name]) for name in node.output]


def _is_shape(array: Array) -> bool:
    return array.dtype == np.int64 and array.size <= 64


def _type_proto(dtype: Dtype, shape: Shape | None) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(element_type(dtype), shape)


def value_info(name: str, dtype: Dtype, shape: Shape | None) -> onnx.ValueInfoProto:
    """The declaration of an input or output of a graph."""
    return helper.make_tensor_value_info(name, element_type(dtype), shape)


def element_type(dtype: Dtype) -> int:
    """ONNX's number for a numpy dtype."""
    return onnx.TensorProto.STRING if dtype.kind in "UO" else int(helper.np_dtype_to_tensor_dtype(dtype))


def _read_type(type_proto: onnx.TypeProto) -> tuple[Dtype, Shape | None]:
    tensor = type_proto.tensor_type
    is_text = tensor.elem_type == onnx.TensorProto.STRING
    dtype = np.dtype("str") if is_text else np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if not tensor.HasField("shape"):
        return dtype, None
    return dtype, tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
