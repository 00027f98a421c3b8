"""LSTM, GRU and RNN.

Core ML's own operators are used where they say exactly the same. All else (weights that the model computes, lengths per
sequence, other activations, clipped gates, a GRU that resets after the product) is a loop of time steps. Sequences have
the axes time, batch, vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..branches import ImpossibleError
from ..gate_functions import NATIVE, Activation, activations_of
from ..loops import Loop, from_end, written_out
from ..mil import Var, is_symbolic, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Floats, Operand, narrowed

SHORT = 4
"""Sequences up to this length are written out, step by step."""

Strings = tuple[str, ...]
Tensor: TypeAlias = Var | Array
Step = Callable[["_Side", Var, Sequence[Var]], Sequence[Var]]
"""(direction, products of the input at one time, states before) -> states after; the first is also the output."""

Run = Callable[["_Side", Var, Sequence[Var]], tuple[Var, Sequence[Var]]]
"""(direction, x, first states) -> (the first state at every time, the last states)."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One direction: weights (gates * hidden, columns), biases, peepholes, and whether it starts at the end."""

    input: Tensor
    recurrent: Tensor
    input_bias: Tensor | None
    recurrent_bias: Tensor | None
    peephole: Tensor | None
    activations: tuple[Activation, ...]
    backwards: bool

    @property
    def native(self) -> bool:
        """Whether Core ML's own operator can hold it: constant weights and its own activations."""
        tensors = (self.input, self.recurrent, self.input_bias, self.recurrent_bias, self.peephole)
        constant = all(t is None or isinstance(t, np.ndarray) for t in tensors)
        return constant and all(a.name in NATIVE for a in self.activations)

    @property
    def hidden(self) -> int:
        """The length of the state."""
        return int(self.recurrent.shape[1])


@dataclass(frozen=True, slots=True)
class _Network:
    """An operator, its inputs sorted: ``x`` (time, batch, vector), ``states`` (directions, batch, hidden)."""

    x: Var
    sides: tuple[_Side, ...]
    states: tuple[Var, ...]
    lengths: Var | None
    clip: float | None
    batch_first: bool

    @property
    def native(self) -> bool:
        """Whether Core ML's own operators will do."""
        return self.lengths is None and self.clip is None and all(side.native for side in self.sides)

    def gate(self, activation: Activation, x: Var) -> Var:
        """An activation of a gate, whose input ``clip`` bounds. (ONNX Runtime doesn't bound the cell's way out.)"""
        return activation(x if self.clip is None else mb.clip(x=x, alpha=-self.clip, beta=self.clip))


@translates("RNN", since=7, folds=False)
def rnn(
    node: Node, x: Var, w: Operand, r: Operand, b: Operand | None = None, sequence_lens: Operand | None = None,
    initial_h: Var | None = None, *, activation_alpha: Floats = (), activation_beta: Floats = (),
    activations: Strings = (), clip: float | None = None, direction: str, hidden_size: int = 0, layout: int = 0,
) -> tuple[Var, ...]:  # fmt: skip
    """h = activation(W x + b + R h)."""
    _check_rank(node, x)
    functions = activations_of(node, activations or ("Tanh",) * 2, activation_alpha, activation_beta)
    sides = _sides(node, direction, functions, w, r, b)
    network = _network(x, sides, (initial_h,), sequence_lens, layout, clip)

    def step(side: _Side, projected: Var, states: Sequence[Var]) -> Sequence[Var]:
        gates = mb.add(x=projected, y=_recurrent(side, states[0]))
        return (network.gate(side.activations[0], gates),)

    return _outputs(network, _forwards(_native_rnn) if network.native else _looped(network, step))


def _native_rnn(side: _Side, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
    (activation,) = side.activations
    sequence, last = mb.rnn(x=x, initial_h=states[0], activation=activation.name, **_weights(side, (0,)))
    return sequence, (last,)


@translates("GRU", since=7, folds=False)
def gru(
    node: Node, x: Var, w: Operand, r: Operand, b: Operand | None = None, sequence_lens: Operand | None = None,
    initial_h: Var | None = None, *, activation_alpha: Floats = (), activation_beta: Floats = (),
    activations: Strings = (), clip: float | None = None, direction: str, hidden_size: int = 0, layout: int = 0,
    linear_before_reset: int,
) -> tuple[Var, ...]:  # fmt: skip
    """h = (1 - z) o + z h; the reset gate weighs h before its product with the weights, or that product."""
    _check_rank(node, x)
    functions = activations_of(node, activations or ("Sigmoid", "Tanh") * 2, activation_alpha, activation_beta)
    sides = _sides(node, direction, functions, w, r, b)
    network = _network(x, sides, (initial_h,), sequence_lens, layout, clip)
    if network.native and not linear_before_reset:
        return _outputs(network, _forwards(_native_gru))
    candidate = _reset_after if linear_before_reset else _reset_before

    def step(side: _Side, projected: Var, states: Sequence[Var]) -> Sequence[Var]:
        (h,), (inner, outer) = states, side.activations
        x_zr, x_o = _parts(projected, [2 * side.hidden, side.hidden])
        r_zr, r_o = _parts(side.recurrent, [2 * side.hidden, side.hidden], axis=0)
        b_zr, b_o = _parts(side.recurrent_bias, [2 * side.hidden, side.hidden])
        zr = network.gate(inner, mb.add(x=x_zr, y=_affine(h, r_zr, b_zr)))
        z, reset = _parts(zr, [side.hidden] * 2)
        o = network.gate(outer, mb.add(x=x_o, y=candidate(h, reset, r_o, b_o)))
        return (mb.add(x=o, y=mb.mul(x=z, y=mb.sub(x=h, y=o))),)

    return _outputs(network, _looped(network, step))


def _reset_after(h: Var, reset: Var, weights: Tensor, bias: Tensor | None) -> Var:
    return mb.mul(x=reset, y=_affine(h, weights, bias))


def _reset_before(h: Var, reset: Var, weights: Tensor, bias: Tensor | None) -> Var:
    return _affine(mb.mul(x=reset, y=h), weights, bias)


def _native_gru(side: _Side, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
    inner, outer = (a.name for a in side.activations)
    weights = _weights(side, (1, 2, 0))
    sequence, last = mb.gru(x=x, initial_h=states[0], recurrent_activation=inner, activation=outer, **weights)
    return sequence, (last,)


@translates("LSTM", since=7, folds=False)
def lstm(
    node: Node, x: Var, w: Operand, r: Operand, b: Operand | None = None, sequence_lens: Operand | None = None,
    initial_h: Var | None = None, initial_c: Var | None = None, p: Operand | None = None, *,
    activation_alpha: Floats = (), activation_beta: Floats = (), activations: Strings = (),
    clip: float | None = None, direction: str, hidden_size: int = 0, input_forget: int, layout: int = 0,
) -> tuple[Var, ...]:  # fmt: skip
    """c = f c + i z, h = o activation(c), with gates i, o, f; ``input_forget`` makes f = 1 - i."""
    _check_rank(node, x)
    functions = activations_of(node, activations or ("Sigmoid", "Tanh", "Tanh") * 2, activation_alpha, activation_beta)
    sides = _sides(node, direction, functions, w, r, b, p)
    network = _network(x, sides, (initial_h, initial_c), sequence_lens, layout, clip)
    if network.native and not input_forget:
        return _outputs(network, _forwards(_native_lstm))

    def step(side: _Side, projected: Var, states: Sequence[Var]) -> Sequence[Var]:
        (h, c), (inner, block, outer) = states, side.activations
        gates = mb.add(x=projected, y=_recurrent(side, h))
        i, o, f, z = _parts(gates, [side.hidden] * 4)
        peep_i, peep_o, peep_f = _parts(side.peephole, [side.hidden] * 3)
        i = network.gate(inner, _peeping(i, c, peep_i))
        f = mb.sub(x=1.0, y=i) if input_forget else network.gate(inner, _peeping(f, c, peep_f))
        c = mb.add(x=mb.mul(x=f, y=c), y=mb.mul(x=i, y=network.gate(block, z)))
        o = network.gate(inner, _peeping(o, c, peep_o))
        return mb.mul(x=o, y=outer(c)), c

    return _outputs(network, _looped(network, step))


def _peeping(gate: Var, cell: Var, weights: Tensor | None) -> Var:
    return gate if weights is None else mb.add(x=gate, y=mb.mul(x=cell, y=weights))


def _native_lstm(side: _Side, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
    inner, block, outer = (a.name for a in side.activations)
    weights = _weights(side, (0, 2, 1, 3))
    if side.peephole is not None:
        weights["peephole"] = _ordered(side.peephole, (0, 2, 1), side.hidden)
    sequence, *last = mb.lstm(
        x=x, initial_h=states[0], initial_c=states[1], recurrent_activation=inner, cell_activation=block,
        activation=outer, **weights,
    )  # fmt: skip
    return sequence, last


def _check_rank(node: Node, x: Var) -> None:
    if x.rank != 3:
        raise ImpossibleError(node.unsupported(f"its sequences have {x.rank} axes instead of 3"))


def _sides(
    node: Node, direction: str, functions: Sequence[Activation], w: Operand, r: Operand, b: Operand | None,
    p: Operand | None = None,
) -> tuple[_Side, ...]:  # fmt: skip
    ways = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
    if direction not in ways:
        raise node.unsupported(f"its direction '{direction}' is not one of {', '.join(ways)}")
    each = {"RNN": 1, "GRU": 2, "LSTM": 3}[node.type]
    sides = []
    for i, backwards in enumerate(ways[direction]):
        weights, recurrent = _of_side(w, i), _of_side(r, i)
        bias, recurrent_bias = (None, None) if b is None else _parts(_of_side(b, i), [recurrent.shape[0]] * 2)
        own = tuple(functions[i * each : (i + 1) * each])
        sides.append(
            _Side(weights, recurrent, bias, recurrent_bias, None if p is None else _of_side(p, i), own, backwards)
        )
    return tuple(sides)


def _of_side(value: Operand, side: int) -> Tensor:
    if isinstance(value.content, np.ndarray):
        return narrowed(value.content[side])
    return mb.gather(x=value.content, indices=side, axis=0)


def _network(
    x: Var, sides: tuple[_Side, ...], initial: Sequence[Var | None], lengths: Operand | None, layout: int,
    clip: float | None,
) -> _Network:  # fmt: skip
    if layout:
        x = mb.transpose(x=x, perm=[1, 0, 2])
        initial = [state if state is None else mb.transpose(x=state, perm=[1, 0, 2]) for state in initial]
    zeros = _zeros(x, len(sides), sides[0].hidden)
    states = tuple(zeros if state is None else state for state in initial)
    return _Network(x, sides, states, _lengths(lengths, x), clip, bool(layout))


def _zeros(x: Var, directions: int, hidden: int) -> Var:
    batch = x.shape[1]
    if not is_symbolic(batch):
        return mb.const(val=np.zeros((directions, batch, hidden), np.float32))
    length = mb.slice_by_index(x=mb.shape(x=x), begin=[1], end=[2])
    return mb.fill(shape=mb.concat(values=[[directions], length, [hidden]], axis=0), value=0.0)


def _lengths(lengths: Operand | None, x: Var) -> Var | None:
    """The length of each sequence, unless all are full."""
    if lengths is None or not isinstance(lengths.content, np.ndarray):
        return None if lengths is None else lengths.content
    return None if bool(np.all(lengths.content == x.shape[0])) else mb.const(val=narrowed(lengths.content))


def _outputs(network: _Network, run: Run) -> tuple[Var, ...]:
    """All outputs of all directions, in ONNX' order of axes."""
    sequences, lasts = [], []
    for i, side in enumerate(network.sides):
        sequence, last = run(side, network.x, [mb.gather(x=state, indices=i, axis=0) for state in network.states])
        sequences.append(sequence)
        lasts.append(last)
    y = mb.stack(values=sequences, axis=1)
    axis = 1 if network.batch_first else 0
    stacked = [mb.stack(values=list(states), axis=axis) for states in zip(*lasts, strict=True)]
    return mb.transpose(x=y, perm=[2, 0, 1, 3]) if network.batch_first else y, *stacked


def _forwards(run: Run) -> Run:
    """Sequences are turned around here: Apple's documents don't say in which order a reversed one comes out."""

    def turned(side: _Side, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
        if not side.backwards:
            return run(side, x, states)
        sequence, last = run(side, mb.reverse(x=x, axes=[0]), states)
        return mb.reverse(x=sequence, axes=[0]), last

    return turned


def _weights(side: _Side, order: Sequence[int]) -> dict[str, Any]:
    """Constant weights as Core ML's operators want them, with the gates in its order."""
    weights = {
        "weight_ih": _ordered(side.input, order, side.hidden),
        "weight_hh": _ordered(side.recurrent, order, side.hidden),
        "output_sequence": True,
    }
    if side.input_bias is not None:
        weights["bias"] = _ordered(side.input_bias + side.recurrent_bias, order, side.hidden)
    return weights


def _ordered(tensor: Any, order: Sequence[int], hidden: int) -> Array:
    return np.concatenate([tensor[i * hidden : (i + 1) * hidden] for i in order])


def _looped(network: _Network, step: Step) -> Run:
    """Step by step; sequences that are over keep their states, and give zeros."""

    def run(side: _Side, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
        projected = _affine(x, side.input, side.input_bias)
        length = _length(x)

        def body(index: Var, go_on: Var, before: Sequence[Var]) -> tuple[Var, Sequence[Var], Sequence[Var]]:
            place = from_end(length, index) if side.backwards else index
            after = step(side, mb.gather(x=projected, indices=place, axis=0), before)
            if network.lengths is None:
                return go_on, after, after[:1]
            running = mb.expand_dims(x=mb.less(x=place, y=network.lengths), axes=[1])
            kept = [mb.select(cond=running, a=new, b=old) for new, old in zip(after, before, strict=True)]
            return go_on, kept, [mb.select(cond=running, a=after[0], b=mb.mul(x=after[0], y=0.0))]

        if isinstance(length, int) and length <= SHORT:
            last, (sequence,) = written_out(length, body, states)
            return mb.reverse(x=sequence, axes=[0]) if side.backwards else sequence, last
        turned = frozenset([0]) if side.backwards else frozenset()
        last, (sequence,) = Loop(length, body, turned).run(mb.const(val=True), states)
        return sequence, last

    return run


def _length(x: Var) -> Var | int:
    length = x.shape[0]
    return mb.gather(x=mb.shape(x=x), indices=0, axis=0) if is_symbolic(length) else int(length)


def _recurrent(side: _Side, h: Var) -> Var:
    return _affine(h, side.recurrent, side.recurrent_bias)


def _affine(x: Var, weights: Tensor, bias: Tensor | None) -> Var:
    product = mb.matmul(x=x, y=weights, transpose_y=True)
    return product if bias is None else mb.add(x=product, y=bias)


def _parts(tensor: Tensor | None, sizes: Sequence[int], axis: int = -1) -> Sequence[Any]:
    """A tensor cut along an axis; nothing as often where there is none."""
    if tensor is None:
        return [None] * len(sizes)
    if isinstance(tensor, np.ndarray):
        return np.split(tensor, np.cumsum(sizes)[:-1], axis)
    return tuple(mb.split(x=tensor, split_sizes=list(sizes), axis=axis))
