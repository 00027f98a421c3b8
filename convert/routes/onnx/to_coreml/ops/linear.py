"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import like
from ..mil import Var, mb
from ..node import Node
from ..registry import translates


@translates("MatMul")
def matmul(node: Node, a: Var, b: Var) -> Var:
    """The product of matrices, broadcast over leading axes."""
    vectors = [i for i, x in enumerate((a, b)) if x.rank == 1]
    a = mb.expand_dims(x=a, axes=[0]) if 0 in vectors else a
    b = mb.expand_dims(x=b, axes=[1]) if 1 in vectors else b
    product = mb.matmul(x=a, y=b)
    return mb.squeeze(x=product, axes=[-2 if i == 0 else -1 for i in vectors]) if vectors else product


@translates("Gemm", since=7)
def gemm(
    node: Node, a: Var, b: Var, c: Var | None = None, *, alpha: float, beta: float, trans_a: int, trans_b: int
) -> Var:
    """alpha * A' B' + beta * C; Core ML's fully connected layer if the weights are constant."""
    bias = None if c is None or beta == 0 else c
    if _fully_connected(node, b, bias) and not trans_a:
        weight = (b.val if trans_b else b.val.T) * np.float32(alpha)
        return mb.linear(x=a, weight=weight, **_constant_bias(bias, beta, weight.shape[0]))
    product = mb.matmul(x=a, y=b, transpose_x=bool(trans_a), transpose_y=bool(trans_b))
    product = product if alpha == 1 else mb.mul(x=product, y=like(product, alpha))
    if bias is None:
        return product
    return mb.add(x=product, y=bias if beta == 1 else mb.mul(x=bias, y=like(bias, beta)))


def _fully_connected(node: Node, b: Var, bias: Var | None) -> bool:
    constant = b.val is not None and (bias is None or bias.val is not None)
    return constant and node.dtype().kind == "f" and (bias is None or bias.val.ndim < 2 or bias.shape[0] == 1)


def _constant_bias(bias: Var | None, beta: float, width: int) -> dict[str, Any]:
    if bias is None:
        return {}
    return {"bias": np.broadcast_to(bias.val.reshape(-1) * np.float32(beta), (width,)).copy()}
