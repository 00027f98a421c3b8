"""Loops: a repeated body with carried values, and values of each iteration that are stacked.

Stacked values go through a MIL list, the only MIL value that can grow. A short loop of known length can be unrolled
instead: Core ML runs loops on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from coremltools.converters.mil.mil import get_new_symbol
from coremltools.converters.mil.mil.block import curr_block

from .mil import Var, is_symbolic, mb, types

INT32_MAX = np.iinfo(np.int32).max

Body = Callable[[Var, Var, Sequence[Var]], tuple[Var, Sequence[Var], Sequence[Var]]]
"""(iteration, condition, carried values) -> (condition, carried values, values to stack)."""


@dataclass(frozen=True, slots=True)
class Loop:
    """``count`` is the maximum number of iterations. ``backwards`` are the stacks that are filled from their end."""

    count: Var | int
    body: Body
    backwards: frozenset[int] = frozenset()

    def run(self, start: Var, carried: Sequence[Var]) -> tuple[list[Var], list[Var]]:
        """The carried values after the last iteration, and the stacks along a new first axis."""
        variables, elements = self._types([opaque(v) for v in (mb.const(val=np.int32(0)), start, *carried)])
        lists = [self._list(element) for element in elements]
        inner = len(variables)

        def step(*state: Var) -> list[Var]:
            after, rows = self._iterate(state[:inner])
            written = [
                mb.list_write(ls=ls, index=self._position(i, state[0]), value=_listable(row))
                for i, (ls, row) in enumerate(zip(state[inner:], rows, strict=True))
            ]
            return [*after, *written]

        count, _, *results = mb.while_loop(_cond=self._goes_on, _body=step, loop_vars=(*variables, *lists))
        stacks = [_stacked(ls, count, e) for ls, e in zip(results[inner - 2 :], elements, strict=True)]
        return results[: inner - 2], stacks

    def _iterate(self, state: Sequence[Var]) -> tuple[list[Var], Sequence[Var]]:
        """(index, condition, carried values) after one iteration, and the values to stack."""
        goes_on, after, rows = self.body(state[0], state[1], state[2:])
        return [opaque(v) for v in (mb.add(x=state[0], y=1), goes_on, *after)], rows

    def _goes_on(self, index: Var, go_on: Var, *_: Var) -> Var:
        return mb.logical_and(x=mb.less(x=index, y=self.count), y=go_on)

    def _position(self, stack: int, index: Var) -> Var:
        return from_end(self.count, index) if stack in self.backwards else index

    def _types(self, variables: list[Var]) -> tuple[list[Var], Sequence[Var]]:
        """The variables, with symbolic lengths where an iteration changes them, and the values that it stacks.

        Determined by a trial: a list needs its elements' type before the loop that fills it is built, and coremltools
        itself follows only one change of shape, not a change that causes another.
        """
        found: list[tuple[list[Var], Sequence[Var]]] = []

        def step(*state: Var) -> list[Var]:
            found.append(self._iterate(state))
            return [_typed(after, before) for after, before in zip(found[-1][0], state, strict=True)]

        trial = mb.while_loop(_cond=self._goes_on, _body=step, loop_vars=tuple(variables))
        curr_block().remove_ops([trial[0].op])
        after, rows = found[-1]
        opened = [_opened(before, then) for before, then in zip(variables, after, strict=True)]
        same = all(one is other for one, other in zip(opened, variables, strict=True))
        return (variables, rows) if same else self._types(opened)

    def _list(self, element: Var) -> Var:
        shape = element.shape or (1,)
        bounded = not isinstance(self.count, int) or self.count < INT32_MAX
        return mb.make_list(
            init_length=self.count if bounded else 1,
            dynamic_length=True,
            elem_shape=tuple(str(d) if is_symbolic(d) else int(d) for d in shape),
            dtype=types.builtin_to_string(element.dtype),
        )


def from_end(count: Var | int, index: Var) -> Var:
    """The position with the same distance from the end as ``index`` from the start."""
    return mb.sub(x=mb.sub(x=count, y=1), y=index)


def opaque(value: Var) -> Var:
    """``value`` as the result of a block, or the start of a loop: local to the block, and not a known constant."""
    copy = mb.identity(x=value)
    copy._sym_val = None
    return copy


def _typed(value: Var, as_: Var) -> Var:
    copy = opaque(value)
    copy._sym_type = as_.sym_type
    return copy


def _opened(before: Var, after: Var) -> Var:
    """``before`` with lengths symbolic that differ in ``after``. Raises ValueError for a different number of axes."""
    if before.rank != after.rank:
        raise ValueError(f"a value with {before.rank} axes has {after.rank} after an iteration")
    changed = [not is_symbolic(a) and a != b for a, b in zip(before.shape, after.shape, strict=True)]
    if not any(changed):
        return before
    copy = opaque(before)
    shape = [get_new_symbol() if new else d for new, d in zip(changed, before.shape, strict=True)]
    copy._sym_type = types.tensor(before.dtype, shape)
    return copy


def unrolled(count: int, body: Body, carried: Sequence[Var]) -> tuple[list[Var], list[Var]]:
    """As :meth:`Loop.run`, for ``count`` iterations whose condition is always true, without a loop."""
    rows: list[Sequence[Var]] = []
    for index in range(count):
        _, carried, row = body(mb.const(val=np.int32(index)), mb.const(val=True), carried)
        rows.append(row)
    return list(carried), [mb.stack(values=list(column), axis=0) for column in zip(*rows, strict=True)]


def _listable(value: Var) -> Var:
    return value if value.rank else mb.expand_dims(x=value, axes=[0])


def _stacked(ls: Var, count: Var, element: Var) -> Var:
    rows = mb.list_gather(ls=ls, indices=mb.range_1d(start=0, end=count, step=1))
    return rows if element.rank else mb.squeeze(x=rows, axes=[1])
