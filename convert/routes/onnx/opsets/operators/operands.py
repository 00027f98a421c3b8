"""Attributes that became inputs: a table. Going down, an input must be constant to become an attribute again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..plain import plain_down, plain_up
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up


@dataclass(frozen=True, slots=True)
class Operand:
    """An attribute and the input that took its place.

    ``dtype`` "" is the dtype of the node's first input. ``shape`` is that of the input: [] of a number, [1] of a
    number in brackets, [-1] of a list.
    """

    name: str
    index: int
    dtype: str = "int64"
    shape: tuple[int, ...] = (-1,)


_AXES = (Operand("axes", 1),)
_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")

MOVED: dict[tuple[str, int], tuple[Operand, ...]] = {
    ("Upsample", 9): (Operand("scales", 1, "float32"),),
    ("TopK", 10): (Operand("k", 1, shape=(1,)),),
    ("Slice", 10): (Operand("starts", 1), Operand("ends", 2), Operand("axes", 3)),
    ("Clip", 11): (Operand("min", 1, "", ()), Operand("max", 2, "", ())),
    ("Pad", 11): (Operand("pads", 1), Operand("value", 2, "", ())),
    ("Dropout", 12): (Operand("ratio", 1, "float32", ()),),
    ("Split", 13): (Operand("split", 1),),
    **dict.fromkeys([("Squeeze", 13), ("Unsqueeze", 13), ("ReduceSum", 13)], _AXES),
    **dict.fromkeys([(f"Reduce{kind}", 18) for kind in _REDUCTIONS], _AXES),
}
"""(operator, the opset that turned attributes into inputs) -> which."""

MORE_GOING_DOWN = {"Clip", "Slice", "Dropout", "ReduceSum", *(f"Reduce{kind}" for kind in _REDUCTIONS)}
"""Whose rule for the step down is with its family: it has more to see to, and calls :func:`to_attributes`."""


def to_inputs(w: Rewrite) -> None:
    """The node with constants in place of its attributes."""
    operands = MOVED[w.node.op_type, w.opset]
    inputs = [w.input(0), *[""] * max(operand.index for operand in operands)]
    for operand in operands:
        value = w.attribute(operand.name)
        if value is not None and value != []:
            array = np.asarray(value, operand.dtype or w.dtype()).reshape(operand.shape)
            inputs[operand.index] = w.value(array)
    plain_up(w, [operand.name for operand in operands], inputs)


def to_attributes(w: Rewrite, drop: Sequence[str] = ()) -> None:
    """The node with its constant inputs as attributes; new attributes in ``drop`` go whatever they are.

    Raises InexpressibleError for an input that is computed.
    """
    operands = MOVED[w.node.op_type, w.before]
    values = {operand.name: _attribute(w, operand) for operand in operands if w.has(operand.index)}
    kept = [name for index, name in enumerate(w.node.input) if index not in {operand.index for operand in operands}]
    plain_down(w, drop, kept, **values)


def _attribute(w: Rewrite, operand: Operand) -> Any:
    value = w.fixed(operand.index, operand.name)
    if operand.shape == (-1,):
        return value.reshape(-1).tolist() or None
    number = value.reshape(-1)[0]
    if value.dtype.kind == "f" and np.float32(number) != number:
        raise InexpressibleError(f"there {operand.name} is a float32, and {number!r} is none")
    return number.item()


for _operator, _opset in MOVED:
    up(_opset, _operator)(to_inputs)
    if _operator not in MORE_GOING_DOWN:
        down(_opset, _operator)(to_attributes)
