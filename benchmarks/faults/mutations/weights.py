"""Faults in weights: changed, scaled, rounded, transposed, lost."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import onnx

from ..graphs import Array, Mutant, Mutation, Slot, constant, on_nodes, on_slots

_MATRICES = {"MatMul", "Gemm", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "Einsum"}
_BIAS_OPERAND = {"Gemm": 2, "Conv": 2, "ConvTranspose": 2, "LSTM": 3, "GRU": 3, "RNN": 3}


def spread(array: Array) -> float:
    """A tensor's standard deviation; for a constant tensor its magnitude."""
    return float(array.std()) or float(np.abs(array).max()) or 1.0


def nudged(share: float, model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Change one weight by ``share`` of its tensor's standard deviation."""

    def edit(array: Array) -> tuple[Array, str] | None:
        flat = array.reshape(-1)
        at = int(rng.integers(flat.size))
        flat[at] += flat.dtype.type(share * spread(array))
        return flat.reshape(array.shape), f"element {at} of {flat.size} off by {share:g} of the standard deviation"

    return on_slots(model, rng, lambda slot: slot.is_weight and slot.read().size > 1, edit)


def scaled(share: float, model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Multiply a whole tensor by 1 + ``share``."""

    def edit(array: Array) -> tuple[Array, str] | None:
        return array * array.dtype.type(1 + share), f"scaled by 1 + {share:g}"

    return on_slots(model, rng, lambda slot: slot.is_weight, edit)


def _is_matrix(slot: Slot) -> bool:
    return slot.is_weight and any(user in _MATRICES for user, _ in slot.users) and slot.read().ndim >= 2


def int8(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Round one layer's weights to int8, symmetric, with one scale per tensor."""

    def edit(array: Array) -> tuple[Array, str] | None:
        scale = np.abs(array).max() / 127 or 1.0
        return (np.round(array / scale) * scale).astype(array.dtype), "quantised to int8"

    return on_slots(model, rng, _is_matrix, edit)


def float16(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Round one layer's weights to float16."""

    def edit(array: Array) -> tuple[Array, str] | None:
        return array.astype(np.float16).astype(array.dtype), "rounded to float16"

    return on_slots(model, rng, _is_matrix, edit)


def transposed(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Transpose a square weight."""

    def edit(array: Array) -> tuple[Array, str] | None:
        if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] < 2:
            return None
        return np.swapaxes(array, -1, -2), f"last two axes of {list(array.shape)} swapped"

    return on_slots(model, rng, _is_matrix, edit)


def rows_swapped(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap two rows of a weight."""

    def edit(array: Array) -> tuple[Array, str] | None:
        axis = int(np.argmax(array.shape))
        if array.shape[axis] < 2:
            return None
        first, second = rng.choice(array.shape[axis], 2, replace=False)
        order = np.arange(array.shape[axis])
        order[[first, second]] = order[[second, first]]
        return np.take(array, order, axis), f"rows {first} and {second} of axis {axis} swapped"

    return on_slots(model, rng, _is_matrix, edit)


def _is_bias(slot: Slot) -> bool:
    operand = any(_BIAS_OPERAND.get(user) == number for user, number in slot.users)
    added = any(user == "Add" for user, _ in slot.users) and slot.is_weight and slot.read().ndim == 1
    return operand or added or slot.name.endswith(".intercepts")


def no_bias(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Set a bias to zero."""

    def edit(array: Array) -> tuple[Array, str] | None:
        return (np.zeros_like(array), f"bias of {array.size} set to zero") if array.any() else None

    return on_slots(model, rng, _is_bias, edit)


def statistics_swapped(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Swap a batch normalisation's scale and bias, or mean and variance."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        first, second = ((1, 2), (3, 4))[int(rng.integers(2))]
        if constant(copy, node.input[first]) is None or constant(copy, node.input[second]) is None:
            return ""
        node.input[first], node.input[second] = node.input[second], node.input[first]
        return f"operands {first} and {second} swapped"

    return on_nodes(model, rng, {"BatchNormalization"}, edit)


TABLE: dict[str, Mutation] = {
    **{f"weight nudged by {share:g} std": partial(nudged, share) for share in (1e-1, 1e-2, 1e-3)},
    **{f"tensor scaled by 1 + {share:g}": partial(scaled, share) for share in (1e-2, 1e-3, 1e-4)},
    "layer in int8": int8,
    "layer in float16": float16,
    "square weight transposed": transposed,
    "rows of a weight swapped": rows_swapped,
    "bias dropped": no_bias,
    "batch norm statistics swapped": statistics_swapped,
}
