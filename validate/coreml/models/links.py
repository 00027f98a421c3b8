"""From scores to probabilities, in double."""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Tensor


def logistic(g: Graph, x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)); ONNX Runtime's Sigmoid is inaccurate in its tail in double precision."""
    one = g.like(1, x)
    return g.op("Div", one, g.op("Add", one, g.op("Exp", g.op("Neg", x))))


def softmax(g: Graph, x: Tensor) -> Tensor:
    """exp(x) / sum(exp(x))."""
    return g.op("Softmax", x, axis=-1)


def softmax_with_reference(g: Graph, x: Tensor) -> Tensor:
    """The softmax of ``x`` with a zero prepended: the first class is the reference."""
    return softmax(g, g.op("Concat", g.const([0], x.dtype), x, axis=0))


def normal_distribution(g: Graph, x: Tensor) -> Tensor:
    """The standard normal distribution function. ONNX Runtime has Erf in single precision only."""
    scaled = g.op("Mul", x, g.like(np.sqrt(0.5), x))
    erf = g.cast(g.op("Erf", g.cast(scaled, "float32")), x.dtype)
    return g.op("Mul", g.op("Add", erf, g.like(1, x)), g.like(0.5, x))


def shares(g: Graph, x: Tensor) -> Tensor:
    """``x`` divided by its sum."""
    return g.op("Div", x, g.op("ReduceSum", x))
