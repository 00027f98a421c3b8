"""Faults of number formats inside a graph: rounding to float16, truncated integers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..graphs import Array, Mutant, Mutation, Slot, copied, inserted, on_nodes, on_slots

_FLOATING = {
    "Add", "Mul", "Sub", "Div", "Conv", "ConvTranspose", "MatMul", "Gemm", "Relu", "Sigmoid", "Tanh", "Softmax", "Exp",
    "Scaler", "LayerNormalization", "BatchNormalization", "ReduceSum", "ReduceMean", "Pow",
}  # fmt: skip


def _kinds(model: onnx.ModelProto) -> dict[str, int]:
    """Value of the main graph -> its element type, if it can be inferred."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.output)}


def float16(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Round one operator's result to float16: eleven bits remain, and beyond 65504 it becomes infinite."""
    kinds = _kinds(model)

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        kind = kinds.get(node.output[0])
        if kind not in (TensorProto.FLOAT, TensorProto.DOUBLE):
            return ""
        inserted(copy, node, lambda before, after: _through(before, after, TensorProto.FLOAT16, kind))
        return "result through float16"

    return on_nodes(model, rng, _FLOATING, edit)


def _through(before: str, after: str, narrow: int, wide: int) -> list[onnx.NodeProto]:
    between = f"{after}__narrow"
    return [
        helper.make_node("Cast", [before], [between], to=narrow),
        helper.make_node("Cast", [between], [after], to=wide),
    ]


def overflow(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Let a result overflow in float16: multiply it by 65536, round it to float16, and divide it again."""
    kinds = _kinds(model)

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        kind = kinds.get(node.output[0])
        if kind not in (TensorProto.FLOAT, TensorProto.DOUBLE):
            return ""
        inserted(copy, node, lambda before, after: _overflowing(before, after, kind))
        return "result x 65536 through float16"

    return on_nodes(model, rng, {"Gemm", "MatMul", "Conv", "Scaler"}, edit)


def _overflowing(before: str, after: str, kind: int) -> list[onnx.NodeProto]:
    great = np.array(65536, helper.tensor_dtype_to_np_dtype(kind))
    factor = numpy_helper.from_array(great, f"{after}__factor")
    return [
        helper.make_node("Constant", [], [factor.name], value=factor),
        helper.make_node("Mul", [before, factor.name], [f"{after}__great"]),
        *_through(f"{after}__great", f"{after}__wide", TensorProto.FLOAT16, kind),
        helper.make_node("Div", [f"{after}__wide", factor.name], [after]),
    ]


def truncated(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Cast an integer input to int32 or uint8 and back."""
    for value in model.graph.input:
        if value.type.tensor_type.elem_type != TensorProto.INT64:
            continue
        for kind in (TensorProto.INT32, TensorProto.UINT8):
            copy = copied(model)
            name = value.name
            for node in copy.graph.node:
                node.input[:] = [f"{name}__wide" if given == name else given for given in node.input]
            for cast in reversed(_through(name, f"{name}__wide", kind, TensorProto.INT64)):
                copy.graph.node.insert(0, cast)
            yield Mutant(copy, f"input {name}", f"through {TensorProto.DataType.Name(kind)}")


def constant_cut(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Truncate a large integer constant to int8."""

    def fits(slot: Slot) -> bool:
        if not isinstance(slot.message, TensorProto) or slot.message.data_type != TensorProto.INT64:
            return False
        return bool((np.abs(slot.read()) > 127).any())

    def edit(array: Array) -> tuple[Array, str] | None:
        return array.astype(np.int8).astype(array.dtype), "cut to int8"

    return on_slots(model, rng, fits, edit)


def rounded_decimals(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Round weights to four decimals, as text files often do."""

    def edit(array: Array) -> tuple[Array, str] | None:
        return np.round(array, 4), "rounded to four decimals"

    return on_slots(model, rng, lambda slot: slot.is_weight, edit)


TABLE: dict[str, Mutation] = {
    "result through float16": float16,
    "float16 overflow": overflow,
    "integers through int32": truncated,
    "integer constant cut": constant_cut,
    "weights rounded to 4 decimals": rounded_decimals,
}
