"""LSTM, GRU and RNN.

Core ML's own operators are used where they compute exactly the same. Everything else (weights that the model computes,
one length per sequence, other activations, clipped gates, a GRU that resets after the product) becomes a loop of time
steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Floats, Operand
from .activations import activations_of
from .network import (
    Direction,
    Tensor,
    affine,
    check_rank,
    directions_of,
    native_weights,
    network_of,
    outputs_of,
    parts,
    recurrent_product,
    reordered,
    step_by_step,
    with_reversal,
)

Strings = tuple[str, ...]


@translates("RNN", since=7, folds=False)
def rnn(
    node: Node, x: Var, w: Operand, r: Operand, b: Operand | None = None, sequence_lens: Operand | None = None,
    initial_h: Var | None = None, *, activation_alpha: Floats = (), activation_beta: Floats = (),
    activations: Strings = (), clip: float | None = None, direction: str, hidden_size: int = 0, layout: int = 0,
) -> tuple[Var, ...]:  # fmt: skip
    """h = activation(W x + b + R h)."""
    check_rank(node, x)
    functions = activations_of(node, activations or ("Tanh",) * 2, activation_alpha, activation_beta)
    directions = directions_of(node, direction, functions, w, r, b)
    network = network_of(x, directions, (initial_h,), sequence_lens, layout, clip)

    def step(own: Direction, projected: Var, states: Sequence[Var]) -> Sequence[Var]:
        gates = mb.add(x=projected, y=recurrent_product(own, states[0]))
        return (network.gate(own.activations[0], gates),)

    return outputs_of(network, with_reversal(_native_rnn) if network.native else step_by_step(network, step))


def _native_rnn(direction: Direction, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
    (activation,) = direction.activations
    sequence, last = mb.rnn(x=x, initial_h=states[0], activation=activation.name, **native_weights(direction, (0,)))
    return sequence, (last,)


@translates("GRU", since=7, folds=False)
def gru(
    node: Node, x: Var, w: Operand, r: Operand, b: Operand | None = None, sequence_lens: Operand | None = None,
    initial_h: Var | None = None, *, activation_alpha: Floats = (), activation_beta: Floats = (),
    activations: Strings = (), clip: float | None = None, direction: str, hidden_size: int = 0, layout: int = 0,
    linear_before_reset: int,
) -> tuple[Var, ...]:  # fmt: skip
    """h = (1 - z) o + z h; the reset gate scales h before or after its product with the weights."""
    check_rank(node, x)
    functions = activations_of(node, activations or ("Sigmoid", "Tanh") * 2, activation_alpha, activation_beta)
    directions = directions_of(node, direction, functions, w, r, b)
    network = network_of(x, directions, (initial_h,), sequence_lens, layout, clip)
    if network.native and not linear_before_reset:
        return outputs_of(network, with_reversal(_native_gru))
    candidate = _reset_after if linear_before_reset else _reset_before

    def step(own: Direction, projected: Var, states: Sequence[Var]) -> Sequence[Var]:
        (h,), (inner, outer) = states, own.activations
        x_zr, x_o = parts(projected, [2 * own.hidden, own.hidden])
        r_zr, r_o = parts(own.recurrent, [2 * own.hidden, own.hidden], axis=0)
        b_zr, b_o = parts(own.recurrent_bias, [2 * own.hidden, own.hidden])
        zr = network.gate(inner, mb.add(x=x_zr, y=affine(h, r_zr, b_zr)))
        z, reset = parts(zr, [own.hidden] * 2)
        o = network.gate(outer, mb.add(x=x_o, y=candidate(h, reset, r_o, b_o)))
        return (mb.add(x=o, y=mb.mul(x=z, y=mb.sub(x=h, y=o))),)

    return outputs_of(network, step_by_step(network, step))


def _reset_after(h: Var, reset: Var, weights: Tensor, bias: Tensor | None) -> Var:
    return mb.mul(x=reset, y=affine(h, weights, bias))


def _reset_before(h: Var, reset: Var, weights: Tensor, bias: Tensor | None) -> Var:
    return affine(mb.mul(x=reset, y=h), weights, bias)


def _native_gru(direction: Direction, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
    inner, outer = (a.name for a in direction.activations)
    weights = native_weights(direction, (1, 2, 0))
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
    check_rank(node, x)
    functions = activations_of(node, activations or ("Sigmoid", "Tanh", "Tanh") * 2, activation_alpha, activation_beta)
    directions = directions_of(node, direction, functions, w, r, b, p)
    network = network_of(x, directions, (initial_h, initial_c), sequence_lens, layout, clip)
    if network.native and not input_forget:
        return outputs_of(network, with_reversal(_native_lstm))

    def step(own: Direction, projected: Var, states: Sequence[Var]) -> Sequence[Var]:
        (h, c), (inner, block, outer) = states, own.activations
        gates = mb.add(x=projected, y=recurrent_product(own, h))
        i, o, f, z = parts(gates, [own.hidden] * 4)
        peep_i, peep_o, peep_f = parts(own.peephole, [own.hidden] * 3)
        i = network.gate(inner, _with_peephole(i, c, peep_i))
        f = mb.sub(x=1.0, y=i) if input_forget else network.gate(inner, _with_peephole(f, c, peep_f))
        c = mb.add(x=mb.mul(x=f, y=c), y=mb.mul(x=i, y=network.gate(block, z)))
        o = network.gate(inner, _with_peephole(o, c, peep_o))
        return mb.mul(x=o, y=outer(c)), c

    return outputs_of(network, step_by_step(network, step))


def _with_peephole(gate: Var, cell: Var, weights: Tensor | None) -> Var:
    return gate if weights is None else mb.add(x=gate, y=mb.mul(x=cell, y=weights))


def _native_lstm(direction: Direction, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
    inner, block, outer = (a.name for a in direction.activations)
    weights = native_weights(direction, (0, 2, 1, 3))
    if direction.peephole is not None:
        weights["peephole"] = reordered(direction.peephole, (0, 2, 1), direction.hidden)
    sequence, *last = mb.lstm(
        x=x, initial_h=states[0], initial_c=states[1], recurrent_activation=inner, cell_activation=block,
        activation=outer, **weights,
    )  # fmt: skip
    return sequence, last
