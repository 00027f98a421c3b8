"""Normalisations."""

from __future__ import annotations

import numpy as np

from ..bind import Array, Ints, lowers
from ..graph import Graph, Tensor
from .activation import per_channel


@lowers("batch_norm")
def batch_norm(
    g: Graph,
    *,
    x: Tensor,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel of axis 1."""
    scale = np.ones_like(mean) if gamma is None else gamma
    shift = np.zeros_like(mean) if beta is None else beta
    parameters = (g.const(v, x.dtype) for v in (scale, shift, mean, variance))
    return g.op("BatchNormalization", x, *parameters, epsilon=epsilon)


@lowers("instance_norm")
def instance_norm(
    g: Graph, *, x: Tensor, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-5
) -> Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the moments over the spatial axes."""
    normal = _normalised(g, x, tuple(range(2, x.rank)), epsilon)
    scaled = normal if gamma is None else g.op("Mul", normal, per_channel(g, gamma, x))
    return scaled if beta is None else g.op("Add", scaled, per_channel(g, beta, x))


@lowers("l2_norm")
def l2_norm(g: Graph, *, x: Tensor, epsilon: float = 1e-6) -> Tensor:
    """x / sqrt(sum(x * x) + epsilon), the sum over the last three axes."""
    total = g.op("ReduceSumSquare", x, g.const((-3, -2, -1), "int64"))
    return g.op("Div", x, g.op("Sqrt", g.op("Add", total, g.like(epsilon, x))))


@lowers("layer_norm")
def layer_norm(
    g: Graph,
    *,
    x: Tensor,
    axes: Ints | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the moments over ``axes`` (all by default)."""
    over = tuple(range(x.rank)) if axes is None else tuple(sorted(a % x.rank for a in axes))
    if gamma is not None and over == tuple(range(x.rank - len(over), x.rank)):
        shift = None if beta is None else g.const(beta, x.dtype)
        return g.op("LayerNormalization", x, g.const(gamma, x.dtype), shift, axis=over[0], epsilon=epsilon)
    normal = _normalised(g, x, over, epsilon)
    scaled = normal if gamma is None else g.op("Mul", normal, _across(g, gamma, over, x))
    return scaled if beta is None else g.op("Add", scaled, _across(g, beta, over, x))


def _normalised(g: Graph, x: Tensor, axes: Ints, epsilon: float) -> Tensor:
    where = g.const(axes, "int64")
    centred = g.op("Sub", x, g.op("ReduceMean", x, where))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), where)
    return g.op("Div", centred, g.op("Sqrt", g.op("Add", variance, g.like(epsilon, x))))


def _across(g: Graph, weights: Array, axes: Ints, x: Tensor) -> Tensor:
    """``weights`` over ``axes`` of ``x``, shaped so that it broadcasts."""
    sizes = iter(weights.shape)
    return g.const(weights.reshape([next(sizes) if a in axes else 1 for a in range(x.rank)]), x.dtype)


@lowers("local_response_norm")
def local_response_norm(
    g: Graph, *, x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha / size * sum(x * x))**beta, the sum over ``size`` neighbouring channels."""
    if x.rank == 4 and size % 2:
        return g.op("LRN", x, size=size, alpha=alpha, beta=beta, bias=k)
    # ONNX Runtime's kernel supports 2-D images and odd sizes only; an even window is longer before the channel.
    flat = g.reshape(g.op("Mul", x, x), [g.dim(x, 0), 1, g.dim(x, 1), -1])
    window = {"kernel_shape": (size, 1), "pads": (size // 2, 0, (size - 1) // 2, 0), "count_include_pad": 1}
    mean = g.op("Reshape", g.op("AveragePool", flat, **window), g.shape_of(x))
    base = g.op("Add", g.op("Mul", mean, g.like(alpha, x)), g.like(k, x))
    return g.op("Div", x, g.op("Pow", base, g.like(beta, x)))
