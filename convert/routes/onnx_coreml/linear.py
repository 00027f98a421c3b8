"""Matrix products."""

from __future__ import annotations

from .mil import Var, mb
from .node import Node
from .registry import translates


@translates("Gemm", since=7)
def gemm(
    node: Node, a: Var, b: Var, c: Var | None = None, *, alpha: float, beta: float, trans_a: int, trans_b: int
) -> Var:
    """alpha * A' B' + beta * C."""
    product = mb.matmul(x=a, y=b, transpose_x=bool(trans_a), transpose_y=bool(trans_b))
    if alpha != 1:
        product = mb.mul(x=product, y=alpha)
    if c is None or beta == 0:
        return product
    return mb.add(x=product, y=c if beta == 1 else mb.mul(x=c, y=beta))
