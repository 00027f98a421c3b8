"""Recurrent layers. Blobs have the axes sequence, batch and vector, and two of length 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Graph, Value
from ..layer import Layer, lowers
from ..proto import Message
from ..recurrence import Step, scanned
from .activation import nonlinearity

CLIP = 50.0
"""What goes into an activation stays between -50 and 50; so does an LSTM's cell unless it has a limit of its own."""
GRU_GATES = ("updateGate", "resetGate", "outputGate")
LSTM_GATES = ("inputGate", "forgetGate", "blockInput", "outputGate")


STANDARD = {"linear": (1.0, 0.0), "scaledTanh": (1.0, 1.0), "sigmoidHard": (0.2, 0.5)}
"""alpha and beta where coremltools writes none. For scaledTanh, NeuralNetwork.proto speaks of 1.7159 and 2/3, but
Apple's own test of the layer asks for 1 and 1."""


def _function(g: Graph, layer: Layer, activation: Message, x: Value) -> Value:
    kind = activation.WhichOneof("NonlinearityType")
    if kind in STANDARD and not getattr(activation, kind).ByteSize():
        activation = type(activation)()
        values = getattr(activation, kind)
        values.alpha, values.beta = STANDARD[kind]
    return nonlinearity(g, layer, activation, x)


def _activated(g: Graph, layer: Layer, activation: Message, x: Value) -> Value:
    return _function(g, layer, activation, g.op("Clip", x, g.like(-CLIP, x), g.like(CLIP, x)))


def _stacked(layer: Layer, holder: Message, names: Sequence[str], columns: int | None) -> np.ndarray[
    tuple[int, ...], np.dtype[np.float32]
]:  # fmt: skip
    """The gates' matrices on top of each other, or their vectors one after the other."""
    size = layer.params.outputVectorSize
    shape = (size,) if columns is None else (size, columns)
    return np.concatenate([layer.weights(getattr(holder, name), shape) for name in names])


def _projected(g: Graph, layer: Layer, x: Value, weights: Value, bias: Value | None) -> Value:
    """W * x + b for all times at once: (sequence, batch, gates * vector)."""
    rows = g.reshape(x, [g.dim(x, 0), g.dim(x, 1), layer.params.inputVectorSize])
    product = g.op("MatMul", rows, weights)
    return product if bias is None else g.op("Add", product, bias)


def _initial(g: Graph, layer: Layer, x: Value, given: Value | None) -> Value:
    """A state of shape (batch, vector): an input, or zeros.

    Converted from PyTorch's packed sequences, it may have more rows than there are sequences; then the first count.
    """
    size, batch = layer.params.outputVectorSize, g.dim(x, 1)
    if given is not None:
        rows = g.reshape(given, [-1, size])
        if rows.shape == ((x.shape or ())[1], size):
            return rows
        first = g.op("Slice", rows, g.const([0], "int64"), g.vector([batch]), g.const([0], "int64"))
        return g.reshape(first, [batch, size])
    return g.typed(g.op("Expand", g.const([0], "float32"), g.vector([batch, size])), ((x.shape or ())[1], size))


def _run(
    g: Graph, projected: Value, states: Sequence[Value], step: Step, whole: bool, reverse: bool
) -> tuple[Value, ...]:
    """The output (the whole sequence, or its last element) and the last states, as blobs of rank 5."""
    sequence, finals = scanned(g, projected, states, step, reverse)
    last = [g.op("Unsqueeze", f, g.const((0, 3, 4), "int64")) for f in finals]
    return (g.op("Unsqueeze", sequence, g.const((3, 4), "int64")) if whole else last[0], *last)


@lowers("simpleRecurrent")
def simple_recurrent(g: Graph, layer: Layer, x: Value, initial: Value | None = None) -> tuple[Value, ...]:
    """y = f(W x + R y + b)."""
    p = layer.params
    weights = g.const(_stacked(layer, p, ["weightMatrix"], p.inputVectorSize).T)
    recursion = g.const(_stacked(layer, p, ["recursionMatrix"], p.outputVectorSize).T)
    bias = g.const(_stacked(layer, p, ["biasVector"], None)) if p.hasBiasVector else None

    def step(g: Graph, x: Value, states: Sequence[Value]) -> Sequence[Value]:
        return [_activated(g, layer, p.activation, g.op("Add", x, g.op("MatMul", states[0], recursion)))]

    states = [_initial(g, layer, x, initial)]
    results = _run(g, _projected(g, layer, x, weights, bias), states, step, p.sequenceOutput, p.reverseInput)
    return results[: len(layer.outputs)]


@lowers("gru")
def gated_recurrent_unit(g: Graph, layer: Layer, x: Value, initial: Value | None = None) -> tuple[Value, ...]:
    """y = (1 - z) o + z y, with the update gate z, and the reset gate r in o = g(W x + R (r y) + b)."""
    p = layer.params
    size = p.outputVectorSize
    weights = g.const(_stacked(layer, p, [f"{gate}WeightMatrix" for gate in GRU_GATES], p.inputVectorSize).T)
    recursion = _stacked(layer, p, [f"{gate}RecursionMatrix" for gate in GRU_GATES], size).T
    gates, candidate = g.const(recursion[:, : 2 * size]), g.const(recursion[:, 2 * size :])
    bias = g.const(_stacked(layer, p, [f"{gate}BiasVector" for gate in GRU_GATES], None)) if p.hasBiasVectors else None
    inner, outer = p.activations

    def step(g: Graph, x: Value, states: Sequence[Value]) -> Sequence[Value]:
        (y,) = states
        x_gates, x_output = g.ops("Split", x, g.const([2 * size, size], "int64"), outputs=2, axis=-1)
        both = _activated(g, layer, inner, g.op("Add", x_gates, g.op("MatMul", y, gates)))
        update, reset = g.ops("Split", both, outputs=2, axis=-1, num_outputs=2)
        memory = g.op("MatMul", g.op("Mul", y, reset), candidate)
        output = _activated(g, layer, outer, g.op("Add", x_output, memory))
        fresh = g.op("Mul", g.op("Sub", g.like(1, x), update), output)
        return [g.op("Add", fresh, g.op("Mul", update, y))]

    states = [_initial(g, layer, x, initial)]
    results = _run(g, _projected(g, layer, x, weights, bias), states, step, p.sequenceOutput, p.reverseInput)
    return results[: len(layer.outputs)]


@lowers("uniDirectionalLSTM")
def lstm(g: Graph, layer: Layer, x: Value, output: Value | None = None, cell: Value | None = None) -> tuple[Value, ...]:
    """The output, and the last output and cell state."""
    p = layer.params
    results = _lstm(g, layer, x, (output, cell), p.weightParams, p.activations, p.reverseInput)
    return results[: len(layer.outputs)]


@lowers("biDirectionalLSTM")
def bidirectional_lstm(
    g: Graph, layer: Layer, x: Value, output: Value | None = None, cell: Value | None = None,
    reverse_output: Value | None = None, reverse_cell: Value | None = None,
) -> tuple[Value, ...]:  # fmt: skip
    """Two LSTMs, one of them from the end on; their outputs are joined, their states are not."""
    p = layer.params
    forward, backward = p.weightParams
    y, *states = _lstm(g, layer, x, (output, cell), forward, p.activationsForwardLSTM, False)
    y_reverse, *states_reverse = _lstm(
        g, layer, x, (reverse_output, reverse_cell), backward, p.activationsBackwardLSTM, True
    )  # fmt: skip
    return (g.op("Concat", y, y_reverse, axis=2), *states, *states_reverse)[: len(layer.outputs)]


def _lstm(
    g: Graph, layer: Layer, x: Value, initial: Sequence[Value | None], weights: Message,
    activations: Sequence[Message], reverse: bool,
) -> tuple[Value, ...]:  # fmt: skip
    p = layer.params.params
    size = layer.params.outputVectorSize
    matrix = _stacked(layer, weights, [f"{gate}WeightMatrix" for gate in LSTM_GATES], layer.params.inputVectorSize)
    recursion = g.const(_stacked(layer, weights, [f"{gate}RecursionMatrix" for gate in LSTM_GATES], size).T)
    bias = _lstm_bias(layer, weights)
    projected = _projected(g, layer, x, g.const(matrix.T), g.const(bias) if bias.any() else None)
    states = [_initial(g, layer, x, state) for state in initial]
    step = _lstm_step(layer, weights, activations, recursion)
    return _run(g, projected, states, step, p.sequenceOutput, reverse)


def _lstm_bias(layer: Layer, weights: Message) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    p = layer.params.params
    size = layer.params.outputVectorSize
    bias = np.zeros(4 * size, np.float32)
    if p.hasBiasVectors:
        bias += _stacked(layer, weights, [f"{gate}BiasVector" for gate in LSTM_GATES], None)
    bias[size : 2 * size] += p.forgetBias
    return bias


def _lstm_step(layer: Layer, weights: Message, activations: Sequence[Message], recursion: Value) -> Step:
    """Input, forget and output gate i, f, o, block input z: c = f c + i z, y = h(c) o; gates may peep at the cell."""
    p = layer.params.params
    size = layer.params.outputVectorSize
    inner, block, outer = activations
    limit = p.cellClipThreshold or CLIP

    def peeping(g: Graph, gate: Value, cell: Value, name: str) -> Value:
        if not p.hasPeepholeVectors:
            return gate
        peephole = layer.weights(getattr(weights, f"{name}PeepholeVector"), (size,))
        return g.op("Add", gate, g.op("Mul", cell, g.const(peephole)))

    def step(g: Graph, x: Value, states: Sequence[Value]) -> Sequence[Value]:
        y, c = states
        i, f, z, o = g.ops("Split", g.op("Add", x, g.op("MatMul", y, recursion)), outputs=4, axis=-1, num_outputs=4)
        i = _activated(g, layer, inner, peeping(g, i, c, "inputGate"))
        if p.coupledInputAndForgetGate:
            f = g.op("Sub", g.like(1, i), i)
        else:
            f = _activated(g, layer, inner, peeping(g, f, c, "forgetGate"))
        z = _activated(g, layer, block, z)
        c = g.op("Add", g.op("Mul", c, f), g.op("Mul", i, z))
        c = g.op("Clip", c, g.like(-limit, c), g.like(limit, c))
        o = _activated(g, layer, inner, peeping(g, o, c, "outputGate"))
        return [g.op("Mul", _function(g, layer, outer, c), o), c]

    return step
