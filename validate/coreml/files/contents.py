"""What a specification contains, counted without lowering it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .proto import Message

BOOL, FLOATS = 1, (10, 11, 12)
"""MIL.proto's bool; its fp16, fp32 and fp64."""


def operators(spec: Message) -> Iterator[str]:
    """Every operator, layer or model type in ``spec``, once per use, nested ones too."""
    kind = spec.WhichOneof("Type")
    body = getattr(spec, kind)
    if kind == "mlProgram":
        for function in body.functions.values():
            yield from _program_operators(function.block_specializations[function.opset])
    elif kind.startswith("neuralNetwork"):
        yield from (layer.WhichOneof("layer") or "unknown" for layer in body.layers)
    elif kind.startswith("pipeline"):
        for model in getattr(body, "pipeline", body).models:
            yield from operators(model)
    else:
        yield kind


def _program_operators(block: Message) -> Iterator[str]:
    for operation in block.operations:
        if operation.type != "const":
            yield operation.type
        for nested in operation.blocks:
            yield from _program_operators(nested)


def precision(spec: Message) -> str:
    """The precision of the computation: float16 if any operator of an ML Program returns float16, else float32.

    For neural networks and classic models it is up to the device; no document guarantees more than float32. A
    pipeline has the precision of its least precise stage.
    """
    kind = spec.WhichOneof("Type")
    if kind.startswith("pipeline"):
        body = getattr(spec, kind)
        widths = {precision(stage) for stage in getattr(body, "pipeline", body).models}
        return "float16" if "float16" in widths else "float32"
    if kind != "mlProgram":
        return "float32"
    blocks = [f.block_specializations[f.opset] for f in spec.mlProgram.functions.values()]
    return "float16" if any(map(_has_half, blocks)) else "float32"


def _has_half(block: Message, known: frozenset[str] = frozenset()) -> bool:
    """Whether an operator returns float16 that rounding may have touched.

    coremltools moves truth values as float16 where an operator takes no booleans, also in a program for float32:
    what only moves them is exact. ``known`` are the names of such values in the blocks around this one.
    """
    exact = set(known)
    for operation in block.operations:
        if any(_has_half(inner, frozenset(exact)) for inner in operation.blocks):
            return True
        halves = [o.name for o in operation.outputs if o.type.tensorType.dataType == FLOATS[0]]
        if operation.type == "const" or not halves:
            exact.update(o.name for o in operation.outputs if o.type.tensorType.dataType == BOOL)
            continue
        if not _moves(operation, exact):
            return True
        exact.update(halves)
    return False


_MOVING = frozenset(
    {
        *("cast", "concat", "expand_dims", "gather", "gather_along_axis", "gather_nd", "identity", "reshape"),
        *("reverse", "slice_by_index", "slice_by_size", "split", "squeeze", "stack", "tile", "transpose"),
    }
)
_DATA = ("x", "values")
"""The parameters of those operators that hold what they move."""


def _moves(operation: Message, exact: set[str]) -> bool:
    """Whether an operator does nothing but move values that are truth values, or come from them."""
    data = [a.name for key, value in operation.inputs.items() if key in _DATA for a in value.arguments]
    return operation.type in _MOVING and bool(data) and exact.issuperset(data)


def opset(spec: Message) -> str:
    """The opset of a program's functions; empty for other models."""
    if spec.WhichOneof("Type") != "mlProgram":
        return ""
    return ", ".join(sorted({f.opset for f in spec.mlProgram.functions.values()}))


def weight_count(spec: Message) -> int | None:
    """The number of stored float or compressed weights of a program or network; None for other models."""
    kind = spec.WhichOneof("Type")
    if kind == "mlProgram":
        return sum(_program_weights(f.block_specializations[f.opset]) for f in spec.mlProgram.functions.values())
    if kind.startswith("neuralNetwork"):
        return sum(_stored(layer) for layer in getattr(spec, kind).layers)
    return None


def _program_weights(block: Message) -> int:
    """The elements of floating-point constants, and of everything in the weight file."""
    values = [v for o in block.operations for v in o.attributes.values()]
    own: int = sum(
        math.prod(d.constant.size for d in v.type.tensorType.dimensions)
        for v in values
        if v.WhichOneof("value") == "blobFileValue" or v.type.tensorType.dataType in FLOATS
    )
    return own + sum(_program_weights(nested) for o in block.operations for nested in o.blocks)


def _stored(message: Message) -> int:
    """The elements of every WeightParams in ``message``."""
    if message.DESCRIPTOR.name == "WeightParams":
        bits = int(message.quantization.numberOfBits) or 8
        return int(len(message.floatValue) + len(message.float16Value) // 2 + len(message.rawValue) * 8 // bits)
    children: Iterator[Any] = (v for field, v in message.ListFields() if field.message_type is not None)
    return sum(_stored(m) for child in children for m in (child if _is_repeated(child) else [child]))


def _is_repeated(value: Any) -> bool:
    return not hasattr(value, "DESCRIPTOR")
