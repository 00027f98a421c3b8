"""Elementwise functions of one blob."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..errors import unsupported
from ..graph import Graph, Tensor
from ..layer import LAYERS, Layer, lowers
from ..ops import activation
from ..ops.elementwise_unary import exp2
from ..shared.floats import number, truth

ONE_NODE = {
    "acos": "Acos",
    "acosh": "Acosh",
    "asin": "Asin",
    "asinh": "Asinh",
    "atan": "Atan",
    "atanh": "Atanh",
    "ceil": "Ceil",
    "copy": "Identity",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "floor": "Floor",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "tan": "Tan",
    "tanh": "Tanh",
}


def _node(kind: str, g: Graph, layer: Layer, x: Tensor) -> Tensor:
    return g.op(kind, x)


for _layer, _kind in ONE_NODE.items():
    LAYERS.add(_layer, partial(_node, _kind))


@lowers("exp2")
def exp_2(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """2 to the power of x."""
    return exp2(g, x=x)


@lowers("clip")
def clip(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """min(max(x, minVal), maxVal)."""
    return g.op("Clip", x, g.like(layer.params.minVal, x), g.like(layer.params.maxVal, x))


@lowers("clampedReLU")
def clamped_relu(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """min(beta, x) where x >= 0, min(beta, alpha * x) elsewhere."""
    return activation.clamped_relu(g, x=x, alpha=layer.params.alpha, beta=layer.params.beta)


@lowers("gelu")
def gelu(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x times the normal distribution function of x, exact or by one of two approximations."""
    mode = ("EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION")[layer.params.mode]
    return activation.gelu(g, layer.op, x=x, mode=mode)


@lowers("logicalNot")
def logical_not(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """1 where x is 0, 0 elsewhere."""
    return number(g, g.op("Not", truth(g, x)))


SQRT, RSQRT, INVERSE, POWER, EXP, LOG, ABS, THRESHOLD = range(8)
"""UnaryFunctionLayerParams.Operation."""

UNARY: dict[int, Callable[[Graph, Tensor, float, float], Tensor]] = {
    SQRT: lambda g, x, alpha, epsilon: g.op("Sqrt", x),
    RSQRT: lambda g, x, alpha, epsilon: g.op("Reciprocal", g.op("Sqrt", g.op("Add", x, g.like(epsilon, x)))),
    INVERSE: lambda g, x, alpha, epsilon: g.op("Reciprocal", g.op("Add", x, g.like(epsilon, x))),
    POWER: lambda g, x, alpha, epsilon: g.op("Pow", x, g.like(alpha, x)),
    EXP: lambda g, x, alpha, epsilon: g.op("Exp", x),
    LOG: lambda g, x, alpha, epsilon: g.op("Log", x),
    ABS: lambda g, x, alpha, epsilon: g.op("Abs", x),
    THRESHOLD: lambda g, x, alpha, epsilon: g.op("Max", x, g.like(alpha, x)),
}


@lowers("unary")
def unary(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """One of eight functions of scale * x + shift."""
    p = layer.params
    if p.type not in UNARY:
        raise unsupported(str(layer), f"the unary function {p.type} is unknown")
    if p.scale not in (0, 1):
        x = g.op("Mul", x, g.like(p.scale, x))
    if p.shift:
        x = g.op("Add", x, g.like(p.shift, x))
    if p.type == LOG and p.epsilon:
        # NeuralNetwork.proto has no epsilon in this formula, but coremltools relies on it when it is set.
        x = g.op("Add", x, g.like(p.epsilon, x))
    return UNARY[p.type](g, x, p.alpha, p.epsilon or 1e-6)
