"""Reductions, and the positions of extremes."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down
from .operands import to_attributes

_KEEPS_THE_INPUT = {"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"}
"""What a reduction over no axis leaves as it is; others map each element, as their definition says."""


def _reduction(w: Rewrite) -> None:
    """No axes mean all of them, or with noop_with_empty_axes none."""
    axes = w.fixed(1, "axes") if w.has(1) else np.zeros(0)
    if axes.size or not w.attribute("noop_with_empty_axes"):
        to_attributes(w, ["noop_with_empty_axes"])
        return
    if w.node.op_type not in _KEEPS_THE_INPUT:
        raise InexpressibleError("there a reduction over no axes can't be said")
    w.give("Identity", w.input(0))


down(13, "ReduceSum")(_reduction)
for _kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"):
    down(18, f"Reduce{_kind}")(_reduction)


@down(20, "ReduceMax", "ReduceMin")
def extremes_of_booleans(w: Rewrite) -> None:
    """The greatest of booleans, by way of numbers."""
    if w.dtype() != np.bool_:
        plain_down(w)
        return
    numbers, result = w.cast(w.input(0), np.uint8), w.new("numbers")
    w.keep(inputs=[numbers, *w.node.input[1:]], outputs=[result])
    w.cast(result, np.bool_, w.node.output)


@down(12, "ArgMax", "ArgMin")
def last_of_equals(w: Rewrite) -> None:
    """The last of equal extremes is the first one from the back."""
    if not w.attribute("select_last_index"):
        plain_down(w, ["select_last_index"])
        return
    axis = w.attribute("axis")
    bounds = ([-1], [np.iinfo(np.int64).min + 1], [axis], [-1])
    backwards = w.op("Slice", w.input(0), *(w.ints(*bound) for bound in bounds))
    position = w.new("position")
    w.keep(inputs=[backwards], outputs=[position], drop=["select_last_index"])
    length = w.op("Gather", w.op("Shape", w.input(0)), w.ints(axis))
    last = w.op("Sub", length, w.ints(1))
    w.give("Sub", w.op("Squeeze", last), position)
