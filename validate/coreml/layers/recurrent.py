"""Recurrent layers. Blobs have the axes sequence, batch and vector, and two of length 1.

They become ONNX's own operators, whose ``clip`` is Core ML's bound on the input of an activation. Layers with
activations that these operators don't have, or whose cell may reach its limit, become a Scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..files.proto import Message
from ..graph import Graph, Tensor, Tensors
from ..layer import Layer, lowers
from ..shared.fused_recurrence import Activation, Cell, Weights, either, fused, stays_within
from ..shared.recurrence import Step, backwards, scanned
from .activation import PLAIN, WITH_ALPHA, nonlinearity

CLIP = 50.0
"""The input of an activation is clipped to -50 .. 50, and so is an LSTM's cell without a limit of its own."""
GRU_GATES = ("updateGate", "resetGate", "outputGate")
LSTM_GATES = ("inputGate", "outputGate", "forgetGate", "blockInput")
"""The gates in ONNX's order."""

STANDARD = {"linear": (1.0, 0.0), "scaledTanh": (1.0, 1.0), "sigmoidHard": (0.2, 0.5)}
"""alpha and beta if coremltools doesn't write them. For scaledTanh, NeuralNetwork.proto has 1.7159 and 2/3, but
Apple's own test of the layer expects 1 and 1."""
SCALED = {"linear": "Affine", "scaledTanh": "ScaledTanh", "sigmoidHard": "HardSigmoid"}
"""ONNX's names of these."""
GATES, BOUNDED = {"sigmoid", "sigmoidHard"}, {"sigmoid", "sigmoidHard", "tanh", "softsign"}
"""Activations with results between 0 and 1, and between -1 and 1."""


def _completed(activation: Message) -> Message:
    """``activation`` with default constants if it has none."""
    kind = activation.WhichOneof("NonlinearityType")
    if kind not in STANDARD or getattr(activation, kind).ByteSize():
        return activation
    complete = type(activation)()
    values = getattr(complete, kind)
    values.alpha, values.beta = STANDARD[kind]
    return complete


def _onnx_activation(activation: Message) -> Activation | None:
    """The activation in ONNX's recurrent operators; None if they don't have it."""
    kind = activation.WhichOneof("NonlinearityType")
    if kind in PLAIN:
        return Activation(PLAIN[kind])
    if kind in WITH_ALPHA:
        return Activation(WITH_ALPHA[kind], {"alpha": getattr(activation, kind).alpha})
    if kind in SCALED:
        values = getattr(activation, kind)
        return Activation(SCALED[kind], {"alpha": values.alpha, "beta": values.beta})
    return None


def _activated(g: Graph, layer: Layer, activation: Message, x: Tensor) -> Tensor:
    return nonlinearity(g, layer, activation, g.op("Clip", x, g.like(-CLIP, x), g.like(CLIP, x)))


def _stacked(layer: Layer, holder: Message, names: Sequence[str], columns: int | None) -> np.ndarray[
    tuple[int, ...], np.dtype[np.float32]
]:  # fmt: skip
    """The gates' matrices stacked along axis 0, or their vectors concatenated."""
    size = layer.params.outputVectorSize
    shape = (size,) if columns is None else (size, columns)
    return np.concatenate([layer.weights(getattr(holder, name), shape) for name in names])


def _weights(
    g: Graph, layer: Layer, holder: Message, gates: Sequence[str], suffixes: Sequence[str], has_bias: bool
) -> Weights:
    """The matrices and the biases of all gates; ``suffixes`` are those of NeuralNetwork.proto's gate names."""
    of_input, of_state, of_bias = ([gate + suffix for gate in gates] for suffix in suffixes)
    return Weights(
        g.const(_stacked(layer, holder, of_input, layer.params.inputVectorSize)),
        g.const(_stacked(layer, holder, of_state, layer.params.outputVectorSize)),
        g.const(_stacked(layer, holder, of_bias, None)) if has_bias else None,
    )


GATED = ("WeightMatrix", "RecursionMatrix", "BiasVector")


def _initial(g: Graph, layer: Layer, x: Tensor, given: Tensor | None) -> Tensor:
    """A state of shape (batch, vector): an input, or zeros.

    Converted from PyTorch's packed sequences, it may have more rows than there are sequences; then the first are used.
    """
    size, batch = layer.params.outputVectorSize, g.dim(x, 1)
    if given is not None:
        rows = g.reshape(given, [-1, size])
        if rows.shape == ((x.shape or ())[1], size):
            return rows
        first = g.op("Slice", rows, g.const([0], "int64"), g.vector([batch]), g.const([0], "int64"))
        return g.reshape(first, [batch, size])
    if isinstance(batch, int):
        return g.const(np.zeros((batch, size), np.float32))
    return g.typed(g.op("Expand", g.const([0], "float32"), g.vector([batch, size])), ((x.shape or ())[1], size))


def _run(
    g: Graph, layer: Layer, cell: Cell, x: Tensor, states: Sequence[Tensor], activations: Sequence[Message], step: Step,
    free: bool | Tensor = True, input_forget: int | None = None,
) -> Tensors:  # fmt: skip
    """The output (the whole sequence, or its last element) and the last states, as blobs of rank 5.

    ``step`` is one time step of the Scan that replaces ONNX's operator unless ``free``.
    """
    p = layer.params
    rows = g.reshape(x, [g.dim(x, 0), g.dim(x, 1), p.inputVectorSize])
    known = [_onnx_activation(a) for a in activations]
    functions = [a for a in known if a is not None]

    def at_once(g: Graph) -> Tensors:
        return fused(g, cell, rows, states, functions, clip=CLIP, input_forget=input_forget)

    def by_steps(g: Graph) -> Tensors:
        (weights,) = cell.sides
        projected = g.op("MatMul", rows, g.transpose(weights.input, (1, 0)))
        projected = projected if weights.bias is None else g.op("Add", projected, weights.bias)
        sequence, finals = scanned(g, projected, states, step, cell.direction == "reverse")
        return sequence, *finals

    sequence, *last = either(g, free if len(functions) == len(known) else False, at_once, by_steps)
    finals = [g.op("Unsqueeze", f, g.const((0, 3, 4), "int64")) for f in last]
    return g.op("Unsqueeze", sequence, g.const((3, 4), "int64")), *finals


def _direction(reverse: bool) -> str:
    return "reverse" if reverse else "forward"


def _results(g: Graph, layer: Layer, whole: bool, results: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """As many results as the layer names; the first is the last output unless the layer returns the sequence."""
    sequence, *last = results
    ordered = backwards(g, sequence) if layer.params.reverseInput else sequence
    return (ordered if whole else last[0], *last)[: len(layer.outputs)]


@lowers("simpleRecurrent")
def simple_recurrent(g: Graph, layer: Layer, x: Tensor, initial: Tensor | None = None) -> tuple[Tensor, ...]:
    """y = f(W x + R y + b)."""
    p = layer.params
    weights = _weights(g, layer, p, [""], ("weightMatrix", "recursionMatrix", "biasVector"), p.hasBiasVector)
    recursion = g.transpose(weights.recurrent, (1, 0))
    function = _completed(p.activation)

    def step(g: Graph, x: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        return [_activated(g, layer, function, g.op("Add", x, g.op("MatMul", states[0], recursion)))]

    cell = Cell("RNN", (0,), (weights,), _direction(p.reverseInput))
    results = _run(g, layer, cell, x, [_initial(g, layer, x, initial)], [function], step)
    return _results(g, layer, p.sequenceOutput, results)


@lowers("gru")
def gated_recurrent_unit(g: Graph, layer: Layer, x: Tensor, initial: Tensor | None = None) -> tuple[Tensor, ...]:
    """y = (1 - z) o + z y, with the update gate z, and the reset gate r in o = g(W x + R (r y) + b)."""
    p = layer.params
    size = p.outputVectorSize
    weights = _weights(g, layer, p, GRU_GATES, GATED, p.hasBiasVectors)
    parts = g.const([2 * size, size], "int64")
    gates, candidate = g.ops("Split", g.transpose(weights.recurrent, (1, 0)), parts, outputs=2, axis=-1)
    inner, outer = map(_completed, p.activations)

    def step(g: Graph, x: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        (y,) = states
        x_gates, x_output = g.ops("Split", x, parts, outputs=2, axis=-1)
        both = _activated(g, layer, inner, g.op("Add", x_gates, g.op("MatMul", y, gates)))
        update, reset = g.ops("Split", both, outputs=2, axis=-1, num_outputs=2)
        memory = g.op("MatMul", g.op("Mul", y, reset), candidate)
        output = _activated(g, layer, outer, g.op("Add", x_output, memory))
        fresh = g.op("Mul", g.op("Sub", g.like(1, x), update), output)
        return [g.op("Add", fresh, g.op("Mul", update, y))]

    cell = Cell("GRU", (0, 1, 2), (weights,), _direction(p.reverseInput))
    results = _run(g, layer, cell, x, [_initial(g, layer, x, initial)], [inner, outer], step)
    return _results(g, layer, p.sequenceOutput, results)


@lowers("uniDirectionalLSTM")
def lstm(
    g: Graph, layer: Layer, x: Tensor, output: Tensor | None = None, cell: Tensor | None = None
) -> tuple[Tensor, ...]:
    """The output, and the last output and cell state."""
    p = layer.params
    results = _lstm(g, layer, x, (output, cell), p.weightParams, p.activations, p.reverseInput)
    return _results(g, layer, p.params.sequenceOutput, results)


@lowers("biDirectionalLSTM")
def bidirectional_lstm(
    g: Graph, layer: Layer, x: Tensor, output: Tensor | None = None, cell: Tensor | None = None,
    reverse_output: Tensor | None = None, reverse_cell: Tensor | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Two LSTMs, one of them reversed; their outputs are joined, their states are not."""
    p = layer.params
    forward, backward = p.weightParams
    y, *last = _lstm(g, layer, x, (output, cell), forward, p.activationsForwardLSTM, False)
    back, *last_back = _lstm(g, layer, x, (reverse_output, reverse_cell), backward, p.activationsBackwardLSTM, True)
    joined = (y, back) if p.params.sequenceOutput else (last[0], last_back[0])
    return (g.op("Concat", *joined, axis=2), *last, *last_back)[: len(layer.outputs)]


def _lstm(
    g: Graph, layer: Layer, x: Tensor, initial: Sequence[Tensor | None], holder: Message,
    activations: Sequence[Message], reverse: bool,
) -> Tensors:  # fmt: skip
    p = layer.params.params
    peepholes = [f"{gate}PeepholeVector" for gate in LSTM_GATES[:3]]
    weights = replace(
        _weights(g, layer, holder, LSTM_GATES, GATED, False),
        bias=g.const(_lstm_bias(layer, holder)),
        peephole=g.const(_stacked(layer, holder, peepholes, None)) if p.hasPeepholeVectors else None,
    )
    states = [_initial(g, layer, x, state) for state in initial]
    functions = [_completed(a) for a in activations]
    inner, block, _ = (a.WhichOneof("NonlinearityType") for a in functions)
    limit = p.cellClipThreshold or CLIP
    free = inner in GATES and block in BOUNDED and stays_within(g, limit, states[1], g.dim(x, 0), 1.0)
    cell = Cell("LSTM", (0, 1, 2, 3), (weights,), _direction(reverse))
    step = _lstm_step(g, layer, weights, functions, limit)
    return _run(g, layer, cell, x, states, functions, step, free, int(p.coupledInputAndForgetGate))


def _lstm_bias(layer: Layer, weights: Message) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    p = layer.params.params
    size = layer.params.outputVectorSize
    bias = np.zeros(4 * size, np.float32)
    if p.hasBiasVectors:
        bias += _stacked(layer, weights, [f"{gate}BiasVector" for gate in LSTM_GATES], None)
    forget = LSTM_GATES.index("forgetGate")
    bias[forget * size : (forget + 1) * size] += p.forgetBias
    return bias


def _lstm_step(g: Graph, layer: Layer, weights: Weights, functions: Sequence[Message], limit: float) -> Step:
    """Input, forget and output gate i, f, o, block input z: c = f c + i z, y = h(c) o; gates may have peepholes."""
    inner, block, outer = functions
    coupled = layer.params.params.coupledInputAndForgetGate
    recursion = g.transpose(weights.recurrent, (1, 0))
    peepholes = g.ops("Split", weights.peephole, outputs=3, num_outputs=3) if weights.peephole else ()

    def gate(g: Graph, x: Tensor, cell: Tensor, number: int) -> Tensor:
        seen = g.op("Add", x, g.op("Mul", cell, peepholes[number])) if peepholes else x
        return _activated(g, layer, inner, seen)

    def step(g: Graph, x: Tensor, states: Sequence[Tensor]) -> Sequence[Tensor]:
        y, c = states
        gates = g.op("Add", x, g.op("MatMul", y, recursion))
        i, o, f, z = g.ops("Split", gates, outputs=4, axis=-1, num_outputs=4)
        i = gate(g, i, c, 0)
        f = g.op("Sub", g.like(1, i), i) if coupled else gate(g, f, c, 2)
        c = g.op("Add", g.op("Mul", c, f), g.op("Mul", i, _activated(g, layer, block, z)))
        c = g.op("Clip", c, g.like(-limit, c), g.like(limit, c))
        return [g.op("Mul", nonlinearity(g, layer, outer, c), gate(g, o, c, 1)), c]

    return step
