"""Elementwise arithmetic, broadcast as in numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..common import countable, floating, is_float, like, select, zero
from ..mil import Var, mb, types
from ..node import Node
from ..registry import translates
from ..values import Operand


def wrapped(x: Var, dtype: np.dtype[Any] | None) -> Var:
    """An integer result in the source's width: 8 and 16 bits wrap around, as in two's complement."""
    if dtype is None or dtype.kind not in "iu" or dtype.itemsize > 2:
        return x
    span, low = 1 << 8 * dtype.itemsize, int(np.iinfo(dtype).min)
    return mb.add(x=mb.mod(x=mb.sub(x=x, y=np.int32(low)), y=np.int32(span)), y=np.int32(low))


def _arithmetic(operator: Callable[..., Var]) -> Callable[..., Var]:
    def translation(node: Node, a: Var, b: Var) -> Var:
        return wrapped(operator(x=a, y=b), node.results[0])

    return translation


for _name, _operator in {"Add": mb.add, "Sub": mb.sub, "Mul": mb.mul}.items():
    translates.add(_name, _arithmetic(_operator), since=7)


@translates("Div", since=7)
def div(node: Node, a: Var, b: Var) -> Var:
    """a / b; integers are truncated towards zero."""
    if is_float(a):
        return mb.real_div(x=a, y=b)
    if node.dtype().kind == "u":
        return mb.floor_div(x=a, y=b)
    sign = mb.mul(x=mb.sign(x=a), y=mb.sign(x=b))
    return wrapped(mb.mul(x=sign, y=mb.floor_div(x=mb.abs(x=a), y=mb.abs(x=b))), node.results[0])


@translates("Mod", since=10)
def mod(node: Node, a: Var, b: Var, *, fmod: int) -> Var:
    """The remainder, with the sign of the divisor, or with ``fmod`` of the dividend."""
    if not fmod:
        return mb.mod(x=a, y=b)
    return mb.mul(x=mb.sign(x=a), y=mb.mod(x=mb.abs(x=a), y=mb.abs(x=b)))


@translates("Pow", since=7)
def power(node: Node, x: Var, y: Var) -> Var:
    """x ** y in the type of x."""
    if not node.target.program and np.size(y.val) > 1:
        # coremltools writes a constant exponent as one number; several are made to depend on x.
        y = mb.add(x=mb.cast(x=mb.less(x=x, y=x), dtype="fp32"), y=floating(y))
        return mb.pow(x=floating(x), y=y)
    if is_float(x) or not is_float(y):
        return mb.pow(x=x, y=floating(y) if is_float(x) else y)
    return mb.cast(x=mb.pow(x=floating(x), y=y), dtype="int32")


def _reciprocal(x: Var) -> Var:
    return mb.real_div(x=np.float32(1), y=x)


def _log(x: Var) -> Var:
    return mb.log(x=x, epsilon=np.float32(0))


def _asinh(x: Var) -> Var:
    """sign(x) log(|x| + sqrt(x^2 + 1)); near zero atanh(x / sqrt(x^2 + 1)), as the sum would cancel."""
    root = mb.sqrt(x=mb.add(x=mb.square(x=x), y=np.float32(1)))
    far = mb.mul(x=mb.sign(x=x), y=_log(mb.add(x=mb.abs(x=x), y=root)))
    return select(cond=mb.less(x=mb.abs(x=x), y=np.float32(0.5)), a=mb.atanh(x=mb.real_div(x=x, y=root)), b=far)


def _acosh(x: Var) -> Var:
    """log(x + sqrt((x - 1) (x + 1)))."""
    one = np.float32(1)
    return _log(mb.add(x=x, y=mb.sqrt(x=mb.mul(x=mb.sub(x=x, y=one), y=mb.add(x=x, y=one)))))


UNARY: dict[str, Callable[[Var], Var]] = {
    "Acos": lambda x: mb.acos(x=x),
    "Acosh": _acosh,
    "Asin": lambda x: mb.asin(x=x),
    "Asinh": _asinh,
    "Atan": lambda x: mb.atan(x=x),
    "Atanh": lambda x: mb.atanh(x=x),
    "Ceil": lambda x: mb.ceil(x=x),
    "Cos": lambda x: mb.cos(x=x),
    "Cosh": lambda x: mb.cosh(x=x),
    "Erf": lambda x: mb.erf(x=x),
    "Exp": lambda x: mb.exp(x=x),
    "Floor": lambda x: mb.floor(x=x),
    "Log": _log,
    "Reciprocal": _reciprocal,
    "Round": lambda x: mb.round(x=x),
    "Sign": lambda x: mb.sign(x=x),
    "Sin": lambda x: mb.sin(x=x),
    "Sinh": lambda x: mb.sinh(x=x),
    "Sqrt": lambda x: mb.sqrt(x=x),
    "Tan": lambda x: mb.tan(x=x),
    "Tanh": lambda x: mb.tanh(x=x),
}


def _unary(function: Callable[[Var], Var]) -> Callable[..., Var]:
    def translation(node: Node, x: Var) -> Var:
        return function(x)

    return translation


for _name, _function in UNARY.items():
    translates.add(_name, _unary(_function))


@translates("Abs", "Neg")
def absolute_or_negative(node: Node, x: Var) -> Var:
    """|x| or -x, wrapped around as the source's integers."""
    return wrapped(mb.abs(x=x) if node.type == "Abs" else mb.mul(x=x, y=like(x, -1)), node.results[0])


@translates("Sum", since=6)
def total(node: Node, *xs: Var) -> Var:
    """The sum of any number of tensors."""
    return reduce(lambda a, b: mb.add(x=a, y=b), xs)


@translates("Mean", since=6)
def mean(node: Node, *xs: Var) -> Var:
    """Their mean."""
    return mb.real_div(x=total(node, *xs), y=np.float32(len(xs)))


@translates("Max", since=6)
def maximum(node: Node, *xs: Var) -> Var:
    """The largest of any number of tensors."""
    return reduce(lambda a, b: mb.maximum(x=a, y=b), xs)


@translates("Min", since=6)
def minimum(node: Node, *xs: Var) -> Var:
    """The smallest of any number of tensors."""
    return reduce(lambda a, b: mb.minimum(x=a, y=b), xs)


@translates("Clip", since=6)
def clip_attributes(node: Node, x: Var, *, min: float, max: float) -> Var:
    """x clamped to two numbers."""
    return _clipped(x, np.float32(min), np.float32(max))


@translates("Clip", since=11)
def clip(node: Node, x: Var, min: Operand | None = None, max: Operand | None = None) -> Var:
    """x clamped to bounds, either of which may be missing; the upper one takes precedence."""
    return _clipped(x, _bound(x, min), _bound(x, max))


def _clipped(x: Var, low: Any, high: Any) -> Var:
    x = x if low is None else mb.maximum(x=x, y=low)
    return x if high is None else mb.minimum(x=x, y=high)


def _bound(x: Var, bound: Operand | None) -> Any:
    """A bound in the type of ``x``; bounds beyond the range of the type become its limits."""
    if bound is None or not bound.known:
        return bound.content if bound else None
    limits = np.finfo(np.float32) if is_float(x) else np.iinfo(np.int32)
    number = bound.content.item()
    finite = number if np.isinf(number) or np.isnan(number) else min(max(number, limits.min), limits.max)
    return like(x, finite)


@translates("Where", since=9)
def where(node: Node, condition: Var, x: Var, y: Var) -> Var:
    """x where the condition is true, y elsewhere."""
    return select(cond=condition, a=countable(x), b=countable(y))


@translates("Dropout", folds=False)
def dropout(node: Node, x: Var, *, ratio: float = 0.5, is_test: int = 1) -> Any:
    """x unchanged: Core ML is for inference only."""
    return _kept(node, x)


@translates("Dropout", since=12, folds=False)
def dropout_of_inputs(
    node: Node, x: Var, ratio: Operand | None = None, training_mode: Operand | None = None, *, seed: int = 0
) -> Any:
    """x unchanged. Raises PG404 in training mode."""
    off = ratio is not None and ratio.known and float(ratio.content) == 0
    if training_mode is not None and not off and not (training_mode.known and not training_mode.content):
        raise node.unsupported("it drops at random in training mode")
    return _kept(node, x)


def _kept(node: Node, x: Var) -> Any:
    if node.outputs < 2:
        return x
    mask = mb.equal(x=x, y=x)
    everywhere = mb.logical_or(x=mask, y=mb.logical_not(x=mask))
    return x, everywhere if node.results[1] in (None, np.dtype(bool)) else mb.cast(x=everywhere, dtype="fp32")


@translates("Cast", since=6)
def cast(node: Node, x: Var, *, to: int, saturate: int = 1, round_mode: str = "up") -> Var | Operand:
    """x in another type; values out of range of a narrow integer wrap around."""
    wanted = node.results[0]
    if wanted is None or wanted.kind not in "bfiu" or wanted.name not in SUPPORTED:
        raise node.unsupported(f"Core ML has no tensors of {wanted}")
    if wanted.kind == "b":
        return mb.not_equal(x=x, y=zero(x)) if x.dtype != types.bool else x
    if wanted.kind in "iu":
        return wrapped(mb.cast(x=x, dtype="int32"), wanted)
    x = floating(x)
    if wanted.name == "float64":
        return Operand(x, wanted, single=node.dtype().name in ("float16", "float32"))
    return mb.cast(x=mb.cast(x=x, dtype="fp16"), dtype="fp32") if wanted.name == "float16" else x


SUPPORTED = {"bool", "float16", "float32", "float64"} | {f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)}
"""The dtypes that Core ML's types represent."""
