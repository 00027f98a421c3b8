"""Recurrent networks. Sequences have the axes time, batch, vector; the vectors of two directions are concatenated.

ONNX's own operators are equivalent except for a clipped cell, which becomes a Scan if it may reach its limit.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bind import Op, lowers
from ..errors import unsupported
from ..graph import Graph, Tensor
from ..shared.fused_recurrence import Activation, Cell, Weights, either, fused, stays_within
from ..shared.recurrence import backwards, scanned

ACTIVATIONS = {
    "tanh": Activation("Tanh"),
    "scaled_tanh": Activation("ScaledTanh", {"alpha": 1.0, "beta": 1.0}),
    "sigmoid": Activation("Sigmoid"),
    "hard_sigmoid": Activation("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    "sigmoid_hard": Activation("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    "relu": Activation("Relu"),
    "linear": Activation("Affine", {"alpha": 1.0, "beta": 0.0}),
}
"""ONNX's names, with the constants that coremltools' own tests expect."""

ONE_WAY = {"forward", "reverse"}
GATES, BOUNDED = {"Sigmoid", "HardSigmoid"}, {"Sigmoid", "HardSigmoid", "Tanh", "ScaledTanh"}
"""Activations with results between 0 and 1, and between -1 and 1."""


@lowers("rnn")
def rnn(
    g: Graph, op: Op, *, x: Tensor, initial_h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor | None = None,
    direction: str = "forward", output_sequence: bool = False, activation: str = "tanh",
) -> tuple[Tensor, ...]:  # fmt: skip
    """h = activation(W x + b + R h)."""
    cell = Cell("RNN", (0,), (Weights(weight_ih, weight_hh, bias),), _checked_direction(op, direction, ONE_WAY))
    return _run(g, cell, x, (initial_h,), output_sequence, _activations(op, [activation]))


@lowers("gru")
def gru(
    g: Graph, op: Op, *, x: Tensor, initial_h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor | None = None,
    direction: str = "forward", output_sequence: bool = False, recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
) -> tuple[Tensor, ...]:  # fmt: skip
    """h = (1 - z) o + z h, where the reset gate r scales the state: o = activation(W x + b + R (r h))."""
    weights = Weights(weight_ih, weight_hh, bias)
    cell = Cell("GRU", (2, 0, 1), (weights,), _checked_direction(op, direction, ONE_WAY))
    return _run(g, cell, x, (initial_h,), output_sequence, _activations(op, [recurrent_activation, activation]))


@lowers("gru", opset=18)
def gru_with_reset_after(
    g: Graph, op: Op, *, x: Tensor, initial_h: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor | None = None,
    direction: str = "forward", output_sequence: bool = False, recurrent_activation: str = "sigmoid",
    activation: str = "tanh", reset_after: bool = False, input_bias: Tensor | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """As before, or with ``reset_after`` o = activation(W x + input_bias + r (R h + bias))."""
    weights = Weights(weight_ih, weight_hh, input_bias, bias)
    cell = Cell("GRU", (2, 0, 1), (weights,), _checked_direction(op, direction, ONE_WAY))
    functions = _activations(op, [recurrent_activation, activation])
    return _run(g, cell, x, (initial_h,), output_sequence, functions, linear_before_reset=int(reset_after))


@lowers("lstm")
def lstm(
    g: Graph, op: Op, *, x: Tensor, initial_h: Tensor, initial_c: Tensor, weight_ih: Tensor, weight_hh: Tensor,
    bias: Tensor | None = None, peephole: Tensor | None = None, weight_ih_back: Tensor | None = None,
    weight_hh_back: Tensor | None = None, bias_back: Tensor | None = None, peephole_back: Tensor | None = None,
    direction: str = "forward", output_sequence: bool = False, recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh", activation: str = "tanh", clip: float | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """c = f c + i z, h = o activation(c), with gates i, f, o; ``clip`` bounds c."""
    sides = [Weights(weight_ih, weight_hh, bias, peephole=peephole)]
    if _checked_direction(op, direction, ONE_WAY | {"bidirectional"}) == "bidirectional":
        if weight_ih_back is None or weight_hh_back is None:
            raise unsupported(str(op), "a bidirectional LSTM needs weight_ih_back and weight_hh_back")
        sides.append(Weights(weight_ih_back, weight_hh_back, bias_back, peephole=peephole_back))
    cell = Cell("LSTM", (0, 2, 1, 3), tuple(sides), direction)
    functions = _activations(op, [recurrent_activation, cell_activation, activation])
    states = (initial_h, initial_c)
    if clip is None:
        return _run(g, cell, x, states, output_sequence, functions)
    return _clipped(g, cell, x, states, output_sequence, functions, clip)


def _checked_direction(op: Op, direction: str, allowed: set[str]) -> str:
    if direction not in allowed:
        raise unsupported(str(op), f"direction '{direction}' is not one of {', '.join(sorted(allowed))}")
    return direction


def _activations(op: Op, names: Sequence[str]) -> list[Activation]:
    unknown = [n for n in names if n.lower() not in ACTIVATIONS]
    if unknown:
        raise unsupported(str(op), f"activation '{unknown[0]}' is not one of {', '.join(ACTIVATIONS)}")
    return [ACTIVATIONS[n.lower()] for n in names]


def _run(
    g: Graph, cell: Cell, x: Tensor, states: Sequence[Tensor], output_sequence: bool, functions: Sequence[Activation],
    linear_before_reset: int | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The output (all steps, or the last), and the last states."""
    starts = [_of_batch(g, s, x) for s in states]
    everywhere = [*functions] * len(cell.sides)
    results = fused(g, cell, x, starts, everywhere, linear_before_reset=linear_before_reset)
    return _given(g, cell, results, output_sequence)


def _given(g: Graph, cell: Cell, results: Sequence[Tensor], output_sequence: bool) -> tuple[Tensor, ...]:
    sequence, *last = results
    if not output_sequence:
        return g.op("Unsqueeze", last[0], g.const([0], "int64")), *last
    return backwards(g, sequence) if cell.direction == "reverse" else sequence, *last


def _of_batch(g: Graph, state: Tensor, x: Tensor) -> Tensor:
    """The first rows of ``state``, as many as in the batch: packed sequences are converted with a longer state."""
    if (state.shape or (None,))[0] is not None:
        return state
    batch = g.vector([g.dim(x, 1)])
    return g.op("Slice", state, g.const([0], "int64"), batch, g.const([0], "int64"))


def _clipped(
    g: Graph, cell: Cell, x: Tensor, states: Sequence[Tensor], output_sequence: bool, functions: Sequence[Activation],
    clip: float,
) -> tuple[Tensor, ...]:  # fmt: skip
    """An LSTM with its cell clipped to -clip .. clip: ONNX's if the cell can't reach the limits, else step by step."""
    starts = [_of_batch(g, s, x) for s in states]
    inner, block, _ = (f.kind for f in functions)
    free = inner in GATES and block in BOUNDED and stays_within(g, clip, starts[1], g.dim(x, 0), 1.0)
    everywhere = [*functions] * len(cell.sides)
    results = either(
        g, free, lambda g: fused(g, cell, x, starts, everywhere), lambda g: _steps(g, cell, x, starts, functions, clip)
    )
    return _given(g, cell, results, output_sequence)


def _steps(
    g: Graph, cell: Cell, x: Tensor, states: Sequence[Tensor], functions: Sequence[Activation], clip: float
) -> tuple[Tensor, ...]:
    starts = [g.ops("Split", s, outputs=len(cell.sides), axis=1, num_outputs=len(cell.sides)) for s in states]
    sequences, finals = [], []
    for i, side in enumerate(cell.sides):
        backwards = cell.direction == "reverse" or i == 1
        sequence, final = _side(g, side, x, [s[i] for s in starts], functions, clip, backwards)
        sequences.append(sequence)
        finals.append(final)
    last = [parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1) for parts in zip(*finals, strict=True)]
    return sequences[0] if len(sequences) == 1 else g.op("Concat", *sequences, axis=2), *last


def _side(
    g: Graph, side: Weights, x: Tensor, states: Sequence[Tensor], functions: Sequence[Activation], clip: float,
    backwards: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:  # fmt: skip
    projected = g.op("MatMul", x, g.transpose(side.input, (1, 0)))
    if side.bias is not None:
        projected = g.op("Add", projected, side.bias)
    recurrent = g.transpose(side.recurrent, (1, 0))
    peeps = g.ops("Split", side.peephole, outputs=3, num_outputs=3) if side.peephole else ()
    inner, block, outer = functions

    def step(g: Graph, x: Tensor, before: Sequence[Tensor]) -> Sequence[Tensor]:
        h, c = before
        gates = g.op("Add", x, g.op("MatMul", h, recurrent))
        i, f, o, z = g.ops("Split", gates, outputs=4, axis=-1, num_outputs=4)
        if peeps:
            i, f = (_peeping(g, gate, c, peep) for gate, peep in zip((i, f), peeps[:2], strict=True))
        kept = g.op("Mul", _applied(g, inner, f), c)
        c = g.op("Add", kept, g.op("Mul", _applied(g, inner, i), _applied(g, block, z)))
        c = g.op("Clip", c, g.like(-clip, c), g.like(clip, c))
        if peeps:
            o = _peeping(g, o, c, peeps[2])
        return [g.op("Mul", _applied(g, inner, o), _applied(g, outer, c)), c]

    return scanned(g, projected, states, step, backwards)


def _peeping(g: Graph, gate: Tensor, cell: Tensor, weights: Tensor) -> Tensor:
    return g.op("Add", gate, g.op("Mul", cell, weights))


def _applied(g: Graph, function: Activation, x: Tensor) -> Tensor:
    if function.kind == "Affine":
        return x
    # ScaledTanh is not an ONNX operator; its constants are 1 here.
    return g.op("Tanh", x) if function.kind == "ScaledTanh" else g.op(function.kind, x, **function.constants)
