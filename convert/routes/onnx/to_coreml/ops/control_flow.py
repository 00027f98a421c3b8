"""If, Loop and Scan. A branch with a known condition is selected, a short loop of known length is unrolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from ..branches import both
from ..common import Length, countable, length, scalar, transpose
from ..loops import INT32_MAX, Loop, from_end
from ..mil import Var, mb, types
from ..node import Node
from ..registry import translates
from ..values import Ints, Operand, cast_name, variable

UNROLLED = 128
"""Maximum number of nodes of an unrolled loop."""

Iteration = Callable[[Operand, Operand, Sequence[Operand]], tuple[Operand, list[Operand], list[Operand]]]
"""A loop's body: (index, condition, carried values) -> (condition, carried values, values to stack)."""


@translates("If", folds=False)
def if_(node: Node, cond: Operand, *, then_branch: onnx.GraphProto, else_branch: onnx.GraphProto) -> Sequence[Operand]:
    """The results of one of two graphs."""
    if isinstance(cond.content, np.ndarray):
        return node.subgraph(then_branch if cond.content.item() else else_branch, [])
    if isinstance(node.decision, bool):
        return node.subgraph(then_branch if node.decision else else_branch, [], "then" if node.decision else "else")
    return both(
        node.path,
        cond,
        (lambda: node.subgraph(then_branch, [], "then"), lambda: node.subgraph(else_branch, [], "else")),
        node.unsupported,
    )


def _tensor(node: Node, value: Operand) -> Var:
    if value.content is None or isinstance(value.content, tuple):
        raise node.unsupported("sequences and optionals can't be results of a conditional graph")
    return variable(value)


@translates("Loop", folds=False)
def loop(
    node: Node, trip_count: Operand | None = None, cond: Operand | None = None, *initial: Operand, body: onnx.GraphProto
) -> list[Operand]:
    """The body, at most ``trip_count`` times while its condition is true; carried values, then stacked ones."""

    def step(
        index: Operand, go_on: Operand, carried: Sequence[Operand]
    ) -> tuple[Operand, list[Operand], list[Operand]]:
        goes_on, *results = node.subgraph(body, [index, go_on, *carried])
        return goes_on, results[: len(initial)], results[len(initial) :]

    start = cond or Operand(np.array(True), np.dtype(bool))
    carried, stacked = _repeated(node, _count(trip_count), step, start, initial, body)
    return [*carried, *stacked]


def _count(trip_count: Operand | None) -> Var | int:
    if trip_count is None:
        return INT32_MAX
    if isinstance(trip_count.content, np.ndarray):
        return min(int(trip_count.content.item()), INT32_MAX)
    return scalar(variable(trip_count))


@translates("Scan", since=9, folds=False)
def scan(
    node: Node, *inputs: Operand, body: onnx.GraphProto, num_scan_inputs: int, scan_input_axes: Ints = (),
    scan_input_directions: Ints = (), scan_output_axes: Ints = (), scan_output_directions: Ints = (),
) -> list[Operand]:  # fmt: skip
    """The body for each position along an axis of the scanned inputs; states, then stacked values."""
    states, scanned = inputs[: len(inputs) - num_scan_inputs], inputs[len(inputs) - num_scan_inputs :]
    variables = [variable(value) for value in scanned]
    axes = [axis % x.rank for axis, x in zip(scan_input_axes or [0] * len(scanned), variables, strict=True)]
    count = _scalar_length(length(variables[0], axes[0]))
    directions = scan_input_directions or [0] * len(scanned)

    def step(
        index: Operand, go_on: Operand, carried: Sequence[Operand]
    ) -> tuple[Operand, list[Operand], list[Operand]]:
        i = variable(index)
        positions = [from_end(count, i) if reverse else i for reverse in directions]
        elements = [
            Operand(_element(x, position, axis), value.dtype)
            for x, position, axis, value in zip(variables, positions, axes, scanned, strict=True)
        ]
        results = node.subgraph(body, [*carried, *elements])
        return go_on, results[: len(states)], results[len(states) :]

    backwards = frozenset(i for i, direction in enumerate(scan_output_directions) if direction)
    start = Operand(np.array(True), np.dtype(bool))
    carried, stacked = _repeated(node, count, step, start, states, body, backwards)
    moved = [_moved(v, axis) for v, axis in zip(stacked, scan_output_axes or [0] * len(stacked), strict=True)]
    return [*carried, *moved]


def _scalar_length(count: Length) -> Var | int:
    return count if isinstance(count, int) else scalar(count)


def _element(x: Var, position: Var, axis: int) -> Var:
    element = mb.gather(x=countable(x), indices=position, axis=axis)
    return mb.cast(x=element, dtype="bool") if x.dtype == types.bool else element


def _moved(value: Operand, axis: int) -> Operand:
    """The first axis moved to ``axis``."""
    x = variable(value)
    order = list(range(1, x.rank))
    order.insert(axis % x.rank, 0)
    return Operand(transpose(x, order), value.dtype)


def _repeated(
    node: Node, count: Var | int, step: Iteration, start: Operand, initial: Sequence[Operand], body: onnx.GraphProto,
    backwards: frozenset[int] = frozenset(),
) -> tuple[list[Operand], list[Operand]]:  # fmt: skip
    tensors = all(not isinstance(value.content, tuple) and value.content is not None for value in initial)
    if isinstance(count, int) and start.known and (count * len(body.node) <= UNROLLED or not tensors):
        done = _unrolled(count, step, start, initial, backwards)
        if done is not None:
            return done
    if not tensors:
        raise node.needs_lengths("a loop of unknown length can't carry sequences or optionals")
    return _looped(node, count, step, start, initial, backwards)


def _unrolled(
    count: int, step: Iteration, go_on: Operand, initial: Sequence[Operand], backwards: frozenset[int]
) -> tuple[list[Operand], list[Operand]] | None:
    """All iterations one after the other; None if their number is computed by the model, or is 0."""
    carried, rows = list(initial), []
    for index in range(count):
        if not isinstance(go_on.content, np.ndarray):
            return None
        if not go_on.content.item():
            break
        go_on, carried, row = step(Operand(np.array(index), np.dtype("int64")), go_on, carried)
        rows.append(row)
    if not rows:
        return None
    columns = list(zip(*rows, strict=True))
    return carried, [_stacked(column[::-1] if i in backwards else column) for i, column in enumerate(columns)]


def _stacked(column: Sequence[Operand]) -> Operand:
    if all(value.known for value in column):
        return Operand(np.stack([value.content for value in column]), column[0].dtype)
    rows = [mb.expand_dims(x=countable(variable(value)), axes=[0]) for value in column]
    return Operand(mb.cast(x=mb.concat(values=rows, axis=0), dtype=cast_name(column[0].dtype)), column[0].dtype)


def _looped(
    node: Node, count: Var | int, step: Iteration, start: Operand, initial: Sequence[Operand], backwards: frozenset[int]
) -> tuple[list[Operand], list[Operand]]:
    dtypes = [value.dtype for value in initial]
    stacked: list[np.dtype[np.generic]] = []

    def body(index: Var, go_on: Var, carried: Sequence[Var]) -> tuple[Var, Sequence[Var], Sequence[Var]]:
        values = [Operand(var, dtype) for var, dtype in zip(carried, dtypes, strict=True)]
        goes_on, after, rows = step(Operand(index, np.dtype("int64")), Operand(go_on, np.dtype(bool)), values)
        stacked[:] = [row.dtype for row in rows]
        carried_on = [_tensor(node, value) for value in after]
        return scalar(variable(goes_on)), carried_on, [_tensor(node, row) for row in rows]

    carried, stacks = Loop(count, body, backwards).run(scalar(variable(start)), [variable(v) for v in initial])
    return [Operand(v, d) for v, d in zip(carried, dtypes, strict=True)], [
        Operand(v, d) for v, d in zip(stacks, stacked, strict=True)
    ]
