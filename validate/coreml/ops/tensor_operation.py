"""Operators on whole tensors."""

from __future__ import annotations

from ..bind import Numerics, Values, lowers
from ..graph import Graph, Value


@lowers("identity", numerics=Numerics.RAW)
def identity(g: Graph, *, x: Value) -> Value:
    """x."""
    return x


@lowers("shape", numerics=Numerics.RAW)
def shape(g: Graph, *, x: Value) -> Value:
    """The length of each axis."""
    return g.shape_of(x)


@lowers("concat", numerics=Numerics.RAW)
def concat(g: Graph, *, values: Values, axis: int, interleave: bool = False) -> Value:
    """``values`` one after the other along ``axis``, or with ``interleave`` their slices in turn."""
    values = tuple(g.reshape(v, [1]) if v.rank == 0 else v for v in values)
    if not interleave:
        return g.op("Concat", *values, axis=axis)
    last = g.const([axis % values[0].rank + 1], "int64")
    slices = g.op("Concat", *(g.op("Unsqueeze", v, last) for v in values), axis=axis % values[0].rank + 1)
    return g.op("Reshape", slices, g.shape_of(g.op("Concat", *values, axis=axis)))
