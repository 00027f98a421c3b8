"""Normalisations, and layers that scale and shift with stored weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..bind import Ints
from ..files.proto import Message
from ..graph import Graph, Tensor
from ..layer import Layer, images, lowers
from ..ops import normalization


@lowers("batchnorm")
def batch_norm(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta per channel, with stored or computed moments."""
    p = layer.params
    epsilon = p.epsilon or 1e-5
    gamma, beta = _parameter(layer, p.gamma, 1), _parameter(layer, p.beta, 0)
    if not p.computeMeanVar:
        moments = _parameter(layer, p.mean, 0), _parameter(layer, p.variance, 1)
        stored = [g.const(v) for v in (gamma, beta, *moments)]
        return images(g, x, 2, lambda image: g.op("BatchNormalization", image, *stored, epsilon=epsilon))
    axes = (-2, -1) if p.instanceNormalization else (*range(-x.rank, -3), -2, -1)
    normal = _normalised(g, x, axes, epsilon)
    scaled = g.op("Mul", normal, g.const(gamma.reshape(-1, 1, 1)))
    return g.op("Add", scaled, g.const(beta.reshape(-1, 1, 1)))


def _parameter(layer: Layer, field: Message, default: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    channels = layer.params.channels
    return layer.weights(field, [channels]) if field.ByteSize() else np.full(channels, default, np.float32)


@lowers("mvn")
def mean_variance_normalize(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x minus its mean, optionally divided by sqrt(variance + epsilon), within each channel or across channels."""
    p = layer.params
    axes = (-3, -2, -1) if p.acrossChannels else (-2, -1)
    if p.normalizeVariance:
        return _normalised(g, x, axes, p.epsilon or 1e-6)
    return g.op("Sub", x, g.op("ReduceMean", x, g.const(axes, "int64")))


def _normalised(g: Graph, x: Tensor, axes: Ints, epsilon: float) -> Tensor:
    where = g.const(axes, "int64")
    centred = g.op("Sub", x, g.op("ReduceMean", x, where))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), where)
    return g.op("Div", centred, g.op("Sqrt", g.op("Add", variance, g.like(epsilon, x))))


@lowers("l2normalize")
def l2_normalize(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x / sqrt(sum(x * x) + epsilon), the sum over the last three axes."""
    return normalization.l2_norm(g, x=x, epsilon=layer.params.epsilon or 1e-6)


@lowers("lrn")
def local_response_normalization(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x / (k + alpha / localSize * sum(x * x))**beta, the sum over neighbouring channels."""
    p = layer.params
    return images(g, x, 2, lambda image: normalization.local_response_norm(
        g, x=image, size=p.localSize, alpha=p.alpha, beta=p.beta, k=p.k or 1.0
    ))  # fmt: skip


@lowers("layerNormalization")
def layer_normalization(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """gamma * (x - mean) / sqrt(variance + eps) + beta, with the moments over the last axes."""
    p = layer.params
    shape = tuple(p.normalizedShape)
    gamma, beta = (layer.weights(field, shape) for field in (p.gamma, p.beta))
    return normalization.layer_norm(g, x=x, axes=tuple(range(-len(shape), 0)), gamma=gamma, beta=beta, epsilon=p.eps)


@lowers("softmax")
def softmax(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """exp(x) over its sum along the channels."""
    return g.op("Softmax", x, axis=-3)


@lowers("softmaxND")
def softmax_nd(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """exp(x) over its sum along ``axis``."""
    return g.op("Softmax", x, axis=layer.params.axis)


@lowers("scale")
def scale(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x times stored factors, plus a bias."""
    p = layer.params
    scaled = g.op("Mul", x, _over_channels(g, layer, p.scale, p.shapeScale))
    return g.op("Add", scaled, _over_channels(g, layer, p.bias, p.shapeBias)) if p.hasBias else scaled


@lowers("bias")
def bias(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x plus a stored bias."""
    return g.op("Add", x, _over_channels(g, layer, layer.params.bias, layer.params.shape))


def _over_channels(g: Graph, layer: Layer, field: Message, shape: Sequence[int]) -> Tensor:
    """Weights of shape [1], [C], [1, H, W] or [C, H, W], shaped to broadcast over (C, H, W)."""
    stored = layer.weights(field, tuple(shape))
    return g.const(stored.reshape(-1, 1, 1) if stored.ndim == 1 else stored)
