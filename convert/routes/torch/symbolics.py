"""Corrected operator translations for PyTorch's TorchScript exporter."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.onnx.symbolic_opset9 import prim_if

_SINCE = 9
_BOOL = 9  # TensorProto.BOOL


def _conditional(context: Any, *inputs: Any, **attributes: Any) -> list[Any]:
    """``prim::If``: forget the shape of an output if the branches disagree about it.

    The exporter gives such an output the first branch's shape and folds it into constants, so that ``len(state)``
    becomes a constant. It stores shapes by the value's name, hence the new name.
    """
    outputs: list[Any] = prim_if(context, *inputs, **attributes)
    for output in outputs:
        if output.node().kind() == "onnx::If":
            kinds = [list(block.outputs())[output.offset()].type() for block in output.node().blocks()]
            if all(kind.kind() == "TensorType" for kind in kinds) and not _agree(kinds):
                output.setType(_common(kinds))
                output.setDebugName(f"{output.debugName()}_of_any_shape")
    return outputs


def _agree(kinds: list[Any]) -> bool:
    first, *others = [kind.sizes() for kind in kinds]
    return first is not None and all(other == first for other in others)


def _common(kinds: list[Any]) -> Any:
    kind = torch._C.TensorType.get()
    dtype = next((each.dtype() for each in kinds if each.dtype() is not None), None)
    ranks = {None if each.varyingSizes() is None else len(each.varyingSizes()) for each in kinds}
    rank = next(iter(ranks)) if len(ranks) == 1 else None
    kind = kind if dtype is None else kind.with_dtype(dtype)
    return kind if rank is None else kind.with_sizes([None] * rank)


def _logical_not(context: Any, value: Any) -> Any:
    """``not`` of a Python number or condition: the exporter's own translation accepts only booleans."""
    return context.op("Not", context.op("Cast", value, to_i=_BOOL))


def _same(context: Any, value: Any) -> Any:
    """What moves a tensor to another device, which is no matter of an ONNX model's."""
    return context.op("Identity", value)


_CORRECTIONS = {
    "prim::If": _conditional, "aten::__not_": _logical_not, "aten::__not__": _logical_not,
    "aten::cpu": _same, "aten::cuda": _same,
}  # fmt: skip


@contextlib.contextmanager
def corrected() -> Iterator[None]:
    """Use the corrected translations for the length of the block."""
    for name, function in _CORRECTIONS.items():
        torch.onnx.register_custom_op_symbolic(name, function, _SINCE)
    try:
        yield
    finally:
        for name in _CORRECTIONS:
            torch.onnx.unregister_custom_op_symbolic(name, _SINCE)
