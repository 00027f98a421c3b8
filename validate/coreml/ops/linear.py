"""Matrix products."""

from __future__ import annotations

from ..bind import Op, Values, lowers
from ..graph import Graph, Value
from .elementwise_binary import promoted


@lowers("linear")
def linear(g: Graph, *, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """x * transpose(weight) + bias."""
    if x.rank == 2 and x.dtype.kind == "f":
        return g.op("Gemm", x, weight, bias, transB=1)
    product = g.op("MatMul", *promoted(g, x, g.transpose(weight, (1, 0))))
    return product if bias is None else g.op("Add", *promoted(g, product, bias))


@lowers("matmul")
def matmul(g: Graph, op: Op, *, x: Value, y: Value, transpose_x: bool = False, transpose_y: bool = False) -> Value:
    """numpy's matmul; the last two axes of either operand may be swapped first.

    A constant of another type takes part as it is, and the result has the computed operand's type.
    """
    x, y = promoted(g, x, y)
    product = g.op("MatMul", _swapped(g, x) if transpose_x else x, _swapped(g, y) if transpose_y else y)
    return g.cast(product, op.outputs[0].dtype) if op.outputs[0].dtype.kind in "iu" else product


def _swapped(g: Graph, x: Value) -> Value:
    if x.rank == 1:
        return x
    return g.transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


@lowers("einsum")
def einsum(g: Graph, *, values: Values, equation: str) -> Value:
    """Einstein summation."""
    return g.op("Einsum", *values, equation=equation)
