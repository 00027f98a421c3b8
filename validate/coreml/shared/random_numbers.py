"""Random numbers as a function of their position and the seed.

The specification asks for repeatability, not for a certain sequence. A hash of the element's position gives the same
numbers in every call and every session, which ONNX Runtime's own generators don't: they go on from call to call. A
negative seed means that there is none; then those generators are used.
"""

from __future__ import annotations

import math

import numpy as np

from ..graph import Graph, Value

_STREAM = 0x9E3779B97F4A7C15
_MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
"""splitmix64: Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014."""
_BITS = 24


def uniform(g: Graph, shape: Value, seed: int, low: float = 0.0, high: float = 1.0, stream: int = 0) -> Value:
    """Uniformly distributed float32 numbers in [low, high), of the shape that an int64 vector holds.

    ``stream`` tells apart independent draws of one seed.
    """
    if seed < 0:
        drawn = g.op("RandomUniformLike", g.op("ConstantOfShape", shape), dtype=1)
    else:
        drawn = _hashed(g, shape, seed, stream)
    if (low, high) == (0.0, 1.0):
        return drawn
    return g.op("Add", g.op("Mul", drawn, g.like(high - low, drawn)), g.like(low, drawn))


def _hashed(g: Graph, shape: Value, seed: int, stream: int) -> Value:
    # Drawn numbers of a fixed shape are constants to ONNX Runtime, which would compute them when it loads the model and
    # keep every step of it: 22 GB for 10^8 numbers. What is random, be it from 0 to 0, it leaves alone.
    first = g.cast(g.op("RandomUniformLike", g.const(0, "float32"), low=0.0, high=0.0), "int64")
    places = g.op("Range", first, g.op("ReduceProd", shape, keepdims=0), g.const(1, "int64"))
    start = _wrapped((seed * 4 + stream + 1) * _STREAM)
    mixed = g.op("Mul", g.op("Add", places, g.const(start, "int64")), g.const(_wrapped(_STREAM), "int64"))
    for shift, factor in _MIXERS:
        mixed = g.op("Mul", _folded(g, mixed, shift), g.const(_wrapped(factor), "int64"))
    bits = g.op("BitShift", g.cast(mixed, "uint64"), g.const(64 - _BITS, "uint64"), direction="RIGHT")
    drawn = g.op("Mul", g.cast(bits, "float32"), g.const(2.0**-_BITS, "float32"))
    return g.op("Reshape", drawn, shape, allowzero=1)


def _folded(g: Graph, x: Value, shift: int) -> Value:
    bits = g.cast(x, "uint64")
    right = g.op("BitShift", bits, g.const(shift, "uint64"), direction="RIGHT")
    return g.cast(g.op("BitwiseXor", bits, right), "int64")


def _wrapped(number: int) -> int:
    """``number`` as a signed number of 64 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def normal(g: Graph, shape: Value, seed: int, mean: float = 0.0, deviation: float = 1.0) -> Value:
    """Normally distributed numbers, by Box and Muller's transformation."""
    radius, angle = (uniform(g, shape, seed, stream=stream) for stream in (1, 2))
    length = g.op("Sqrt", g.op("Mul", g.op("Log", g.op("Sub", g.like(1, radius), radius)), g.like(-2, radius)))
    drawn = g.op("Mul", length, g.op("Cos", g.op("Mul", angle, g.like(2 * math.pi, angle))))
    return g.op("Add", g.op("Mul", drawn, g.like(deviation, drawn)), g.like(mean, drawn))


def bernoulli(g: Graph, shape: Value, seed: int, probability: float) -> Value:
    """1 with the given probability, else 0, in float32."""
    drawn = uniform(g, shape, seed)
    return g.cast(g.op("Less", drawn, g.like(probability, drawn)), drawn.dtype)


def categorical(g: Graph, log_weights: Value, count: int, seed: int) -> Value:
    """``count`` indices along the last axis, each drawn with a probability proportional to exp(log_weights).

    The index of the greatest weight, after a random number has been added to each, is distributed so (Gumbel).
    """
    lead = [g.dim(log_weights, axis) for axis in range(log_weights.rank - 1)]
    shape = g.vector([*lead, count, g.dim(log_weights, -1)])
    drawn = uniform(g, shape, seed, low=float(np.finfo(np.float32).tiny))
    noise = g.op("Neg", g.op("Log", g.op("Neg", g.op("Log", drawn))))
    weights = g.op("Unsqueeze", log_weights, g.const([-2], "int64"))
    return g.op("ArgMax", g.op("Add", weights, noise), axis=-1, keepdims=0)
