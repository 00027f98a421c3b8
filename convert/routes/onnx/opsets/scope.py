"""What is known about the values of a graph: their types, and which of them are constant."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from .schemas import is_onnx

if TYPE_CHECKING:
    from .....validate.signature import Array

_FOLDED = {"Identity", "Cast", "Concat", "Squeeze", "Unsqueeze", "Reshape", "Neg", "Range", "ConstantOfShape", "Slice"}
"""Operators that exporters leave between constants."""

_SMALL = 4096
"""Elements of a constant that parameterises an operator: axes, lengths, bounds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The values that a graph's nodes can read. ``outer`` is the scope of the graph that it is nested in.

    ``folder`` is where external data of the model is. ``types`` may lack values: those of operators that ONNX doesn't
    know, and those that a step has just made.
    """

    types: dict[str, onnx.TypeProto]
    folder: Path | None = None
    outer: Scope | None = None
    opset: int = 0
    tensors: dict[str, onnx.TensorProto] = field(default_factory=dict)
    makers: dict[str, onnx.NodeProto] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        graph: onnx.GraphProto,
        types: dict[str, onnx.TypeProto],
        opset: int,
        folder: Path | None = None,
        outer: Scope | None = None,
    ) -> Scope:
        """The scope of ``graph``."""
        makers = {name: node for node in graph.node for name in node.output}
        return cls(types, folder, outer, opset, {tensor.name: tensor for tensor in graph.initializer}, makers)

    def type_of(self, name: str) -> onnx.TypeProto | None:
        """A value's type, None if unknown."""
        if name in self.types:
            return self.types[name]
        return self.outer.type_of(name) if self.outer is not None else None

    def constant(self, name: str) -> Array | None:
        """The value of an initializer, a Constant, or of a few operators on these; None for any other value."""
        if name in self.tensors:
            return self._read(self.tensors[name])
        if name in self.makers:
            return self._folded(self.makers[name])
        return self.outer.constant(name) if self.outer is not None else None

    def _read(self, tensor: onnx.TensorProto) -> Array | None:
        if np.prod(tensor.dims, dtype=np.int64) > _SMALL:
            return None
        if onnx.external_data_helper.uses_external_data(tensor):
            if self.folder is None:
                return None
            return onnx.numpy_helper.to_array(tensor, str(self.folder))
        return onnx.numpy_helper.to_array(tensor)

    def _folded(self, node: onnx.NodeProto) -> Array | None:
        if not is_onnx(node) or len(node.output) != 1:
            return None
        if node.op_type == "Constant":
            return constant_of(node)
        if node.op_type not in _FOLDED:
            return None
        values = {name: self.constant(name) for name in node.input if name}
        if any(value is None for value in values.values()):
            return None
        return _evaluated(node, self.opset, values)


def constant_of(node: onnx.NodeProto) -> Array | None:
    """What a Constant node gives; None for sparse ones and texts."""
    (attribute,) = node.attribute
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return onnx.numpy_helper.to_array(value) if np.prod(value.dims, dtype=np.int64) <= _SMALL else None
    dtype = {"value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64"}
    return np.array(value, dtype[attribute.name]) if attribute.name in dtype else None


def _evaluated(node: onnx.NodeProto, opset: int, values: dict[str, Any]) -> Array | None:
    """The node's output by ONNX's own reference."""
    from onnx.reference import ReferenceEvaluator

    info = [
        onnx.helper.make_tensor_value_info(k, onnx.helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for k, v in values.items()
    ]
    given = onnx.helper.make_graph([node], "g", info, [onnx.ValueInfoProto(name=node.output[0])])
    model = onnx.helper.make_model(given, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        (result,) = ReferenceEvaluator(model).run(None, values)
    except Exception:  # noqa: BLE001  the reference raises whatever its numpy code runs into: then the value isn't known
        return None
    return np.asarray(result) if np.size(result) <= _SMALL else None
