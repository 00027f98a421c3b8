"""Pairwise coupling: from probabilities of pairs of classes to those of classes (Wu, Lin, Weng 2004, method 2)."""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Tensor


def coupled(g: Graph, first: Tensor, pairs: list[tuple[int, int]], classes: int) -> Tensor:
    """``first`` holds for each pair (i, j) the probability of i. With two classes it is the result.

    Iterated as in libsvm: at most max(100, classes) times, until no gradient exceeds 0.005 / classes.
    """
    if classes == 2:
        return g.op("Concat", first, g.op("Sub", g.like(1, first), first), axis=0)
    q = _quadratic_form(g, first, pairs, classes)
    diagonal = g.op("ReduceSum", g.op("Mul", q, g.const(np.eye(classes))), g.const([1], "int64"), keepdims=0)
    start = g.const(np.full(classes, 1 / classes))
    body = g.subgraph()
    body.input("pass", "int64", ())
    body.input("goes_on", "bool", ())
    p = _sweep(body, q, diagonal, body.input("p", "float64", (classes,)), classes)
    body.output(_is_far(body, q, p, classes))
    body.output(p)
    most = g.const(max(100, classes), "int64")
    types = [(start.dtype, start.shape)]
    return g.ops("Loop", most, _is_far(g, q, start, classes), start, outputs=1, types=types, body=body)[0]


def _quadratic_form(g: Graph, first: Tensor, pairs: list[tuple[int, int]], classes: int) -> Tensor:
    """Q with Q[t, t] = sum of r[j, t]^2 and Q[t, j] = -r[j, t] r[t, j], for r[i, j] the probability of i against j."""
    second = g.op("Sub", g.like(1, first), first)
    every = g.op("Concat", first, second, g.const([0.0], "float64"), axis=0)
    where = np.full((classes, classes), 2 * len(pairs))
    for position, (i, j) in enumerate(pairs):
        where[i, j], where[j, i] = position, position + len(pairs)
    r = g.op("Gather", every, g.const(where))
    turned = g.op("Transpose", r, perm=[1, 0])
    squares = g.op("ReduceSumSquare", r, g.const([0], "int64"), keepdims=0)
    return g.op("Sub", g.op("Mul", g.const(np.eye(classes)), squares), g.op("Mul", r, turned))


def _is_far(g: Graph, q: Tensor, p: Tensor, classes: int) -> Tensor:
    product = g.op("MatMul", q, p)
    error = g.op("ReduceMax", g.op("Abs", g.op("Sub", product, g.op("MatMul", p, product))), keepdims=0)
    return g.op("GreaterOrEqual", error, g.like(0.005 / classes, error))


def _sweep(g: Graph, q: Tensor, diagonal: Tensor, p: Tensor, classes: int) -> Tensor:
    """Each class in turn is set to its optimum, and all are scaled to sum to 1."""
    product = g.op("MatMul", q, p)
    starts = (p, product, g.op("MatMul", p, product))
    body = g.subgraph()
    at = body.input("class", "int64", ())
    goes_on = body.input("goes_on", "bool", ())
    p, product, quadratic = (body.input("state", s.dtype, s.shape) for s in starts)
    own, of_diagonal, row = (body.op("Gather", v, at, axis=0) for v in (product, diagonal, q))
    step = body.op("Div", body.op("Sub", quadratic, own), of_diagonal)
    scale = body.op("Add", step, body.like(1, step))
    chosen = body.cast(body.op("Equal", body.const(np.arange(classes)), at), "float64")
    twice = body.op("Add", body.op("Mul", step, of_diagonal), body.op("Mul", own, body.like(2, own)))
    body.output(goes_on)
    body.output(body.op("Div", body.op("Add", p, body.op("Mul", chosen, step)), scale))
    body.output(body.op("Div", body.op("Add", product, body.op("Mul", row, step)), scale))
    body.output(body.op("Div", body.op("Add", quadratic, body.op("Mul", step, twice)), body.op("Mul", scale, scale)))
    types = [(s.dtype, s.shape) for s in starts]
    return g.ops("Loop", g.const(classes, "int64"), None, *starts, outputs=3, types=types, body=body)[0]
