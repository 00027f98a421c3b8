"""Random numbers as a function of their position and the seed.

The specification requires repeatability, not a particular sequence, so Core ML's own numbers can't be reproduced. A
hash of the element's position gives the same numbers in every call and every session; ONNX Runtime's generators don't,
because they keep state between calls. A negative seed means that there is none; then those generators are used.
"""

from __future__ import annotations

from ..graph import Graph, Tensor

_STREAM = 0x9E3779B97F4A7C15
_MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
"""splitmix64: Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014."""
_BITS = 24


def uniform(g: Graph, shape: Tensor, seed: int, stream: int = 0) -> Tensor:
    """Uniformly distributed float32 numbers in [0, 1), of the shape that an integer vector holds.

    ``stream`` distinguishes independent draws with the same seed.
    """
    shape = g.cast(shape, "int64")
    if seed < 0:
        return g.op("RandomUniformLike", g.op("ConstantOfShape", shape), dtype=1)
    return _hashed(g, shape, seed, stream)


def _hashed(g: Graph, shape: Tensor, seed: int, stream: int) -> Tensor:
    """A hash of each element's position, the seed and the stream."""
    # Without an input that looks random, ONNX Runtime would fold the numbers of a fixed shape into constants when it
    # loads the model, and keep every intermediate step: 22 GB for 10^8 numbers. Hence a random number between 0 and 0.
    first = g.cast(g.op("RandomUniformLike", g.const(0, "float32"), low=0.0, high=0.0), "int64")
    positions = g.op("Range", first, g.op("ReduceProd", shape, keepdims=0), g.const(1, "int64"))
    start = _wrapped((seed * 4 + stream + 1) * _STREAM)
    mixed = g.op("Mul", g.op("Add", positions, g.const(start, "int64")), g.const(_wrapped(_STREAM), "int64"))
    for shift, factor in _MIXERS:
        mixed = g.op("Mul", _folded(g, mixed, shift), g.const(_wrapped(factor), "int64"))
    bits = g.op("BitShift", g.cast(mixed, "uint64"), g.const(64 - _BITS, "uint64"), direction="RIGHT")
    drawn = g.op("Mul", g.cast(bits, "float32"), g.const(2.0**-_BITS, "float32"))
    return g.op("Reshape", drawn, shape, allowzero=1)


def _folded(g: Graph, x: Tensor, shift: int) -> Tensor:
    bits = g.cast(x, "uint64")
    right = g.op("BitShift", bits, g.const(shift, "uint64"), direction="RIGHT")
    return g.cast(g.op("BitwiseXor", bits, right), "int64")


def _wrapped(number: int) -> int:
    """``number`` as a signed 64-bit integer."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
