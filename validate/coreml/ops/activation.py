"""Activations. ``alpha`` and ``beta`` are constants, per channel for prelu and softplus_parametric."""

from __future__ import annotations

from ..bind import MIL, Array, Numerics, Op, lowers
from ..errors import unsupported
from ..graph import Graph, Tensor
from .elementwise_unary import unary

for _name, _kind in {"sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign"}.items():
    MIL.add(_name, unary(_kind))
MIL.add("relu", unary("Relu"), numerics=Numerics.MONOTONE)

GELU = {"EXACT": "none", "TANH_APPROXIMATION": "tanh"}


@lowers("clamped_relu")
def clamped_relu(g: Graph, *, x: Tensor, alpha: float, beta: float) -> Tensor:
    """min(beta, x) where x >= 0, min(beta, alpha * x) elsewhere."""
    return g.op("Min", g.op("LeakyRelu", x, alpha=alpha), g.like(beta, x))


@lowers("elu")
def elu(g: Graph, *, x: Tensor, alpha: float) -> Tensor:
    """x where x > 0, alpha * (exp(x) - 1) elsewhere."""
    return g.op("Elu", x, alpha=alpha)


@lowers("gelu")
def gelu(g: Graph, op: Op, *, x: Tensor, mode: str = "EXACT") -> Tensor:
    """x times the normal distribution function of x, exact or by one of two approximations."""
    if mode in GELU:
        return g.op("Gelu", x, approximate=GELU[mode])
    if mode == "SIGMOID_APPROXIMATION":
        return g.op("Mul", x, g.op("Sigmoid", g.op("Mul", x, g.like(1.702, x))))
    raise unsupported(str(op), f"mode '{mode}' is not one of {', '.join(GELU)}, SIGMOID_APPROXIMATION")


@lowers("leaky_relu")
def leaky_relu(g: Graph, *, x: Tensor, alpha: float) -> Tensor:
    """x where x >= 0, alpha * x elsewhere."""
    return g.op("LeakyRelu", x, alpha=alpha)


@lowers("linear_activation")
def linear_activation(g: Graph, *, x: Tensor, alpha: float, beta: float) -> Tensor:
    """alpha * x + beta."""
    return g.op("Add", g.op("Mul", x, g.like(alpha, x)), g.like(beta, x))


@lowers("prelu")
def prelu(g: Graph, *, x: Tensor, alpha: Array) -> Tensor:
    """x where x > 0, alpha[c] * x elsewhere, for the channels c of axis 1."""
    return g.op("PRelu", x, per_channel(g, alpha, x))


@lowers("relu6", numerics=Numerics.MONOTONE)
def relu6(g: Graph, *, x: Tensor) -> Tensor:
    """min(max(x, 0), 6)."""
    return g.op("Clip", x, g.like(0, x), g.like(6, x))


@lowers("scaled_tanh")
def scaled_tanh(g: Graph, *, x: Tensor, alpha: float, beta: float) -> Tensor:
    """alpha * tanh(beta * x)."""
    return g.op("Mul", g.op("Tanh", g.op("Mul", x, g.like(beta, x))), g.like(alpha, x))


@lowers("sigmoid_hard")
def sigmoid_hard(g: Graph, *, x: Tensor, alpha: float, beta: float) -> Tensor:
    """min(max(alpha * x + beta, 0), 1)."""
    return g.op("HardSigmoid", x, alpha=alpha, beta=beta)


@lowers("silu")
def silu(g: Graph, *, x: Tensor) -> Tensor:
    """x * sigmoid(x)."""
    return g.op("Mul", x, g.op("Sigmoid", x))


@lowers("softmax")
def softmax(g: Graph, *, x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) over its sum along axis."""
    return g.op("Softmax", x, axis=axis)


@lowers("softplus_parametric")
def softplus_parametric(g: Graph, *, x: Tensor, alpha: Array, beta: Array) -> Tensor:
    """alpha[c] * log(1 + exp(beta[c] * x)), for the channels c of axis 1."""
    inner = g.op("Softplus", g.op("Mul", x, per_channel(g, beta, x)))
    return g.op("Mul", inner, per_channel(g, alpha, x))


@lowers("thresholded_relu", numerics=Numerics.EXACT)
def thresholded_relu(g: Graph, *, x: Tensor, alpha: float) -> Tensor:
    """x where x >= alpha, 0 elsewhere (ONNX's ThresholdedRelu excludes equality)."""
    return g.op("Where", g.op("GreaterOrEqual", x, g.like(alpha, x)), x, g.like(0, x))


def per_channel(g: Graph, vector: Array, x: Tensor) -> Tensor:
    """A vector over axis 1 of ``x``, shaped so that it broadcasts."""
    return g.const(vector.reshape(-1, *(1,) * (x.rank - 2)), x.dtype)
