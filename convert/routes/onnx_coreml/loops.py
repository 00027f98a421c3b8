"""Loops: a body that is repeated, values that it hands on, and values that it leaves to be stacked.

Stacked values go through a MIL list, the only thing in MIL that grows. A short loop of known length can be written out
instead: Core ML runs loops on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from coremltools.converters.mil.mil.block import curr_block

from .mil import Var, is_symbolic, mb, types

INT32_MAX = np.iinfo(np.int32).max

Body = Callable[[Var, Var, Sequence[Var]], tuple[Var, Sequence[Var], Sequence[Var]]]
"""(pass, whether the condition holds, carried values) -> (whether to go on, carried values, values to stack)."""


@dataclass(frozen=True, slots=True)
class Loop:
    """``count`` is the greatest number of passes. ``backwards`` are the stacks that are filled from their end."""

    count: Var | int
    body: Body
    backwards: frozenset[int] = frozenset()

    def run(self, start: Var, carried: Sequence[Var]) -> tuple[list[Var], list[Var]]:
        """The carried values after the last pass, and the stacks along a new first axis."""
        elements = self._elements(start, carried)
        lists = [self._list(element) for element in elements]
        inner = len(carried)

        def step(index: Var, go_on: Var, *variables: Var) -> list[Var]:
            after = self.body(index, go_on, variables[:inner])
            written = [
                mb.list_write(ls=ls, index=self._place(i, index), value=_listable(value))
                for i, (ls, value) in enumerate(zip(variables[inner:], after[2], strict=True))
            ]
            return [mb.add(x=index, y=1), after[0], *map(_own, after[1]), *written]

        passes, _, *results = mb.while_loop(_cond=self._goes_on, _body=step, loop_vars=(0, start, *carried, *lists))
        stacks = [_stacked(ls, passes, e) for ls, e in zip(results[inner:], elements, strict=True)]
        return results[:inner], stacks

    def _goes_on(self, index: Var, go_on: Var, *_: Var) -> Var:
        return mb.logical_and(x=mb.less(x=index, y=self.count), y=go_on)

    def _place(self, stack: int, index: Var) -> Var:
        return mb.sub(x=mb.sub(x=self.count, y=1), y=index) if stack in self.backwards else index

    def _elements(self, start: Var, carried: Sequence[Var]) -> list[Var]:
        """What the body stacks: a list must know its elements' type before the loop that fills it is built."""
        found: list[Var] = []

        def step(index: Var, go_on: Var, *variables: Var) -> list[Var]:
            goes_on, after, stacked = self.body(index, go_on, variables)
            found[:] = stacked
            return [mb.add(x=index, y=1), goes_on, *map(_own, after)]

        trial = mb.while_loop(_cond=self._goes_on, _body=step, loop_vars=(0, start, *carried))
        curr_block().remove_ops([trial[0].op])
        return found

    def _list(self, element: Var) -> Var:
        shape = element.shape or (1,)
        known = isinstance(self.count, int) and self.count == INT32_MAX
        return mb.make_list(
            init_length=1 if known else self.count,
            dynamic_length=True,
            elem_shape=tuple(str(d) if is_symbolic(d) else int(d) for d in shape),
            dtype=types.builtin_to_string(element.dtype),
        )


def written_out(count: int, body: Body, carried: Sequence[Var]) -> tuple[list[Var], list[Var]]:
    """What :meth:`Loop.run` gives for a loop of ``count`` passes whose condition always holds, without a loop."""
    rows: list[Sequence[Var]] = []
    for index in range(count):
        _, carried, row = body(mb.const(val=np.int32(index)), mb.const(val=True), carried)
        rows.append(row)
    return list(carried), [mb.stack(values=list(column), axis=0) for column in zip(*rows, strict=True)]


def _own(value: Var) -> Var:
    """A block can't hand on what stands outside of it, nor a constant."""
    return mb.identity(x=value)


def _listable(value: Var) -> Var:
    return value if value.rank else mb.expand_dims(x=value, axes=[0])


def _stacked(ls: Var, passes: Var, element: Var) -> Var:
    rows = mb.list_gather(ls=ls, indices=mb.range_1d(start=0, end=passes, step=1))
    return rows if element.rank else mb.squeeze(x=rows, axes=[1])
