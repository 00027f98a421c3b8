"""Activations; those without a translation are expanded by ONNX' own definitions."""

from __future__ import annotations

import numpy as np

from ..common import floating, length, positions, reshape, select, to_rank, zero
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Operand


@translates("Relu")
def relu(node: Node, x: Var) -> Var:
    """max(x, 0)."""
    return mb.relu(x=x) if node.dtype().kind == "f" else mb.maximum(x=x, y=zero(x))


@translates("LeakyRelu", since=6)
def leaky_relu(node: Node, x: Var, *, alpha: float) -> Var:
    """x where x >= 0, alpha * x elsewhere."""
    return mb.leaky_relu(x=x, alpha=np.float32(alpha))


@translates("Elu", since=6)
def elu(node: Node, x: Var, *, alpha: float) -> Var:
    """x where x > 0, alpha * (exp(x) - 1) elsewhere."""
    return mb.elu(x=x, alpha=np.float32(alpha))


@translates("Sigmoid")
def sigmoid(node: Node, x: Var) -> Var:
    """1 / (1 + exp(-x))."""
    return mb.sigmoid(x=x)


@translates("HardSigmoid", since=6)
def hard_sigmoid(node: Node, x: Var, *, alpha: float, beta: float) -> Var:
    """alpha * x + beta, clamped to 0 .. 1."""
    return mb.sigmoid_hard(x=x, alpha=np.float32(alpha), beta=np.float32(beta))


@translates("Softplus")
def softplus(node: Node, x: Var) -> Var:
    """log(1 + exp(x))."""
    return mb.softplus(x=x)


@translates("Softsign")
def softsign(node: Node, x: Var) -> Var:
    """x / (1 + |x|)."""
    return mb.softsign(x=x)


@translates("Gelu", since=20)
def gelu(node: Node, x: Var, *, approximate: str) -> Var:
    """x times the normal distribution function of x, or its tanh approximation."""
    return mb.gelu(x=x, mode="TANH_APPROXIMATION" if approximate == "tanh" else "EXACT")


@translates("Gelu", "BiasGelu", "FastGelu", domain="com.microsoft")
def fused_gelu(node: Node, x: Var, bias: Var | None = None) -> Operand:
    """Gelu of x + bias: ONNX Runtime's optimiser writes these; FastGelu is the tanh approximation."""
    shifted = x if bias is None else mb.add(x=x, y=bias)
    return Operand(mb.gelu(x=shifted, mode="TANH_APPROXIMATION" if node.type == "FastGelu" else "EXACT"), node.dtype())


@translates("QuickGelu", domain="com.microsoft")
def quick_gelu(node: Node, x: Var, *, alpha: float = 1.702) -> Operand:
    """x * sigmoid(alpha * x)."""
    return Operand(mb.mul(x=x, y=mb.sigmoid(x=mb.mul(x=x, y=np.float32(alpha)))), node.dtype())


@translates("PRelu", since=7)
def prelu(node: Node, x: Var, slope: Var) -> Var:
    """x where x >= 0, slope * x elsewhere; Core ML's own operator if there is one slope per channel of an image."""
    per_channel = slope.val is not None and x.rank == 4 and slope.rank == x.rank - 1 and slope.val.size == x.shape[1]
    if per_channel and slope.shape[0] == slope.val.size and node.dtype().kind == "f":
        return mb.prelu(x=x, alpha=slope.val.reshape(-1))
    return select(cond=mb.less(x=x, y=zero(x)), a=mb.mul(x=x, y=slope), b=_as_wide(x, slope))


def _as_wide(x: Var, slope: Var) -> Var:
    return x if slope.rank <= x.rank else to_rank(x, slope.rank)


@translates("Softmax", since=13)
def softmax(node: Node, x: Var, *, axis: int) -> Var:
    """exp(x) over its sum along an axis."""
    return mb.softmax(x=x, axis=axis)


@translates("Softmax", "LogSoftmax", "Hardmax")
def flat_softmax(node: Node, x: Var, *, axis: int = 1) -> Var:
    """Before opset 13: over all axes from ``axis`` on together."""
    axes = list(range(axis % x.rank, x.rank))
    if node.type == "Hardmax":
        return _flat_hardmax(x, axes)
    return mb.softmax(x=x, axis=-1) if len(axes) == 1 and node.type == "Softmax" else _over(node, x, axes)


def _over(node: Node, x: Var, axes: list[int]) -> Var:
    """Softmax or its logarithm over several axes."""
    shifted = mb.sub(x=x, y=mb.reduce_max(x=x, axes=axes, keep_dims=True))
    sums = mb.reduce_sum(x=mb.exp(x=shifted), axes=axes, keep_dims=True)
    if node.type == "LogSoftmax":
        return mb.sub(x=shifted, y=mb.log(x=sums, epsilon=np.float32(0)))
    return mb.real_div(x=mb.exp(x=shifted), y=sums)


@translates("LogSoftmax", since=13)
def log_softmax(node: Node, x: Var, *, axis: int) -> Var:
    """x minus the logarithm of the sum of exp(x) along an axis."""
    return _over(node, x, [axis])


@translates("Hardmax", since=13)
def hardmax(node: Node, x: Var, *, axis: int) -> Var:
    """1 for the first maximum along an axis, 0 elsewhere."""
    return _first_maximum(x, axis)


def _flat_hardmax(x: Var, axes: list[int]) -> Var:
    flat = mb.flatten2d(x=x, axis=axes[0])
    return mb.reshape(x=_first_maximum(flat, 1), shape=mb.shape(x=x))


def _first_maximum(x: Var, axis: int) -> Var:
    where = mb.reduce_argmax(x=x, axis=axis, keep_dims=True)
    return floating(mb.equal(x=_places(x, axis), y=where))


def _places(x: Var, axis: int) -> Var:
    """0, 1, 2, ... along one axis, shaped to broadcast against ``x``."""
    shape = [1] * x.rank
    shape[axis] = -1
    return reshape(positions(length(x, axis)), shape)
