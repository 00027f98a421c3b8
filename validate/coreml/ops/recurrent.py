"""Recurrent networks. Sequences have the axes time, batch, vector; two directions lie one after the other in a vector.

ONNX's own operators are used where they say the same. An LSTM whose cell is clipped is an ONNX Scan: ONNX's ``clip``
acts on what goes into the activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..bind import Op, lowers
from ..graph import Graph, Value
from ..recurrence import scanned
from ..refuse import unsupported

ACTIVATIONS: dict[str, tuple[str, dict[str, float]]] = {
    "tanh": ("Tanh", {}),
    "scaled_tanh": ("ScaledTanh", {"alpha": 1.0, "beta": 1.0}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    "sigmoid_hard": ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    "relu": ("Relu", {}),
    "linear": ("Affine", {"alpha": 1.0, "beta": 0.0}),
}
"""ONNX's names, with the constants that coremltools' own tests take."""

ONE_WAY = {"forward", "reverse"}


@lowers("rnn")
def rnn(
    g: Graph, op: Op, *, x: Value, initial_h: Value, weight_ih: Value, weight_hh: Value, bias: Value | None = None,
    direction: str = "forward", output_sequence: bool = False, activation: str = "tanh",
) -> tuple[Value, ...]:  # fmt: skip
    """h = activation(W x + b + R h)."""
    cell = _Cell("RNN", (0,), (_Weights(weight_ih, weight_hh, bias),), _way(op, direction, ONE_WAY))
    return _run(g, cell, x, (initial_h,), output_sequence, **_activations(op, [activation]))


@lowers("gru")
def gru(
    g: Graph, op: Op, *, x: Value, initial_h: Value, weight_ih: Value, weight_hh: Value, bias: Value | None = None,
    direction: str = "forward", output_sequence: bool = False, recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
) -> tuple[Value, ...]:  # fmt: skip
    """h = (1 - z) o + z h, where the reset gate r weighs the state: o = activation(W x + b + R (r h))."""
    weights = _Weights(weight_ih, weight_hh, bias)
    cell = _Cell("GRU", (2, 0, 1), (weights,), _way(op, direction, ONE_WAY))
    return _run(g, cell, x, (initial_h,), output_sequence, **_activations(op, [recurrent_activation, activation]))


@lowers("gru", opset=18)
def gru_with_reset_after(
    g: Graph, op: Op, *, x: Value, initial_h: Value, weight_ih: Value, weight_hh: Value, bias: Value | None = None,
    direction: str = "forward", output_sequence: bool = False, recurrent_activation: str = "sigmoid",
    activation: str = "tanh", reset_after: bool = False, input_bias: Value | None = None,
) -> tuple[Value, ...]:  # fmt: skip
    """As before, or with ``reset_after`` o = activation(W x + input_bias + r (R h + bias))."""
    weights = _Weights(weight_ih, weight_hh, input_bias, bias)
    cell = _Cell("GRU", (2, 0, 1), (weights,), _way(op, direction, ONE_WAY))
    functions = _activations(op, [recurrent_activation, activation])
    return _run(g, cell, x, (initial_h,), output_sequence, linear_before_reset=int(reset_after), **functions)


@lowers("lstm")
def lstm(
    g: Graph, op: Op, *, x: Value, initial_h: Value, initial_c: Value, weight_ih: Value, weight_hh: Value,
    bias: Value | None = None, peephole: Value | None = None, weight_ih_back: Value | None = None,
    weight_hh_back: Value | None = None, bias_back: Value | None = None, peephole_back: Value | None = None,
    direction: str = "forward", output_sequence: bool = False, recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh", activation: str = "tanh", clip: float | None = None,
) -> tuple[Value, ...]:  # fmt: skip
    """c = f c + i z, h = o activation(c), with gates i, f, o; ``clip`` bounds c."""
    sides = [_Weights(weight_ih, weight_hh, bias, peephole=peephole)]
    if _way(op, direction, ONE_WAY | {"bidirectional"}) == "bidirectional":
        if weight_ih_back is None or weight_hh_back is None:
            raise unsupported(str(op), "a bidirectional LSTM needs weight_ih_back and weight_hh_back")
        sides.append(_Weights(weight_ih_back, weight_hh_back, bias_back, peephole=peephole_back))
    cell = _Cell("LSTM", (0, 2, 1, 3), tuple(sides), direction)
    names = [recurrent_activation, cell_activation, activation]
    functions = _activations(op, names * len(sides))
    if clip is not None:
        return _clipped(g, cell, x, (initial_h, initial_c), output_sequence, names, clip)
    return _run(g, cell, x, (initial_h, initial_c), output_sequence, **functions)


def _way(op: Op, direction: str, allowed: set[str]) -> str:
    if direction not in allowed:
        raise unsupported(str(op), f"direction '{direction}' is not one of {', '.join(sorted(allowed))}")
    return direction


def _activations(op: Op, names: Sequence[str]) -> dict[str, Any]:
    """ONNX's attributes; its alphas and betas are those of the activations that have any, in turn."""
    unknown = [n for n in names if n.lower() not in ACTIVATIONS]
    if unknown:
        raise unsupported(str(op), f"activation '{unknown[0]}' is not one of {', '.join(ACTIVATIONS)}")
    rows = [ACTIVATIONS[n.lower()] for n in names]
    scales = {f"activation_{p}": [c[p] for _, c in rows if c] or None for p in ("alpha", "beta")}
    return {"activations": [kind for kind, _ in rows], **scales}


@dataclass(frozen=True, slots=True)
class _Weights:
    """One direction's weights: gates on top of each other."""

    input: Value
    recurrent: Value
    bias: Value | None
    recurrent_bias: Value | None = None
    peephole: Value | None = None


@dataclass(frozen=True, slots=True)
class _Cell:
    """``order`` says which of MIL's gates is each of ONNX's. Of the peepholes, those of the first three count."""

    kind: str
    order: tuple[int, ...]
    sides: tuple[_Weights, ...]
    direction: str

    @property
    def hidden_size(self) -> int:
        """The length of the state of one direction."""
        size = (self.sides[0].recurrent.shape or ())[1]
        if size is None:
            raise ValueError("the size of the state is not known")
        return size


def _run(
    g: Graph, cell: _Cell, x: Value, states: Sequence[Value], output_sequence: bool, **attributes: Any
) -> tuple[Value, ...]:
    """The output (all steps, or the last), and the last states."""
    inputs = [_stacked(g, cell, [s.input for s in cell.sides]), _stacked(g, cell, [s.recurrent for s in cell.sides])]
    starts = [_apart(g, cell, _of_batch(g, s, x)) for s in states]
    peepholes = [_vectors(g, cell, s.peephole, cell.order[:3]) for s in cell.sides]
    extra = [None] * (2 - len(starts)) + [_joined(g, peepholes)] if any(s.peephole for s in cell.sides) else []
    sequence, *finals = g.ops(
        cell.kind, x, *inputs, _biases(g, cell), None, *starts, *extra, outputs=1 + len(states),
        hidden_size=cell.hidden_size, direction=cell.direction, **attributes,
    )  # fmt: skip
    last = [_together(g, cell, f) for f in finals]
    if not output_sequence:
        return g.op("Unsqueeze", last[0], g.const([0], "int64")), *last
    by_time = g.transpose(sequence, (0, 2, 1, 3))
    size = len(cell.sides) * cell.hidden_size
    return g.reshape(by_time, [g.dim(x, 0), g.dim(x, 1), size]), *last


def _stacked(g: Graph, cell: _Cell, matrices: Sequence[Value]) -> Value:
    """The matrices of all directions, (directions, gates * hidden, columns), in ONNX's order of gates."""
    return _joined(g, [_ordered(g, m, cell.order, cell.hidden_size) for m in matrices])


def _ordered(g: Graph, x: Value, order: Sequence[int], size: int) -> Value:
    if tuple(order) == tuple(range(len(order))):
        return x
    gates = g.ops("Split", x, g.const([size] * len(order), "int64"), outputs=len(order), axis=0)
    return g.op("Concat", *(gates[i] for i in order), axis=0)


def _joined(g: Graph, parts: Sequence[Value]) -> Value:
    zeroth = g.const([0], "int64")
    rows = [g.op("Unsqueeze", p, zeroth) for p in parts]
    return rows[0] if len(rows) == 1 else g.op("Concat", *rows, axis=0)


def _vectors(g: Graph, cell: _Cell, vector: Value | None, order: Sequence[int]) -> Value:
    """A vector per gate in ONNX's order; zeros when there is none."""
    if vector is None:
        return g.const([0.0] * (len(order) * cell.hidden_size), "float32")
    return _ordered(g, vector, order, cell.hidden_size)


def _biases(g: Graph, cell: _Cell) -> Value | None:
    """ONNX has one bias for the input and one for the state, one after the other."""
    if all(s.bias is None and s.recurrent_bias is None for s in cell.sides):
        return None
    pairs = [[_vectors(g, cell, b, cell.order) for b in (s.bias, s.recurrent_bias)] for s in cell.sides]
    return _joined(g, [g.op("Concat", *pair, axis=0) for pair in pairs])


def _of_batch(g: Graph, state: Value, x: Value) -> Value:
    """The rows of ``state`` that the batch has: coremltools converts packed sequences with a state that has more."""
    if (state.shape or (None,))[0] is not None:
        return state
    batch = g.vector([g.dim(x, 1)])
    return g.op("Slice", state, g.const([0], "int64"), batch, g.const([0], "int64"))


def _apart(g: Graph, cell: _Cell, state: Value) -> Value:
    """(batch, directions * hidden) as (directions, batch, hidden)."""
    split = g.reshape(state, [g.dim(state, 0), len(cell.sides), cell.hidden_size])
    return g.transpose(split, (1, 0, 2))


def _together(g: Graph, cell: _Cell, state: Value) -> Value:
    return g.reshape(g.transpose(state, (1, 0, 2)), [g.dim(state, 1), len(cell.sides) * cell.hidden_size])


def _clipped(
    g: Graph, cell: _Cell, x: Value, states: Sequence[Value], output_sequence: bool, names: Sequence[str], clip: float
) -> tuple[Value, ...]:
    """An LSTM, step by step, whose cell stays between -clip and clip."""
    given = [_of_batch(g, s, x) for s in states]
    starts = [g.ops("Split", s, outputs=len(cell.sides), axis=1, num_outputs=len(cell.sides)) for s in given]
    sequences, finals = [], []
    for i, side in enumerate(cell.sides):
        backwards = cell.direction == "reverse" or i == 1
        sequence, final = _side(g, cell, side, x, [s[i] for s in starts], names, clip, backwards)
        sequences.append(sequence)
        finals.append(final)
    last = [parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1) for parts in zip(*finals, strict=True)]
    if not output_sequence:
        return g.op("Unsqueeze", last[0], g.const([0], "int64")), *last
    return sequences[0] if len(sequences) == 1 else g.op("Concat", *sequences, axis=2), *last


def _side(
    g: Graph, cell: _Cell, side: _Weights, x: Value, states: Sequence[Value], names: Sequence[str], clip: float,
    backwards: bool,
) -> tuple[Value, tuple[Value, ...]]:  # fmt: skip
    projected = g.op("MatMul", x, g.transpose(side.input, (1, 0)))
    if side.bias is not None:
        projected = g.op("Add", projected, side.bias)
    recurrent = g.transpose(side.recurrent, (1, 0))
    peeps = g.ops("Split", _vectors(g, cell, side.peephole, (0, 1, 2)), outputs=3, num_outputs=3)
    inner, block, outer = names

    def step(g: Graph, x: Value, before: Sequence[Value]) -> Sequence[Value]:
        h, c = before
        gates = g.op("Add", x, g.op("MatMul", h, recurrent))
        i, f, o, z = g.ops("Split", gates, outputs=4, axis=-1, num_outputs=4)
        i, f = (_applied(g, inner, _peeping(g, gate, c, peep)) for gate, peep in zip((i, f), peeps[:2], strict=True))
        c = g.op("Add", g.op("Mul", f, c), g.op("Mul", i, _applied(g, block, z)))
        c = g.op("Clip", c, g.like(-clip, c), g.like(clip, c))
        o = _applied(g, inner, _peeping(g, o, c, peeps[2]))
        return [g.op("Mul", o, _applied(g, outer, c)), c]

    return scanned(g, projected, states, step, backwards)


def _peeping(g: Graph, gate: Value, cell: Value, weights: Value) -> Value:
    return g.op("Add", gate, g.op("Mul", cell, weights))


def _applied(g: Graph, name: str, x: Value) -> Value:
    kind, constants = ACTIVATIONS[name.lower()]
    if kind == "Affine":
        return x
    # ScaledTanh is no operator of its own, and its constants are 1.
    return g.op("Tanh", x) if kind == "ScaledTanh" else g.op(kind, x, **constants)
