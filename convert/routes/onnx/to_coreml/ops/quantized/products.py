"""Products and convolutions of integers.

Core ML's convolutions take floats only. Sums of integer products are exact in fp32 below 2^24; if they can be larger,
the weights are split into two halves of 4 bits, whose sums stay below.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...common import channelwise, floating, unsqueezed
from ...mil import Var, mb
from ...node import Node
from ...registry import translates
from ...values import Ints, Operand, variable
from ..conv import conv
from ..linear import matmul
from .quantization import saturated

_EXACT = 1 << 24
_LARGEST = 255


@translates("MatMulInteger", since=10)
def mat_mul_integer(
    node: Node, a: Operand, b: Operand, a_zero_point: Operand | None = None, b_zero_point: Operand | None = None
) -> Var:
    """(a - za) (b - zb) in int32."""
    return matmul(node, _rows_shifted(a, a_zero_point), _shifted(b, b_zero_point))


@translates("QLinearMatMul", since=10)
def q_linear_mat_mul(
    node: Node, a: Operand, a_scale: Var, a_zero_point: Operand, b: Operand, b_scale: Var, b_zero_point: Operand,
    y_scale: Var, y_zero_point: Operand,
) -> Var:  # fmt: skip
    """The requantised product of the values of a and b."""
    sums = matmul(node, _rows_shifted(a, a_zero_point), _shifted(b, b_zero_point))
    scale = mb.mul(x=_per_row(a_scale), y=b_scale)
    return _requantized(node, sums, mb.real_div(x=scale, y=y_scale), y_zero_point)


@translates("ConvInteger", since=10)
def conv_integer(
    node: Node, x: Operand, w: Operand, x_zero_point: Operand | None = None, w_zero_point: Operand | None = None, *,
    auto_pad: str, dilations: Ints | None = None, group: int, kernel_shape: Ints | None = None,
    pads: Ints | None = None, strides: Ints | None = None,
) -> Var:  # fmt: skip
    """The convolution of (x - zx) with (w - zw) in int32."""
    window = {
        "auto_pad": auto_pad, "dilations": dilations, "group": group, "kernel_shape": kernel_shape, "pads": pads,
        "strides": strides,
    }  # fmt: skip
    return _convolved(node, _shifted(x, x_zero_point), _filters_shifted(w, w_zero_point), window)


@translates("QLinearConv", since=10)
def q_linear_conv(
    node: Node, x: Operand, x_scale: Var, x_zero_point: Operand, w: Operand, w_scale: Var, w_zero_point: Operand,
    y_scale: Var, y_zero_point: Operand, b: Var | None = None, *, auto_pad: str, dilations: Ints | None = None,
    group: int, kernel_shape: Ints | None = None, pads: Ints | None = None, strides: Ints | None = None,
) -> Var:  # fmt: skip
    """The requantised convolution of the values of x and w."""
    window = {
        "auto_pad": auto_pad, "dilations": dilations, "group": group, "kernel_shape": kernel_shape, "pads": pads,
        "strides": strides,
    }  # fmt: skip
    sums = _convolved(node, _shifted(x, x_zero_point), _filters_shifted(w, w_zero_point), window)
    if b is not None:
        sums = mb.add(x=sums, y=channelwise(b, sums.rank))
    scale = mb.real_div(x=mb.mul(x=x_scale, y=w_scale), y=y_scale)
    return _requantized(node, sums, channelwise(scale, sums.rank) if scale.rank else scale, y_zero_point)


@translates("QLinearAdd", "QLinearMul", domain="com.microsoft")
def q_linear_elementwise(
    node: Node, a: Operand, a_scale: Var, a_zero_point: Operand | None, b: Operand, b_scale: Var,
    b_zero_point: Operand | None, c_scale: Var, c_zero_point: Operand,
) -> Operand:  # fmt: skip
    """The requantised sum or product of the values of a and b; ONNX Runtime's quantisation tool writes these."""
    first, second = _shifted(a, a_zero_point), _shifted(b, b_zero_point)
    if node.type == "QLinearMul":
        scale = mb.real_div(x=mb.mul(x=a_scale, y=b_scale), y=c_scale)
        product = _requantized(node, mb.mul(x=first, y=second), scale, c_zero_point)
        return Operand(product, c_zero_point.dtype)
    total = mb.add(x=mb.mul(x=floating(first), y=a_scale), y=mb.mul(x=floating(second), y=b_scale))
    inverse = mb.real_div(x=1.0, y=c_scale)
    return Operand(_requantized(node, total, inverse, c_zero_point), c_zero_point.dtype)


def _requantized(node: Node, sums: Var, scale: Var, zero_point: Operand) -> Var:
    rounded = mb.round(x=mb.mul(x=floating(sums), y=floating(scale)))
    return saturated(node, mb.add(x=rounded, y=floating(variable(zero_point))), zero_point.dtype.name)


def _convolved(node: Node, x: Var, w: Var, window: dict[str, Any]) -> Var:
    """The exact convolution of int32 tensors."""

    def sums(weights: Var) -> Var:
        return mb.cast(x=conv(node, floating(x), weights, **window), dtype="int32")

    weights = floating(w)
    if prod(int(d) for d in w.shape[1:]) * _LARGEST**2 < _EXACT:
        return sums(weights)
    high = mb.floor(x=mb.mul(x=weights, y=1 / 16))
    low = mb.sub(x=weights, y=mb.mul(x=high, y=16.0))
    return mb.add(x=mb.mul(x=sums(high), y=16), y=sums(low))


def _shifted(x: Operand, zero_point: Operand | None) -> Var:
    """x - zero point, which may have one value per position of the last axis."""
    data = variable(x)
    return data if zero_point is None else mb.sub(x=data, y=variable(zero_point))


def _rows_shifted(x: Operand, zero_point: Operand | None) -> Var:
    data = variable(x)
    return data if zero_point is None else mb.sub(x=data, y=_per_row(variable(zero_point)))


def _filters_shifted(w: Operand, zero_point: Operand | None) -> Var:
    data = variable(w)
    if zero_point is None:
        return data
    zeros = variable(zero_point)
    return mb.sub(x=data, y=unsqueezed(zeros, range(1, data.rank)) if zeros.rank else zeros)


def _per_row(parameter: Var) -> Var:
    """A vector that broadcasts along the rows of a matrix."""
    return unsqueezed(parameter, [1]) if parameter.rank == 1 else parameter
