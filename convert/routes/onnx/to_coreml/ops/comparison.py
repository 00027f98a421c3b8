"""Comparisons, logic, bits and special numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..common import countable, select, unsqueezed
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from .elementwise import wrapped


def _pair(operator: Callable[..., Var]) -> Callable[..., Var]:
    def translation(node: Node, a: Var, b: Var) -> Var:
        return operator(x=countable(a), y=countable(b))

    return translation


def _logical(operator: Callable[..., Var]) -> Callable[..., Var]:
    def translation(node: Node, a: Var, b: Var) -> Var:
        return operator(x=a, y=b)

    return translation


COMPARISONS = {
    "Equal": mb.equal,
    "Greater": mb.greater,
    "GreaterOrEqual": mb.greater_equal,
    "Less": mb.less,
    "LessOrEqual": mb.less_equal,
}
LOGIC = {"And": mb.logical_and, "Or": mb.logical_or, "Xor": mb.logical_xor}

for _name, _operator in COMPARISONS.items():
    translates.add(_name, _pair(_operator), since=7)
for _name, _operator in LOGIC.items():
    translates.add(_name, _logical(_operator), since=7)


@translates("Not")
def negation(node: Node, x: Var) -> Var:
    """not x."""
    return mb.logical_not(x=x)


@translates("IsNaN", since=9)
def is_nan(node: Node, x: Var) -> Var:
    """Whether x is NaN, the only value that differs from itself."""
    return mb.not_equal(x=x, y=x)


@translates("IsInf", since=10)
def is_inf(node: Node, x: Var, *, detect_negative: int, detect_positive: int) -> Var:
    """Whether x is infinite, with the requested sign: greater than the largest finite number."""
    largest = np.finfo(np.float32).max
    above, below = mb.greater(x=x, y=largest), mb.less(x=x, y=-largest)
    if detect_negative and detect_positive:
        return mb.logical_or(x=above, y=below)
    if not (detect_negative or detect_positive):
        return mb.logical_and(x=above, y=below)
    return below if detect_negative else above


def _bits(node: Node, x: Var, dtype: np.dtype[Any]) -> Var:
    """The bits of ``x`` along a new last axis, the lowest first and the sign last, as truth values."""
    if x.rank > 4:
        raise node.unsupported("its bits need one more axis than Core ML supports")
    if dtype.itemsize > 2 and not node.target.program:
        raise node.unsupported(f"a neural network computes in float32, which can't represent all values of {dtype}")
    positions = mb.floor_div(x=unsqueezed(x, [x.rank]), y=_weights(dtype))
    lower = mb.equal(x=mb.mod(x=positions, y=np.int32(2)), y=np.int32(1))
    sign = mb.less(x=unsqueezed(x, [x.rank]), y=np.int32(0))
    return mb.cast(x=mb.concat(values=[mb.cast(x=v, dtype="int32") for v in (lower, sign)], axis=-1), dtype="bool")


def _weights(dtype: np.dtype[Any]) -> Any:
    """The value of each bit below the sign. An unsigned number that fits int32 has at most 31 bits."""
    return np.array([1 << bit for bit in range(min(31, 8 * dtype.itemsize))], np.int32)


def _number(bits: Var, dtype: np.dtype[Any]) -> Var:
    """The integer with these bits, in two's complement."""
    low = np.iinfo(np.int32).min if dtype.itemsize >= 4 else -(1 << 8 * dtype.itemsize)
    weights = np.append(_weights(dtype), np.int32(low))
    total = mb.reduce_sum(x=mb.mul(x=mb.cast(x=bits, dtype="int32"), y=weights), axes=[-1])
    return wrapped(total, dtype)


BITWISE = {"BitwiseAnd": mb.logical_and, "BitwiseOr": mb.logical_or, "BitwiseXor": mb.logical_xor}


@translates(*BITWISE, since=18)
def bitwise(node: Node, a: Var, b: Var) -> Var:
    """and, or, xor of the bits of two integers."""
    dtype = node.dtype()
    return _number(BITWISE[node.type](x=_bits(node, a, dtype), y=_bits(node, b, dtype)), dtype)


@translates("BitwiseNot", since=18)
def bitwise_not(node: Node, x: Var) -> Var:
    """All bits of an integer inverted: -x - 1."""
    dtype = node.dtype()
    if dtype.kind == "u" and dtype.itemsize > 2:
        raise node.unsupported(f"the inverted bits of {dtype} don't fit Core ML's int32")
    return wrapped(mb.sub(x=np.int32(-1), y=x), dtype)


@translates("BitShift", since=11)
def bit_shift(node: Node, x: Var, y: Var, *, direction: str) -> Var:
    """x * 2^y or floor(x / 2^y); shifts beyond the width give 0. In two steps, as 2^31 doesn't fit int32."""
    dtype = node.dtype()
    width = np.int32(8 * dtype.itemsize)
    beyond = mb.logical_or(x=mb.less(x=y, y=np.int32(0)), y=mb.greater_equal(x=y, y=width))
    y = select(beyond, width - np.int32(1), y)
    first = mb.floor_div(x=y, y=np.int32(2))
    halves = [mb.pow(x=np.int32(2), y=part) for part in (first, mb.sub(x=y, y=first))]
    if direction == "RIGHT":
        shifted = mb.floor_div(x=mb.floor_div(x=x, y=halves[0]), y=halves[1])
        return shifted if dtype.kind == "i" else select(beyond, np.int32(0), shifted)
    shifted = wrapped(mb.mul(x=mb.mul(x=x, y=halves[0]), y=halves[1]), dtype)
    return select(beyond, np.int32(0), shifted)
