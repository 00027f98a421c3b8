"""Normalisations; group, RMS and mean-variance normalisation are expanded by ONNX' own definitions."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ..common import channelwise, sliced
from ..mil import Var, is_symbolic, mb
from ..node import Node
from ..registry import translates


def _epsilon(number: float) -> np.float32:
    return np.float32(number)


def _standardized(x: Var, mean: Var, variance: Var, epsilon: float) -> Var:
    root = mb.sqrt(x=mb.add(x=variance, y=_epsilon(epsilon)))
    return mb.real_div(x=mb.sub(x=x, y=mean), y=root)


def _moments(x: Var, axes: list[int]) -> tuple[Var, Var]:
    mean = mb.reduce_mean(x=x, axes=axes, keep_dims=True)
    return mean, mb.reduce_mean(x=mb.square(x=mb.sub(x=x, y=mean)), axes=axes, keep_dims=True)


@translates("BatchNormalization", since=7)
def batch_normalization(
    node: Node,
    x: Var,
    scale: Var,
    b: Var,
    mean: Var,
    var: Var,
    *,
    epsilon: float,
    momentum: float,
    spatial: int = 1,
    training_mode: int = 0,
) -> Any:
    """(x - mean) / sqrt(var + epsilon) * scale + b for each channel, with the batch's own moments in training."""
    if training_mode:
        return _trained(x, scale, b, mean, var, epsilon, momentum)
    parameters = (scale, b, mean, var)
    if spatial and 3 <= x.rank <= 5 and all(p.val is not None for p in parameters):
        gamma, beta, m, v = (p.val for p in parameters)
        return mb.batch_norm(x=x, mean=m, variance=v, gamma=gamma, beta=beta, epsilon=_epsilon(epsilon))
    if spatial:
        scale, b, mean, var = (channelwise(p, x.rank) for p in parameters)
    return mb.add(x=mb.mul(x=_standardized(x, mean, var, epsilon), y=scale), y=b)


def _trained(x: Var, scale: Var, b: Var, mean: Var, var: Var, epsilon: float, momentum: float) -> tuple[Var, ...]:
    axes = [0, *range(2, x.rank)]
    own = _moments(x, axes)
    y = _standardized(x, *own, epsilon)
    y = mb.add(x=mb.mul(x=y, y=channelwise(scale, x.rank)), y=channelwise(b, x.rank))
    running = [
        mb.add(
            x=mb.mul(x=old, y=np.float32(momentum)),
            y=mb.mul(x=mb.squeeze(x=new, axes=axes), y=np.float32(1 - momentum)),
        )
        for old, new in zip((mean, var), own, strict=True)
    ]
    return y, *running


@translates("InstanceNormalization", since=6)
def instance_normalization(node: Node, x: Var, scale: Var, b: Var, *, epsilon: float) -> Var:
    """Each channel of each sample normalised with its own moments."""
    if x.rank in (3, 4) and scale.val is not None and b.val is not None:
        return mb.instance_norm(x=x, gamma=scale.val, beta=b.val, epsilon=_epsilon(epsilon))
    y = _standardized(x, *_moments(x, list(range(2, x.rank))), epsilon)
    return mb.add(x=mb.mul(x=y, y=channelwise(scale, x.rank)), y=channelwise(b, x.rank))


@translates("LayerNormalization", since=17)
def layer_normalization(
    node: Node, x: Var, scale: Var, b: Var | None = None, *, axis: int, epsilon: float, stash_type: int
) -> Any:
    """Normalised with the moments over the axes from ``axis`` on; also the mean and the inverse deviation."""
    axes = list(range(axis % x.rank, x.rank))
    if node.outputs == 1 and _fixed(x, axes, scale) and (b is None or _fixed(x, axes, b)):
        beta = None if b is None else b.val
        return mb.layer_norm(x=x, axes=axes, gamma=scale.val, beta=beta, epsilon=_epsilon(epsilon))
    mean, variance = _moments(x, axes)
    inverse = mb.real_div(x=np.float32(1), y=mb.sqrt(x=mb.add(x=variance, y=_epsilon(epsilon))))
    y = mb.mul(x=mb.mul(x=mb.sub(x=x, y=mean), y=inverse), y=scale)
    return y if b is None else mb.add(x=y, y=b), mean, inverse


def _fixed(x: Var, axes: list[int], parameter: Var) -> bool:
    """Whether a parameter is constant and has exactly the normalised axes."""
    shape = [x.shape[a] for a in axes]
    return parameter.val is not None and not any(map(is_symbolic, shape)) and list(parameter.shape) == shape


@translates("LRN")
def lrn(node: Node, x: Var, *, alpha: float, beta: float, bias: float, size: int) -> Var:
    """x divided by a power of the mean square of the neighbouring channels."""
    if size % 2 and x.rank in (3, 4):
        numbers = {"alpha": np.float32(alpha), "beta": np.float32(beta), "k": np.float32(bias)}
        return mb.local_response_norm(x=x, size=size, **numbers)
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    border = np.array([0, 0, before, after, *[0] * (2 * (x.rank - 2))], np.int32)
    squares = mb.pad(x=mb.square(x=x), pad=border, mode="constant")
    total = reduce(lambda a, c: mb.add(x=a, y=c), [sliced(squares, 1, i, i + int(x.shape[1])) for i in range(size)])
    base = mb.add(x=mb.mul(x=total, y=np.float32(alpha / size)), y=np.float32(bias))
    return mb.real_div(x=x, y=mb.pow(x=base, y=np.float32(beta)))
