"""Elementwise operators with two operands, broadcast as in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..bind import MIL, Numerics, lowers
from ..graph import Graph, Tensor

ROUNDED = {"add": "Add", "sub": "Sub", "mul": "Mul", "pow": "Pow"}
EXACT = {
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "logical_and": "And",
    "logical_or": "Or",
    "logical_xor": "Xor",
    "maximum": "Max",
    "minimum": "Min",
}


def binary(kind: str) -> Callable[..., Tensor]:
    """The lowering of an operator that is one ONNX operator."""

    def lowering(g: Graph, *, x: Tensor, y: Tensor) -> Tensor:
        return g.op(kind, *promoted(g, x, y))

    return lowering


for _name, _kind in ROUNDED.items():
    MIL.add(_name, binary(_kind))
for _name, _kind in EXACT.items():
    MIL.add(_name, binary(_kind), numerics=Numerics.EXACT)


def promoted(g: Graph, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both operands in one type: MIL allows an integer with a float, ONNX doesn't."""
    if x.dtype == y.dtype:
        return x, y
    common = np.dtype("float32") if "f" in (x.dtype.kind, y.dtype.kind) else np.promote_types(x.dtype, y.dtype)
    return g.cast(x, common), g.cast(y, common)


@lowers("not_equal")
def not_equal(g: Graph, *, x: Tensor, y: Tensor) -> Tensor:
    """x != y."""
    return g.op("Not", g.op("Equal", *promoted(g, x, y)))


@lowers("real_div")
def real_div(g: Graph, *, x: Tensor, y: Tensor) -> Tensor:
    """x / y; integers are divided as floats, and the quotient is truncated towards zero."""
    x, y = promoted(g, x, y)
    quotient = g.op("Div", g.cast(x, "float32"), g.cast(y, "float32"))
    return g.cast(quotient, x.dtype)


@lowers("floor_div")
def floor_div(g: Graph, *, x: Tensor, y: Tensor) -> Tensor:
    """x / y, rounded towards minus infinity."""
    x, y = promoted(g, x, y)
    if x.dtype.kind == "f":
        return g.op("Floor", g.op("Div", x, y))
    y = without_zero(g, y)
    return g.op("Div", g.op("Sub", x, g.op("Mod", x, y)), y)


@lowers("mod")
def mod(g: Graph, *, x: Tensor, y: Tensor) -> Tensor:
    """x - y * floor(x / y): the result has the divisor's sign."""
    x, y = promoted(g, x, y)
    if x.dtype.kind != "f":
        return g.op("Mod", x, without_zero(g, y))
    remainder = g.op("Mod", x, y, fmod=1)
    zero = g.like(0, x)
    opposite = g.op("Less", g.op("Mul", g.op("Sign", remainder), g.op("Sign", y)), zero)
    return g.op("Where", opposite, g.op("Add", remainder, y), remainder)


def without_zero(g: Graph, y: Tensor) -> Tensor:
    """``y`` with 1 instead of 0: an integer division by zero, undefined in MIL, crashes ONNX Runtime."""
    if y.value is not None and np.all(y.value):
        return y
    return g.op("Where", g.op("Equal", y, g.like(0, y)), g.like(1, y), y)
