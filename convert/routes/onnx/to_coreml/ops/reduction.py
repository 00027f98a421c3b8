"""Reductions along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..common import countable, floating, length, padded, scalar, select, sliced
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Ints

Reduction = Callable[..., Var]


def _log_sum(*, x: Var, **more: Any) -> Var:
    return mb.log(x=mb.reduce_sum(x=x, **more), epsilon=np.float32(0))


def _norm(*, x: Var, **more: Any) -> Var:
    return mb.sqrt(x=mb.reduce_sum(x=mb.square(x=x), **more))


def _log_sum_exp(*, x: Var, axes: list[int], keep_dims: bool) -> Var:
    """Shifted by the maximum, unless it is infinite: then the sum is infinite or 0."""
    highest = mb.reduce_max(x=x, axes=axes, keep_dims=True)
    largest = np.finfo(np.float32).max
    shift = mb.minimum(x=mb.maximum(x=highest, y=-largest), y=largest)
    sums = _log_sum(x=mb.exp(x=mb.sub(x=x, y=shift)), axes=axes, keep_dims=True)
    result = mb.add(x=sums, y=shift)
    return result if keep_dims else mb.squeeze(x=result, axes=axes)


def _sum_square(*, x: Var, **more: Any) -> Var:
    return mb.reduce_sum(x=mb.mul(x=x, y=x), **more)


def _sum_abs(*, x: Var, **more: Any) -> Var:
    return mb.reduce_sum(x=mb.abs(x=x), **more)


REDUCTIONS: dict[str, Reduction] = {
    "ReduceL1": _sum_abs,
    "ReduceL2": _norm,
    "ReduceLogSum": _log_sum,
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": mb.reduce_max,
    "ReduceMean": mb.reduce_mean,
    "ReduceMin": mb.reduce_min,
    "ReduceProd": mb.reduce_prod,
    "ReduceSum": mb.reduce_sum,
    "ReduceSumSquare": _sum_square,
}
_ROUNDING = {"ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean"}


@translates(*REDUCTIONS)
def reduce_attributes(node: Node, x: Var, *, axes: Ints = (), keepdims: int) -> Var:
    """Along the axes of the attribute, by default all."""
    return _reduced(node, x, [int(a) for a in axes], keepdims, all_axes=True)


@translates("ReduceSum", since=13)
@translates(*REDUCTIONS.keys() - {"ReduceSum"}, since=18)
def reduce_inputs(node: Node, x: Var, axes: Array | None = None, *, keepdims: int, noop_with_empty_axes: int) -> Var:
    """Along the axes of the second input, by default all, or with ``noop_with_empty_axes`` none."""
    given = [] if axes is None else [int(a) for a in axes.reshape(-1)]
    return _reduced(node, x, given, keepdims, all_axes=not noop_with_empty_axes)


def _reduced(node: Node, x: Var, axes: list[int], keepdims: int, all_axes: bool) -> Var:
    """Without axes ONNX maps every element; Core ML then reduces an additional leading axis of length 1."""
    x = floating(x) if node.type in _ROUNDING else countable(x)
    operator = REDUCTIONS[node.type]
    if x.rank == 0 or not (axes or all_axes):
        return operator(x=mb.expand_dims(x=x, axes=[0]), axes=[0], keep_dims=False)
    axes = [a % x.rank for a in axes] or list(range(x.rank))
    result = operator(x=x, axes=axes, keep_dims=bool(keepdims))
    return mb.greater(x=result, y=np.int32(0)) if node.dtype().kind == "b" else result


@translates("ArgMax", "ArgMin")
def arg(node: Node, x: Var, *, axis: int, keepdims: int, select_last_index: int = 0) -> Var:
    """The index of the largest or smallest element: of equal elements the first, or the last."""
    operator = mb.reduce_argmax if node.type == "ArgMax" else mb.reduce_argmin
    if not select_last_index:
        return operator(x=x, axis=axis, keep_dims=bool(keepdims))
    found = operator(x=mb.reverse(x=x, axes=[axis % x.rank]), axis=axis, keep_dims=bool(keepdims))
    count = length(x, axis)
    last = np.int32(count - 1) if isinstance(count, int) else mb.sub(x=scalar(count), y=np.int32(1))
    return mb.sub(x=last, y=found)


@translates("CumSum", since=11)
def cumsum(node: Node, x: Var, axis: Array, *, exclusive: int, reverse: int) -> Var:
    """Running sums along an axis."""
    position = int(axis.reshape(-1)[0]) % x.rank
    return mb.cumsum(x=x, axis=position, exclusive=bool(exclusive), reverse=bool(reverse))


@translates("CumProd", since=26)
def cumprod(node: Node, x: Var, axis: Array, *, exclusive: int, reverse: int) -> Var:
    """Running products along an axis, in log2(length) steps of doubling distance."""
    position = int(axis.reshape(-1)[0]) % x.rank
    count = length(x, position)
    if not isinstance(count, int):
        raise node.unsupported("the length of its axis is unknown")
    if exclusive:
        x = _shifted(x, position, 1, bool(reverse))
    step = 1
    while step < count:
        x = mb.mul(x=x, y=_shifted(x, position, step, bool(reverse)))
        step *= 2
    return x


def _shifted(x: Var, position: int, step: int, back: bool) -> Var:
    """x shifted by ``step`` along an axis, filled with ones."""
    size = int(x.shape[position])
    kept = sliced(x, position, step, size) if back else sliced(x, position, 0, size - step)
    pads = np.zeros((x.rank, 2), np.int32)
    pads[position, int(back)] = step
    return padded(kept, pads, 1)


@translates("TopK")
def top_k_attribute(node: Node, x: Var, *, k: int, axis: int) -> Any:
    """The k largest along an axis."""
    return mb.topk(x=x, k=k, axis=axis, ascending=False)


@translates("TopK", since=10)
def top_k(node: Node, x: Var, k: Array, *, axis: int, largest: int = 1, sorted: int = 1) -> Any:
    """The k largest or smallest along an axis, and their indices."""
    return mb.topk(x=x, k=int(k.reshape(-1)[0]), axis=axis, ascending=not largest)


@translates("LpNormalization")
def lp_normalization(node: Node, x: Var, *, axis: int, p: int) -> Var:
    """x divided by its norm along an axis; 0 if the norm is 0."""
    norm = (_sum_abs if p == 1 else _norm)(x=x, axes=[axis], keep_dims=True)
    empty = mb.equal(x=norm, y=np.float32(0))
    return select(cond=empty, a=np.float32(0), b=mb.real_div(x=x, y=select(cond=empty, a=np.float32(1), b=norm)))
