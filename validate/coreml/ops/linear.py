"""Matrix products."""

from __future__ import annotations

from string import ascii_lowercase

from ..bind import Op, lowers
from ..errors import unsupported
from ..graph import Graph, Tensor, Tensors
from .elementwise_binary import promoted


@lowers("linear")
def linear(g: Graph, *, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x * transpose(weight) + bias."""
    x, weight = promoted(g, x, weight)
    if x.dtype.kind != "f" or x.rank < 2:
        product = g.op("MatMul", x, g.transpose(weight, (1, 0)))
        return product if bias is None else g.op("Add", *promoted(g, product, bias))
    # Gemm uses the weight as stored, so a large one isn't copied to be transposed.
    rows = x if x.rank == 2 else g.reshape(x, [-1, g.dim(weight, 1)])
    product = g.op("Gemm", rows, weight, bias and g.cast(bias, x.dtype), transB=1)
    return product if x.rank == 2 else g.reshape(product, [*(g.dim(x, a) for a in range(x.rank - 1)), g.dim(weight, 0)])


@lowers("matmul")
def matmul(g: Graph, op: Op, *, x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """numpy's matmul; the last two axes of either operand may be swapped first.

    A constant may have another type; the result has the type of the computed operand.
    """
    x, y = promoted(g, x, y)
    product = g.op("MatMul", _swapped(g, x) if transpose_x else x, _swapped(g, y) if transpose_y else y)
    return g.cast(product, op.outputs[0].dtype) if op.outputs[0].dtype.kind in "iu" else product


def _swapped(g: Graph, x: Tensor) -> Tensor:
    if x.rank == 1:
        return x
    return g.transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


EINSUMS = {"abcd,adce->abce": (0, 2, 1, 3), "abc,cbd->abd": (1, 0, 2)}
"""The equations that Core ML supports, with the axis orders that turn them into a matrix product and back."""


@lowers("einsum")
def einsum(g: Graph, op: Op, *, values: Tensors, equation: str) -> Tensor:
    """A matrix product per batch index; batch axes of length 1 are broadcast, which ONNX's Einsum doesn't do."""
    order = EINSUMS.get(_pattern(equation))
    if order is None:
        raise unsupported(str(op), f"equation '{equation}' is not one of {', '.join(EINSUMS)}")
    return g.transpose(g.op("MatMul", *(g.transpose(v, order) for v in values)), order)


def _pattern(equation: str) -> str:
    """``equation`` with its letters renamed in order of appearance."""
    letters = dict.fromkeys(c for c in equation if c.isalpha())
    names = dict(zip(letters, ascii_lowercase, strict=False))
    return "".join(names.get(c, c) for c in equation if not c.isspace())
