"""Constants, and tensors that are made from shapes and positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import helper, numpy_helper

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down

_NUMBERS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}


@down(12, "Constant")
def constant_as_tensor(w: Rewrite) -> None:
    """Numbers and texts as a tensor."""
    (given,) = w.node.attribute
    value = helper.get_attribute_value(given)
    if given.name in _NUMBERS:
        w.give("Constant", value=numpy_helper.from_array(np.asarray(value, _NUMBERS[given.name])))
    elif given.name.startswith("value_string"):
        texts = value if given.name == "value_strings" else [value]
        w.give("Constant", value=helper.make_tensor("value", 8, [len(texts)][: len(given.strings)], texts))
    else:
        plain_down(w)


@down(14, "Trilu")
def triangle_by_positions(w: Rewrite) -> None:
    """Row and column numbers are compared, and the other half becomes zero."""
    x, upper = w.input(0), bool(w.attribute("upper"))
    k = w.input(1) or w.ints(0)
    shape = w.op("Shape", x)
    rows, columns = (_count(w, shape, position) for position in (-2, -1))
    row = w.with_axes("Unsqueeze", rows, [1])
    edge = w.op("Sub", columns, w.op("Reshape", k, w.ints(1)))
    outside = w.op("Less", edge, row) if upper else w.op("Greater", edge, row)
    w.give("Where", outside, w.value(0, w.dtype()), x)


def _count(w: Rewrite, shape: str, position: int) -> str:
    """0, 1, 2, ... along one axis."""
    length = w.op("Gather", shape, w.value(position, np.int64))
    return w.op("Range", w.value(0, np.int64), length, w.value(1, np.int64))


@down(11, "CumSum")
@down(26, "CumProd")
def running_totals(w: Rewrite) -> None:
    """Each element is combined with the one 1, 2, 4, ... places before it (Hillis and Steele, 1986)."""
    combine, neutral = ("Add", 0) if w.node.op_type == "CumSum" else ("Mul", 1)
    dims = w.dims(0)
    if dims is None or None in dims:
        raise InexpressibleError(f"the operator isn't there, and the shape of '{w.input(0)}' isn't known")
    lengths = [int(n or 0) for n in dims]
    axis = int(w.fixed(1, "the axis").reshape(-1)[0]) % len(lengths)
    shift = _Shift(w, axis, lengths, neutral, bool(w.attribute("reverse")))
    x = shift.by(w.input(0), 1) if w.attribute("exclusive") else w.input(0)
    step = 1
    while step < lengths[axis]:
        x, step = w.op(combine, x, shift.by(x, step)), 2 * step
    w.give("Identity", x)


@dataclass(frozen=True, slots=True)
class _Shift:
    """Moves a tensor along an axis, forwards or backwards, and fills the places that become free."""

    w: Rewrite
    axis: int
    lengths: list[int]
    filling: int
    backwards: bool

    def by(self, x: str, count: int) -> str:
        """x moved by ``count`` places."""
        length = self.lengths[self.axis]
        count = min(count, length)
        shape = [count if axis == self.axis else n for axis, n in enumerate(self.lengths)]
        free = self.w.value(np.full(shape, self.filling), self.w.dtype())
        if count == length:
            return free
        if self.backwards:
            return self.w.op("Concat", self.w.part(x, self.axis, count, length), free, axis=self.axis)
        return self.w.op("Concat", free, self.w.part(x, self.axis, 0, length - count), axis=self.axis)
