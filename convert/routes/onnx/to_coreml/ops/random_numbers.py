"""Random numbers. Core ML's generators differ from ONNX' reference: distributions agree, numbers don't."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import lengths, vector
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Ints


def _seed(seed: float | None) -> np.int32:
    """The seed for Core ML; a negative number means that there is none."""
    return np.int32(-1 if seed is None else int(seed) & 0x7FFFFFFF)


@translates("RandomNormal", folds=False)
def random_normal(
    node: Node, *, dtype: int = 1, mean: float, scale: float, seed: float | None = None, shape: Ints
) -> Var:
    """Normally distributed numbers."""
    return _normal(np.array(shape, np.int32), mean, scale, seed)


@translates("RandomNormalLike", folds=False)
def random_normal_like(
    node: Node, x: Var, *, dtype: int | None = None, mean: float, scale: float, seed: float | None = None
) -> Var:
    """Normally distributed numbers in the shape of x."""
    return _normal(vector(lengths(x)), mean, scale, seed)


@translates("RandomUniform", folds=False)
def random_uniform(
    node: Node, *, dtype: int = 1, high: float, low: float, seed: float | None = None, shape: Ints
) -> Var:
    """Uniformly distributed numbers."""
    return _uniform(np.array(shape, np.int32), low, high, seed)


@translates("RandomUniformLike", folds=False)
def random_uniform_like(
    node: Node, x: Var, *, dtype: int | None = None, high: float, low: float, seed: float | None = None
) -> Var:
    """Uniformly distributed numbers in the shape of x."""
    return _uniform(vector(lengths(x)), low, high, seed)


@translates("Bernoulli", since=15, folds=False)
def bernoulli(node: Node, x: Var, *, dtype: int | None = None, seed: float | None = None) -> Var:
    """1 with probability x, else 0."""
    return mb.less(x=_uniform(vector(lengths(x)), 0, 1, seed), y=x)


@translates("Multinomial", since=7, folds=False)
def multinomial(node: Node, x: Var, *, dtype: int = 6, sample_size: int, seed: float | None = None) -> Var:
    """Classes drawn from log probabilities."""
    return mb.random_categorical(x=x, mode="logits", size=np.int32(sample_size), seed=_seed(seed))


def _normal(shape: Any, mean: float, scale: float, seed: float | None) -> Var:
    return mb.random_normal(shape=shape, mean=np.float32(mean), stddev=np.float32(scale), seed=_seed(seed))


def _uniform(shape: Any, low: float, high: float, seed: float | None) -> Var:
    return mb.random_uniform(shape=shape, low=np.float32(low), high=np.float32(high), seed=_seed(seed))
