"""Random numbers; see :mod:`..shared.random_numbers` for what a seed means."""

from __future__ import annotations

import numpy as np

from ..bind import Op, lowers
from ..errors import unsupported
from ..graph import Graph, Tensor
from ..shared.random_numbers import uniform


@lowers("random_uniform")
def random_uniform(g: Graph, op: Op, *, shape: Tensor, low: float = 0.0, high: float = 1.0, seed: int = -1) -> Tensor:
    """Uniform in [low, high)."""
    drawn = uniform(g, shape, seed)
    values = g.op("Add", g.op("Mul", drawn, g.like(high - low, drawn)), g.like(low, drawn))
    # Rounding may reach ``high``; in float16 it often does.
    dtype = op.outputs[0].dtype
    greatest = float(np.nextafter(dtype.type(high), dtype.type(low)))
    return g.op("Min", values, g.like(greatest, drawn))


@lowers("random_normal")
def random_normal(g: Graph, *, shape: Tensor, mean: float = 0.0, stddev: float = 1.0, seed: int = -1) -> Tensor:
    """Normally distributed with a mean and a standard deviation, by the Box-Muller transform."""
    radius, angle = (uniform(g, shape, seed, stream) for stream in (1, 2))
    one, two = g.like(1, radius), g.like(-2, radius)
    distance = g.op("Sqrt", g.op("Mul", g.op("Log", g.op("Sub", one, radius)), two))
    drawn = g.op("Mul", distance, g.op("Cos", g.op("Mul", angle, g.like(2 * np.pi, angle))))
    return g.op("Add", g.op("Mul", drawn, g.like(stddev, drawn)), g.like(mean, drawn))


@lowers("random_bernoulli")
def random_bernoulli(g: Graph, *, shape: Tensor, prob: float = 0.5, seed: int = -1) -> Tensor:
    """1 with probability ``prob``, else 0."""
    drawn = uniform(g, shape, seed)
    return g.cast(g.op("Less", drawn, g.like(prob, drawn)), drawn.dtype)


@lowers("random_categorical")
def random_categorical(g: Graph, op: Op, *, x: Tensor, mode: str = "logits", size: int = 1, seed: int = -1) -> Tensor:
    """``size`` classes for each distribution along the last axis, drawn with replacement."""
    if mode not in ("logits", "probs"):
        raise unsupported(str(op), f"mode '{mode}' is not logits or probs")
    # In double precision a fraction of the total stays below the total, so a class of probability 0 is never drawn.
    weights = g.cast(x, "float64")
    if mode == "logits":
        weights = g.op("Softmax", weights, axis=-1)
    last = g.const([-1], "int64")
    bounds = g.op("Unsqueeze", g.op("CumSum", weights, g.const(-1, "int64")), g.const([-2], "int64"))
    total = g.op("ReduceSum", weights, last, keepdims=1)
    shape = g.vector([*(g.dim(x, i) for i in range(x.rank - 1)), size])
    drawn = g.op("Mul", g.cast(uniform(g, shape, seed), "float64"), total)
    below = g.op("LessOrEqual", bounds, g.op("Unsqueeze", drawn, last))
    return g.op("ReduceSum", g.cast(below, x.dtype), last, keepdims=0)
