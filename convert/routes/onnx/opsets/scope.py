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

_FOLDED = {
    "Abs", "Add", "And", "Cast", "CastLike", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Gather",
    "Greater", "Identity", "Less", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Range", "ReduceMax",
    "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Size", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Tile",
    "Transpose", "Unsqueeze", "Where",
}  # fmt: skip
"""Operators with which graphs compute axes, lengths and bounds."""

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
    _found: dict[str, Array | None] = field(default_factory=dict)

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
            if name not in self._found:
                self._found[name] = self._folded(name)
            return self._found[name]
        return self.outer.constant(name) if self.outer is not None else None

    def _read(self, tensor: onnx.TensorProto) -> Array | None:
        if np.prod(tensor.dims, dtype=np.int64) > _SMALL:
            return None
        if onnx.external_data_helper.uses_external_data(tensor):
            if self.folder is None:
                return None
            return onnx.numpy_helper.to_array(tensor, str(self.folder))
        return onnx.numpy_helper.to_array(tensor)

    def _folded(self, name: str) -> Array | None:
        node = self.makers[name]
        if not is_onnx(node):
            return None
        if node.op_type == "Constant":
            return constant_of(node)
        if node.op_type in ("Shape", "Size", "Gather", "Slice") and (known := self._lengths(name)) is not None:
            return None if None in known[0] else np.array(known[0], np.int64).reshape(known[1])
        if node.op_type not in _FOLDED:
            return None
        values = {name: self.constant(name) for name in node.input if name}
        if any(value is None for value in values.values()):
            return None
        return _evaluated(node, name, self.opset, values)

    def _lengths(self, name: str) -> tuple[list[int | None], tuple[int, ...]] | None:
        """A shape, its size or a part of it, with the lengths that are known, and the shape of these numbers."""
        node = self.makers.get(name)
        if node is None:
            return None
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Shape":
            dims = dims_of(self.type_of(node.input[0]))
            part = None if dims is None else dims[given.get("start", 0) : given.get("end")]
            return None if part is None else (part, (len(part),))
        if node.op_type not in ("Size", "Gather", "Slice"):
            return None
        shape = self._lengths(node.input[0])
        if shape is None or len(shape[1]) != 1:
            return None
        if node.op_type == "Size":
            return [len(shape[0])], ()
        return _taken(shape[0], [self.constant(each) for each in node.input[1:]], given, node.op_type)


def _taken(
    lengths: list[int | None], operands: list[Array | None], given: dict[str, Any], operator: str
) -> tuple[list[int | None], tuple[int, ...]] | None:
    """What Gather or Slice takes of a shape."""
    if any(operand is None for operand in operands):
        return None
    numbers = [np.asarray(operand) for operand in operands]
    if operator == "Gather":
        return [lengths[int(n)] for n in numbers[0].reshape(-1)], numbers[0].shape
    starts, ends = numbers[:2] if numbers else (np.array(given["starts"]), np.array(given["ends"]))
    step = int(numbers[3].reshape(-1)[0]) if len(numbers) > 3 else 1
    part = lengths[int(starts.reshape(-1)[0]) : int(ends.reshape(-1)[0]) : step]
    return part, (len(part),)


def dims_of(kind: onnx.TypeProto | None) -> list[int | None] | None:
    """A tensor's shape, None for a length or a shape that isn't known."""
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") else None for d in kind.tensor_type.shape.dim]


def constant_of(node: onnx.NodeProto) -> Array | None:
    """What a Constant node gives; None for sparse ones and texts."""
    (attribute,) = node.attribute
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return onnx.numpy_helper.to_array(value) if np.prod(value.dims, dtype=np.int64) <= _SMALL else None
    dtype = {"value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64"}
    return np.array(value, dtype[attribute.name]) if attribute.name in dtype else None


def _evaluated(node: onnx.NodeProto, output: str, opset: int, values: dict[str, Any]) -> Array | None:
    """An output of the node by ONNX's own reference."""
    from onnx.reference import ReferenceEvaluator

    info = [
        onnx.helper.make_tensor_value_info(k, onnx.helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for k, v in values.items()
    ]
    given = onnx.helper.make_graph([node], "g", info, [onnx.ValueInfoProto(name=output)])
    model = onnx.helper.make_model(given, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        (result,) = ReferenceEvaluator(model).run(None, values)
    except Exception:  # noqa: BLE001  the reference raises whatever its numpy code runs into: then the value isn't known
        return None
    return np.asarray(result) if np.size(result) <= _SMALL else None
