"""What is known of a graph's tensors before it is perturbed: dtypes, lengths, which depend on the inputs' values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from ..onnx_graphs import all_graphs, names_read
from ..workers.job import Narrowed

FLOATS: Mapping[int, float] = {
    onnx.TensorProto.FLOAT: 2.0**-24,
    onnx.TensorProto.DOUBLE: 2.0**-53,
    onnx.TensorProto.FLOAT16: 2.0**-11,
    onnx.TensorProto.BFLOAT16: 2.0**-8,
}
"""Unit roundoff of each floating type: half the spacing of its numbers at 1."""

UNIT = {
    name: FLOATS[onnx.helper.np_dtype_to_tensor_dtype(np.dtype(name))] for name in ("float64", "float32", "float16")
} | {"bfloat16": FLOATS[onnx.TensorProto.BFLOAT16]}
"""The same by numpy's names."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How coarsely a model may round.

    Every type errs by its own unit roundoff, but by ``finest`` at the least and ``coarsest`` at the most: a model that
    rounds to float16 although nobody asked for that isn't excused by it. ``narrowed`` tells whether its inputs and
    constants were rounded, too.
    """

    finest: float = UNIT["float64"]
    coarsest: float = 1.0
    narrowed: Narrowed = field(default_factory=Narrowed)


AS_TYPED = Precision()
"""Every type errs as it is."""

_SHAPE_ONLY = {"Shape", "Size"}
_SMALL = 1 << 16  # bytes; of a larger initializer inference needs no content

Dims = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Tensors:
    """``dtypes`` by tensor name, ``dims`` where the rank is known, ``fixed`` names initializers."""

    dtypes: Mapping[str, int]
    dims: Mapping[str, Dims]
    fixed: frozenset[str]

    def last(self, name: str, axis: int = -1) -> int | None:
        """The length of an axis, None where it isn't known."""
        dims = self.dims.get(name, ())
        return dims[axis] if -len(dims) <= axis < len(dims) else None

    def size(self, name: str, start: int = 0) -> int | None:
        """The product of the lengths from an axis on, None where one of them isn't known."""
        dims = self.dims.get(name)
        known = [d for d in (dims or ())[start:] if d is not None]
        return math.prod(known) if dims is not None and len(known) == len(dims[start:]) else None


def tensors_of(model: onnx.ModelProto) -> Tensors:
    """What shape inference finds, of all graphs of the model together."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    fixed = [tensor for graph in all_graphs(light.graph) for tensor in graph.initializer]
    for tensor in fixed:
        if len(tensor.raw_data) > _SMALL:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
    inferred = onnx.shape_inference.infer_shapes(light)
    dtypes = {tensor.name: tensor.data_type for tensor in fixed}
    dims: dict[str, Dims] = {tensor.name: tuple(tensor.dims) for tensor in fixed}
    for graph in all_graphs(inferred.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            kind = value.type.tensor_type
            dtypes[value.name] = kind.elem_type
            if kind.HasField("shape"):
                dims[value.name] = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    return Tensors(dtypes, dims, frozenset(tensor.name for tensor in fixed))


def depending(graph: onnx.GraphProto, known: Iterable[str] = ()) -> set[str]:
    """The tensors of this graph (not of nested ones) whose values depend on those of its inputs, or of ``known``."""
    given = {tensor.name for tensor in graph.initializer}
    found = {value.name for value in graph.input if value.name not in given} | set(known)
    for node in graph.node:
        if node.op_type not in _SHAPE_ONLY and any(name in found for name in names_read(node)):
            found.update(node.output)
    return found
