"""Reductions over some axes (all by default) or, for arg*, over one."""

from __future__ import annotations

from collections.abc import Callable

from ..bind import MIL, Ints, Numerics
from ..graph import Graph, Tensor

EXACT = {"reduce_max": "ReduceMax", "reduce_min": "ReduceMin"}
WHOLE = {
    "reduce_l1_norm": "ReduceL1",
    "reduce_prod": "ReduceProd",
    "reduce_sum": "ReduceSum",
    "reduce_sum_square": "ReduceSumSquare",
}
REAL = {
    "reduce_l2_norm": "ReduceL2",
    "reduce_log_sum": "ReduceLogSum",
    "reduce_log_sum_exp": "ReduceLogSumExp",
    "reduce_mean": "ReduceMean",
}
"""Reductions whose result is a real number: integers are reduced as floats, and the result is truncated."""


def reduction(kind: str, real: bool) -> Callable[..., Tensor]:
    """The lowering of a reduction that is one ONNX operator."""

    def lowering(g: Graph, *, x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
        operand = g.cast(x, "float32") if real else x
        where = None if axes is None else g.const(axes, "int64")
        # Without axes ONNX reduces all of them; an empty list of axes reduces none.
        reduced = g.op(kind, operand, where, keepdims=int(keep_dims), noop_with_empty_axes=int(axes == ()))
        return g.cast(reduced, x.dtype)

    return lowering


for _name, _kind in WHOLE.items():
    MIL.add(_name, reduction(_kind, real=False))
for _name, _kind in REAL.items():
    MIL.add(_name, reduction(_kind, real=True))
for _name, _kind in EXACT.items():
    MIL.add(_name, reduction(_kind, real=False), numerics=Numerics.EXACT)


def _arg(kind: str) -> Callable[..., Tensor]:
    def lowering(g: Graph, *, x: Tensor, axis: int = -1, keep_dims: bool = False) -> Tensor:
        return g.op(kind, x, axis=axis, keepdims=int(keep_dims))

    return lowering


def _typed_arg(kind: str) -> Callable[..., Tensor]:
    def lowering(
        g: Graph, *, x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32"
    ) -> Tensor:
        # The declared type of the output is output_dtype.
        return _arg(kind)(g, x=x, axis=axis, keep_dims=keep_dims)

    return lowering


for _name, _kind in {"reduce_argmax": "ArgMax", "reduce_argmin": "ArgMin"}.items():
    MIL.add(_name, _arg(_kind))
    MIL.add(_name, _typed_arg(_kind), opset=17)
