"""What the recurrent operators share: their inputs sorted by direction, native operators, and loops of time steps.

Sequences have the axes time, batch, vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ...branches import ImpossibleError
from ...loops import Loop, from_end, unrolled
from ...mil import Var, is_symbolic, mb
from ...node import Node
from ...values import Array, Operand, narrowed
from .activations import NATIVE, Activation

SHORT = 4
"""Sequences up to this length are unrolled."""

Tensor: TypeAlias = Var | Array
Step = Callable[["Direction", Var, Sequence[Var]], Sequence[Var]]
"""(direction, projected input at one time step, states before) -> states after; the first is also the output."""

Run = Callable[["Direction", Var, Sequence[Var]], tuple[Var, Sequence[Var]]]
"""(direction, x, first states) -> (the first state at every time step, the last states)."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction: weights (gates * hidden, columns), biases, peepholes, and whether it runs from end to start."""

    input: Tensor
    recurrent: Tensor
    input_bias: Tensor | None
    recurrent_bias: Tensor | None
    peephole: Tensor | None
    activations: tuple[Activation, ...]
    backwards: bool

    @property
    def native(self) -> bool:
        """Whether Core ML's own operator can express it: constant weights, and activations that Core ML has."""
        tensors = (self.input, self.recurrent, self.input_bias, self.recurrent_bias, self.peephole)
        constant = all(t is None or isinstance(t, np.ndarray) for t in tensors)
        return constant and all(a.name in NATIVE for a in self.activations)

    @property
    def hidden(self) -> int:
        """The length of the state."""
        return int(self.recurrent.shape[1])


@dataclass(frozen=True, slots=True)
class Network:
    """An operator with its inputs sorted: ``x`` (time, batch, vector), ``states`` (directions, batch, hidden)."""

    x: Var
    directions: tuple[Direction, ...]
    states: tuple[Var, ...]
    lengths: Var | None
    clip: float | None
    batch_first: bool

    @property
    def native(self) -> bool:
        """Whether Core ML's own operators can be used."""
        return self.lengths is None and self.clip is None and all(direction.native for direction in self.directions)

    def gate(self, activation: Activation, x: Var) -> Var:
        """A gate's activation; ``clip`` bounds its input. (ONNX Runtime doesn't clip the cell's output activation.)"""
        return activation(x if self.clip is None else mb.clip(x=x, alpha=-self.clip, beta=self.clip))


def check_rank(node: Node, x: Var) -> None:
    """Raises ImpossibleError unless the sequences have three axes."""
    if x.rank != 3:
        raise ImpossibleError(node.unsupported(f"its sequences have {x.rank} axes instead of 3"))


def directions_of(
    node: Node, direction: str, functions: Sequence[Activation], w: Operand, r: Operand, b: Operand | None,
    p: Operand | None = None,
) -> tuple[Direction, ...]:  # fmt: skip
    """The weights of each direction, split and narrowed. Raises PG404 for an unknown ``direction``."""
    known = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
    if direction not in known:
        raise node.unsupported(f"its direction '{direction}' is not one of {', '.join(known)}")
    each = {"RNN": 1, "GRU": 2, "LSTM": 3}[node.type]
    directions = []
    for i, backwards in enumerate(known[direction]):
        weights, recurrent = _of_direction(w, i), _of_direction(r, i)
        bias, recurrent_bias = (None, None) if b is None else parts(_of_direction(b, i), [recurrent.shape[0]] * 2)
        own = tuple(functions[i * each : (i + 1) * each])
        directions.append(
            Direction(
                weights, recurrent, bias, recurrent_bias, None if p is None else _of_direction(p, i), own, backwards
            )
        )
    return tuple(directions)


def _of_direction(value: Operand, direction: int) -> Tensor:
    if isinstance(value.content, np.ndarray):
        return narrowed(value.content[direction])
    return mb.gather(x=value.content, indices=direction, axis=0)


def network_of(
    x: Var, directions: tuple[Direction, ...], initial: Sequence[Var | None], lengths: Operand | None, layout: int,
    clip: float | None,
) -> Network:  # fmt: skip
    """The network with time as its first axis; states without an initial value are zeros."""
    if layout:
        x = mb.transpose(x=x, perm=[1, 0, 2])
        initial = [state if state is None else mb.transpose(x=state, perm=[1, 0, 2]) for state in initial]
    zeros = _zeros(x, len(directions), directions[0].hidden)
    states = tuple(zeros if state is None else state for state in initial)
    return Network(x, directions, states, _lengths(lengths, x), clip, bool(layout))


def _zeros(x: Var, directions: int, hidden: int) -> Var:
    batch = x.shape[1]
    if not is_symbolic(batch):
        return mb.const(val=np.zeros((directions, batch, hidden), np.float32))
    length = mb.slice_by_index(x=mb.shape(x=x), begin=[1], end=[2])
    return mb.fill(shape=mb.concat(values=[[directions], length, [hidden]], axis=0), value=0.0)


def _lengths(lengths: Operand | None, x: Var) -> Var | None:
    """The length of each sequence; None when all have the full length."""
    if lengths is None or not isinstance(lengths.content, np.ndarray):
        return None if lengths is None else lengths.content
    return None if bool(np.all(lengths.content == x.shape[0])) else mb.const(val=narrowed(lengths.content))


def outputs_of(network: Network, run: Run) -> tuple[Var, ...]:
    """All outputs of all directions, with their axes in ONNX' order."""
    sequences, lasts = [], []
    for i, direction in enumerate(network.directions):
        sequence, last = run(direction, network.x, [mb.gather(x=state, indices=i, axis=0) for state in network.states])
        sequences.append(sequence)
        lasts.append(last)
    y = mb.stack(values=sequences, axis=1)
    axis = 1 if network.batch_first else 0
    stacked = [mb.stack(values=list(states), axis=axis) for states in zip(*lasts, strict=True)]
    return mb.transpose(x=y, perm=[2, 0, 1, 3]) if network.batch_first else y, *stacked


def with_reversal(run: Run) -> Run:
    """``run`` with reversed sequences reversed here: Apple's documents don't define the order of Core ML's outputs."""

    def reversed_run(direction: Direction, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
        if not direction.backwards:
            return run(direction, x, states)
        sequence, last = run(direction, mb.reverse(x=x, axes=[0]), states)
        return mb.reverse(x=sequence, axes=[0]), last

    return reversed_run


def native_weights(direction: Direction, order: Sequence[int]) -> dict[str, Any]:
    """Constant weights as Core ML's operators take them, with the gates in Core ML's order."""
    weights = {
        "weight_ih": reordered(direction.input, order, direction.hidden),
        "weight_hh": reordered(direction.recurrent, order, direction.hidden),
        "output_sequence": True,
    }
    if direction.input_bias is not None:
        weights["bias"] = reordered(direction.input_bias + direction.recurrent_bias, order, direction.hidden)
    return weights


def reordered(tensor: Any, order: Sequence[int], hidden: int) -> Array:
    """The gates of ``tensor`` (gates * hidden, ...) in another order."""
    return np.concatenate([tensor[i * hidden : (i + 1) * hidden] for i in order])


def step_by_step(network: Network, step: Step) -> Run:
    """A loop of time steps; sequences that have ended keep their states and output zeros."""

    def run(direction: Direction, x: Var, states: Sequence[Var]) -> tuple[Var, Sequence[Var]]:
        projected = affine(x, direction.input, direction.input_bias)
        length = _length(x)

        def body(index: Var, go_on: Var, before: Sequence[Var]) -> tuple[Var, Sequence[Var], Sequence[Var]]:
            position = from_end(length, index) if direction.backwards else index
            after = step(direction, mb.gather(x=projected, indices=position, axis=0), before)
            if network.lengths is None:
                return go_on, after, after[:1]
            running = mb.expand_dims(x=mb.less(x=position, y=network.lengths), axes=[1])
            kept = [mb.select(cond=running, a=new, b=old) for new, old in zip(after, before, strict=True)]
            return go_on, kept, [mb.select(cond=running, a=after[0], b=mb.mul(x=after[0], y=0.0))]

        if isinstance(length, int) and length <= SHORT:
            last, (sequence,) = unrolled(length, body, states)
            return mb.reverse(x=sequence, axes=[0]) if direction.backwards else sequence, last
        reverse = frozenset([0]) if direction.backwards else frozenset()
        last, (sequence,) = Loop(length, body, reverse).run(mb.const(val=True), states)
        return sequence, last

    return run


def _length(x: Var) -> Var | int:
    length = x.shape[0]
    return mb.gather(x=mb.shape(x=x), indices=0, axis=0) if is_symbolic(length) else int(length)


def recurrent_product(direction: Direction, h: Var) -> Var:
    """R h + its bias."""
    return affine(h, direction.recurrent, direction.recurrent_bias)


def affine(x: Var, weights: Tensor, bias: Tensor | None) -> Var:
    """x * transpose(weights) + bias."""
    product = mb.matmul(x=x, y=weights, transpose_y=True)
    return product if bias is None else mb.add(x=product, y=bias)


def parts(tensor: Tensor | None, sizes: Sequence[int], axis: int = -1) -> Sequence[Any]:
    """A tensor split along an axis; as many times None when there is no tensor."""
    if tensor is None:
        return [None] * len(sizes)
    if isinstance(tensor, np.ndarray):
        return np.split(tensor, np.cumsum(sizes)[:-1], axis)
    return tuple(mb.split(x=tensor, split_sizes=list(sizes), axis=axis))
