"""Faults in LSTM and GRU layers, whose gates have a different order in every framework."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx

from ..graphs import Mutant, Mutation, attribute, constant, on_nodes, set_attribute

_GATES = {"LSTM": 4, "GRU": 3}
_OTHER_ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}
"""ONNX has i, o, f, c and z, r, h; these are the orders after copying Keras' i, f, c, o and PyTorch's r, z, n as is."""


def gates(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Put the gates of weights and biases into another framework's order."""

    def edit(copy: onnx.ModelProto, node: onnx.NodeProto) -> str:
        order, changed = _OTHER_ORDER[node.op_type], 0
        for number in (1, 2, 3):
            slot = constant(copy, node.input[number]) if len(node.input) > number else None
            if slot is None:
                continue
            array = slot.read()
            parts = np.split(array, _GATES[node.op_type] * (2 if number == 3 else 1), axis=1)
            count = _GATES[node.op_type]
            new = [parts[start + gate] for start in range(0, len(parts), count) for gate in order]
            slot.write(np.concatenate(new, axis=1))
            changed += 1
        return f"gates in the order {order}" if changed else ""

    return on_nodes(model, rng, set(_GATES), edit)


def reset_place(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Apply a GRU's reset gate before instead of after the product, or vice versa."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "linear_before_reset", 0)
        set_attribute(node, "linear_before_reset", 1 - old)
        return f"linear_before_reset {old} -> {1 - old}"

    return on_nodes(model, rng, {"GRU"}, edit)


def direction(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Reverse the direction of a sequence."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        old = attribute(node, "direction", b"forward").decode()
        if old == "bidirectional":
            return ""
        new = "reverse" if old == "forward" else "forward"
        set_attribute(node, "direction", new)
        return f"{old} -> {new}"

    return on_nodes(model, rng, {"LSTM", "GRU", "RNN"}, edit)


def activations(model: onnx.ModelProto, rng: np.random.Generator) -> Iterator[Mutant]:
    """Replace the sigmoid by the hard sigmoid of Keras 1."""

    def edit(_: onnx.ModelProto, node: onnx.NodeProto) -> str:
        own = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}[node.op_type]
        turns = 2 if attribute(node, "direction", b"forward") == b"bidirectional" else 1
        set_attribute(node, "activations", [name.replace("Sigmoid", "HardSigmoid") for name in own] * turns)
        return "Sigmoid -> HardSigmoid"

    return on_nodes(model, rng, {"LSTM", "GRU"}, edit)


TABLE: dict[str, Mutation] = {
    "gates swapped": gates,
    "reset gate's place": reset_place,
    "direction": direction,
    "recurrent activation": activations,
}
