"""Random numbers. With a seed, every call gives the same ones, whatever computes them; without, ONNX Runtime draws.

Core ML says no more of a seed than that it makes values reproducible, so its own numbers can't be had.
"""

from __future__ import annotations

import numpy as np

from ..bind import Op, lowers
from ..graph import Graph, Value
from ..refuse import unsupported

_STREAM = 0x9E3779B97F4A7C15
_MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
"""splitmix64: Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014."""
_BITS = 24


@lowers("random_uniform")
def random_uniform(g: Graph, op: Op, *, shape: Value, low: float = 0.0, high: float = 1.0, seed: int = -1) -> Value:
    """Uniform in [low, high)."""
    drawn = _uniform(g, shape, seed)
    values = g.op("Add", g.op("Mul", drawn, g.like(high - low, drawn)), g.like(low, drawn))
    # Rounding may reach ``high``, and does so often in float16.
    dtype = op.outputs[0].dtype
    greatest = float(np.nextafter(dtype.type(high), dtype.type(low)))
    return g.op("Min", values, g.like(greatest, drawn))


@lowers("random_normal")
def random_normal(g: Graph, *, shape: Value, mean: float = 0.0, stddev: float = 1.0, seed: int = -1) -> Value:
    """Normal with a mean and a standard deviation, by Box and Muller's transformation."""
    radius, angle = (_uniform(g, shape, seed, stream) for stream in (1, 2))
    one, two = g.like(1, radius), g.like(-2, radius)
    distance = g.op("Sqrt", g.op("Mul", g.op("Log", g.op("Sub", one, radius)), two))
    drawn = g.op("Mul", distance, g.op("Cos", g.op("Mul", angle, g.like(2 * np.pi, angle))))
    return g.op("Add", g.op("Mul", drawn, g.like(stddev, drawn)), g.like(mean, drawn))


@lowers("random_bernoulli")
def random_bernoulli(g: Graph, *, shape: Value, prob: float = 0.5, seed: int = -1) -> Value:
    """1 with probability ``prob``, else 0."""
    drawn = _uniform(g, shape, seed)
    return g.cast(g.op("Less", drawn, g.like(prob, drawn)), drawn.dtype)


@lowers("random_categorical")
def random_categorical(g: Graph, op: Op, *, x: Value, mode: str = "logits", size: int = 1, seed: int = -1) -> Value:
    """``size`` classes for each distribution along the last axis, drawn with replacement."""
    if mode not in ("logits", "probs"):
        raise unsupported(str(op), f"mode '{mode}' is not logits or probs")
    # In double precision, a fraction of the total is less than the total, so that no class of probability 0 is drawn.
    weights = g.cast(x, "float64")
    if mode == "logits":
        weights = g.op("Softmax", weights, axis=-1)
    last = g.const([-1], "int64")
    bounds = g.op("Unsqueeze", g.op("CumSum", weights, g.const(-1, "int64")), g.const([-2], "int64"))
    total = g.op("ReduceSum", weights, last, keepdims=1)
    shape = g.vector([*(g.dim(x, i) for i in range(x.rank - 1)), size])
    drawn = g.op("Mul", g.cast(_uniform(g, shape, seed), "float64"), total)
    below = g.op("LessOrEqual", bounds, g.op("Unsqueeze", drawn, last))
    return g.op("ReduceSum", g.cast(below, x.dtype), last, keepdims=0)


def _uniform(g: Graph, shape: Value, seed: int, stream: int = 0) -> Value:
    """float32 in [0, 1). A negative seed is none."""
    shape = g.cast(shape, "int64")
    if seed >= 0:
        return _hashed(g, shape, seed, stream)
    return g.op("RandomUniformLike", g.op("ConstantOfShape", shape), dtype=1)


def _hashed(g: Graph, shape: Value, seed: int, stream: int) -> Value:
    """A hash of each element's position, the seed and the stream: nothing is kept from call to call."""
    count = g.op("ReduceProd", shape, keepdims=0)
    places = g.op("Range", g.const(0, "int64"), count, g.const(1, "int64"))
    start = _wrapped((seed * 4 + stream + 1) * _STREAM)
    mixed = g.op("Mul", g.op("Add", places, g.const(start, "int64")), g.const(_wrapped(_STREAM), "int64"))
    for shift, factor in _MIXERS:
        mixed = g.op("Mul", _folded(g, mixed, shift), g.const(_wrapped(factor), "int64"))
    bits = g.op("BitShift", g.cast(mixed, "uint64"), g.const(64 - _BITS, "uint64"), direction="RIGHT")
    drawn = g.op("Mul", g.cast(bits, "float32"), g.const(2.0**-_BITS, "float32"))
    return g.op("Reshape", drawn, shape)


def _folded(g: Graph, x: Value, shift: int) -> Value:
    bits = g.cast(x, "uint64")
    right = g.op("BitShift", bits, g.const(shift, "uint64"), direction="RIGHT")
    return g.cast(g.op("BitwiseXor", bits, right), "int64")


def _wrapped(number: int) -> int:
    """``number`` as a signed number of 64 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
