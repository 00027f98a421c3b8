"""Elementwise operators with one operand."""

from __future__ import annotations

from collections.abc import Callable

from ..bind import MIL, Numerics, Op, lowers
from ..dtypes import BY_NAME
from ..errors import unsupported
from ..graph import Graph, Tensor

ROUNDED = {
    "acos": "Acos",
    "asin": "Asin",
    "atan": "Atan",
    "atanh": "Atanh",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "sin": "Sin",
    "sinh": "Sinh",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
EXACT = {"abs": "Abs", "ceil": "Ceil", "floor": "Floor", "logical_not": "Not", "round": "Round", "sign": "Sign"}


def unary(kind: str) -> Callable[..., Tensor]:
    """The lowering of an operator that is one ONNX operator."""

    def lowering(g: Graph, *, x: Tensor) -> Tensor:
        return g.op(kind, x)

    return lowering


for _name, _kind in ROUNDED.items():
    MIL.add(_name, unary(_kind))
for _name, _kind in EXACT.items():
    MIL.add(_name, unary(_kind), numerics=Numerics.EXACT)


@lowers("exp2")
def exp2(g: Graph, *, x: Tensor) -> Tensor:
    """2 to the power of x."""
    return g.op("Pow", g.like(2, x), x)


@lowers("square")
def square(g: Graph, *, x: Tensor) -> Tensor:
    """x * x."""
    return g.op("Mul", x, x)


@lowers("inverse")
def inverse(g: Graph, op: Op, *, x: Tensor, epsilon: float | None = None) -> Tensor:
    """1 / (x + epsilon), epsilon 1e-4."""
    return g.op("Reciprocal", _stabilised(g, op, x, epsilon, 1e-4))


@lowers("log")
def log(g: Graph, op: Op, *, x: Tensor, epsilon: float | None = None) -> Tensor:
    """log(x + epsilon), epsilon 1e-45: the smallest float32, and zero in float16."""
    return g.op("Log", _stabilised(g, op, x, epsilon, 1e-45))


@lowers("rsqrt")
def rsqrt(g: Graph, op: Op, *, x: Tensor, epsilon: float | None = None) -> Tensor:
    """1 / sqrt(x + epsilon), epsilon 1e-12."""
    return g.op("Reciprocal", g.op("Sqrt", _stabilised(g, op, x, epsilon, 1e-12)))


def _stabilised(g: Graph, op: Op, x: Tensor, epsilon: float | None, default: float) -> Tensor:
    # The default is a constant of the operand's own type, so small ones are zero in float16.
    added = float(op.outputs[0].dtype.type(default)) if epsilon is None else epsilon
    return g.op("Add", x, g.like(added, x)) if added else x


@lowers("clip", numerics=Numerics.MONOTONE)
def clip(g: Graph, op: Op, *, x: Tensor, alpha: float, beta: float) -> Tensor:
    """min(max(x, alpha), beta)."""
    low, high = (float(op.outputs[0].dtype.type(bound)) for bound in (alpha, beta))
    return g.op("Clip", x, g.like(low, x), g.like(high, x))


@lowers("threshold", numerics=Numerics.MONOTONE)
def threshold(g: Graph, op: Op, *, x: Tensor, alpha: float) -> Tensor:
    """max(x, alpha)."""
    return g.op("Max", x, g.like(float(op.outputs[0].dtype.type(alpha)), x))


@lowers("cast", numerics=Numerics.RAW)
def cast(g: Graph, op: Op, *, x: Tensor, dtype: str) -> Tensor:
    """x in another type: towards zero from float to integer, modulo 2**bits between integers, x != 0 to bool."""
    if dtype not in BY_NAME:
        raise unsupported(str(op), f"there is no type '{dtype}'")
    target = BY_NAME[dtype].dtype
    # The conversion of a negative float to an unsigned integer is undefined in C++; via int32 it wraps, as in numpy.
    narrow = x.dtype.kind == "f" and target.kind in "iu" and target.itemsize < 4
    return g.cast(g.cast(x, "int32") if narrow else x, target)
