"""Constant folding: nodes whose inputs are all known are computed in the source's own dtypes.

ONNX Runtime computes them, against which the result is proved later; ONNX' reference implementation computes what it
has no kernel for. The reference alone isn't enough: it squeezes the indices of GatherElements, for example.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from .....validate.engines.telemetry import silent_onnxruntime
from .functions import inferred
from .values import Operand

MAX_BYTES = 64 << 20
"""Size limit of the result, unless the operands are as large: a shape of a few numbers may ask for any amount."""
IR_VERSION = 10

_AS_BYTES = ("float8", "float4", "int4", "int2", "bfloat16")
"""Types that ONNX Runtime hands to numpy as whole numbers of the same bits."""


def fits(node: onnx.NodeProto, schema: Any, inputs: Sequence[Operand | None], opsets: Mapping[str, int]) -> bool:
    """Whether the results are small enough to be constants of the candidate, as far as ONNX can infer their shapes."""
    given = sum(int(value.content.nbytes) for value in inputs if value is not None and value.known)
    return sum(map(_bytes, inferred(node, schema, inputs, opsets).values())) <= max(MAX_BYTES, given)


def _bytes(kind: onnx.TypeProto) -> int:
    tensor = kind.tensor_type
    if not tensor.elem_type or not tensor.HasField("shape"):
        return 0
    width = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).itemsize
    return math.prod(int(d.dim_value) for d in tensor.shape.dim) * width


def fold(
    node: onnx.NodeProto, inputs: Sequence[Operand | None], opsets: Mapping[str, int], outer: Mapping[str, Operand]
) -> list[Operand]:
    """The node's outputs. ``outer`` are the values that its nested graphs read. Raises what the reference raises."""
    model = _alone(node, inputs, opsets, outer)
    found = iter(_by_onnxruntime(model) or ReferenceEvaluator(model).run(None, {}))
    return [_known(next(found)) if name else Operand(None, np.dtype(bool)) for name in node.output]


def _alone(
    node: onnx.NodeProto, inputs: Sequence[Operand | None], opsets: Mapping[str, int], outer: Mapping[str, Operand]
) -> onnx.ModelProto:
    """A model of the node alone, whose operands are its constants."""
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    del alone.input[:], alone.output[:]
    names = [f"/i{i}" if value is not None else "" for i, value in enumerate(inputs)]
    alone.input.extend(names)
    alone.output.extend(f"/o{i}" if name else "" for i, name in enumerate(node.output))
    given = {name: value for name, value in zip(names, inputs, strict=True) if value is not None} | dict(outer)
    constants = [onnx.numpy_helper.from_array(value.content, name) for name, value in given.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in alone.output if name]
    graph = onnx.helper.make_graph([alone], "folded", [], outputs, constants)
    imports = [onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    return onnx.helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)


def _by_onnxruntime(model: onnx.ModelProto) -> list[Any] | None:
    """The outputs; None where ONNX Runtime can't compute them: it lacks a kernel, or numpy the type."""
    ort = silent_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4  # every error is raised as an exception anyway
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        if any(kind in value.type for value in session.get_outputs() for kind in _AS_BYTES):
            return None
        return list(session.run(None, {}))
    except Exception:  # noqa: BLE001  # its exceptions share no base class; the reference has the last word
        return None


def _known(result: Any) -> Operand:
    if isinstance(result, list):
        values = tuple(_known(item) for item in result)
        return Operand(values, values[0].dtype if values else np.dtype("float32"))
    array = np.asarray(result)
    return Operand(array, array.dtype)
