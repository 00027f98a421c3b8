"""Recurrent networks as ONNX's own RNN, GRU and LSTM operators, which ONNX Runtime runs in one kernel per layer.

Sequences have the axes time, batch, vector; the vectors of two directions are concatenated. ONNX's ``clip`` bounds the
inputs of the gates' activations, never the cell of an LSTM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph import Dim, Graph, Tensor, Tensors
from .branching import common_shape


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation by ONNX's name, with its ``alpha`` and ``beta`` if it has any."""

    kind: str
    constants: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one direction; gates are stacked along axis 0."""

    input: Tensor
    recurrent: Tensor
    bias: Tensor | None = None
    recurrent_bias: Tensor | None = None
    peephole: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One ONNX operator's weights per direction. ``order`` maps ONNX's gates to the gates of the weights.

    Of the peepholes, those of the first three gates are used. ``direction`` is forward, reverse or bidirectional.
    """

    kind: str
    order: tuple[int, ...]
    sides: tuple[Weights, ...]
    direction: str

    @property
    def hidden_size(self) -> int:
        """The length of the state of one direction."""
        size = (self.sides[0].recurrent.shape or ())[1]
        if size is None:
            raise ValueError("the size of the state is unknown")
        return size


def fused(
    g: Graph, cell: Cell, x: Tensor, states: Sequence[Tensor], activations: Sequence[Activation], **attributes: Any
) -> Tensors:
    """The output at every time (time, batch, directions * hidden), and the last states (batch, directions * hidden)."""
    inputs = [_stacked(g, cell, [s.input for s in cell.sides]), _stacked(g, cell, [s.recurrent for s in cell.sides])]
    starts = [_apart(g, cell, s) for s in states]
    peepholes = [_vectors(g, cell, s.peephole, cell.order[:3]) for s in cell.sides]
    extra = [None] * (2 - len(starts)) + [_joined(g, peepholes)] if any(s.peephole for s in cell.sides) else []
    sequence, *finals = g.ops(
        cell.kind, x, *inputs, _biases(g, cell), None, *starts, *extra, outputs=1 + len(states),
        hidden_size=cell.hidden_size, direction=cell.direction, **_functions(activations), **attributes,
    )  # fmt: skip
    by_time = g.transpose(sequence, (0, 2, 1, 3))
    whole = g.reshape(by_time, [g.dim(x, 0), g.dim(x, 1), len(cell.sides) * cell.hidden_size])
    return whole, *(_together(g, cell, f) for f in finals)


def _functions(activations: Sequence[Activation]) -> dict[str, Any]:
    """ONNX's attributes; alphas and betas are listed for the activations that have any, in order."""
    scales = {
        f"activation_{p}": [a.constants[p] for a in activations if p in a.constants] or None for p in ("alpha", "beta")
    }
    return {"activations": [a.kind for a in activations], **scales}


def _stacked(g: Graph, cell: Cell, matrices: Sequence[Tensor]) -> Tensor:
    """The matrices of all directions, (directions, gates * hidden, columns), in ONNX's order of gates."""
    return _joined(g, [_ordered(g, m, cell.order, cell.hidden_size) for m in matrices])


def _ordered(g: Graph, x: Tensor, order: Sequence[int], size: int) -> Tensor:
    if tuple(order) == tuple(range(len(order))):
        return x
    gates = g.ops("Split", x, g.const([size] * len(order), "int64"), outputs=len(order), axis=0)
    return g.op("Concat", *(gates[i] for i in order), axis=0)


def _joined(g: Graph, parts: Sequence[Tensor]) -> Tensor:
    zeroth = g.const([0], "int64")
    rows = [g.op("Unsqueeze", p, zeroth) for p in parts]
    return rows[0] if len(rows) == 1 else g.op("Concat", *rows, axis=0)


def _vectors(g: Graph, cell: Cell, vector: Tensor | None, order: Sequence[int]) -> Tensor:
    """One vector per gate in ONNX's order; zeros if there are none."""
    if vector is None:
        return g.const([0.0] * (len(order) * cell.hidden_size), "float32")
    return _ordered(g, vector, order, cell.hidden_size)


def _biases(g: Graph, cell: Cell) -> Tensor | None:
    """ONNX has one bias for the input and one for the state, concatenated."""
    if all(s.bias is None and s.recurrent_bias is None for s in cell.sides):
        return None
    pairs = [[_vectors(g, cell, b, cell.order) for b in (s.bias, s.recurrent_bias)] for s in cell.sides]
    return _joined(g, [g.op("Concat", *pair, axis=0) for pair in pairs])


def _apart(g: Graph, cell: Cell, state: Tensor) -> Tensor:
    """(batch, directions * hidden) as (directions, batch, hidden)."""
    split = g.reshape(state, [g.dim(state, 0), len(cell.sides), cell.hidden_size])
    return g.transpose(split, (1, 0, 2))


def _together(g: Graph, cell: Cell, state: Tensor) -> Tensor:
    return g.reshape(g.transpose(state, (1, 0, 2)), [g.dim(state, 1), len(cell.sides) * cell.hidden_size])


def stays_within(g: Graph, limit: float, cell: Tensor, steps: Dim, growth: float) -> bool | Tensor:
    """Whether the cell of an LSTM, whose gates are at most 1, can't leave -limit .. limit.

    It grows by at most ``growth`` per step. The result is a truth value of the graph if it depends on what is only
    known while the model runs: the initial state, or the number of steps.
    """
    if isinstance(steps, int) and steps * growth > limit:
        return False
    if isinstance(steps, int) and cell.value is not None:
        return bool(np.abs(cell.value).max(initial=0) + steps * growth <= limit)
    longest = g.cast(g.reshape(g.vector([steps]), []), "float32")
    highest = g.op("ReduceMax", g.op("Abs", cell), keepdims=0)
    reach = g.op("Add", highest, g.op("Mul", longest, g.const(growth, "float32")))
    return g.op("LessOrEqual", reach, g.const(limit, "float32"))


def either(
    g: Graph, condition: bool | Tensor, chosen: Callable[[Graph], Tensors], other: Callable[[Graph], Tensors]
) -> Tensors:
    """The tensors of one of two graphs; an ONNX If when the condition is only known while the model runs."""
    if not isinstance(condition, Tensor):
        return chosen(g) if condition else other(g)
    branches = g.subgraph(), g.subgraph()
    results = [compute(branch) for compute, branch in zip((chosen, other), branches, strict=True)]
    for branch, values in zip(branches, results, strict=True):
        for value in values:
            branch.output(value)
    types = [(a.dtype, common_shape(a.shape, b.shape)) for a, b in zip(*results, strict=True)]
    return g.ops("If", condition, outputs=len(types), types=types, then_branch=branches[0], else_branch=branches[1])
