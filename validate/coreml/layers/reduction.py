"""Reductions over some axes, or over one to the index of its extreme element."""

from __future__ import annotations

from functools import partial

from ..errors import damaged, unsupported
from ..graph import Graph, Tensor
from ..layer import LAYERS, Layer, lowers
from ..shared.floats import at_least_1d, number

ND = {
    "reduceL1": "ReduceL1",
    "reduceL2": "ReduceL2",
    "reduceLogSum": "ReduceLogSum",
    "reduceLogSumExp": "ReduceLogSumExp",
    "reduceMax": "ReduceMax",
    "reduceMean": "ReduceMean",
    "reduceMin": "ReduceMin",
    "reduceProd": "ReduceProd",
    "reduceSum": "ReduceSum",
    "reduceSumSquare": "ReduceSumSquare",
}


def _reduction(kind: str, g: Graph, layer: Layer, x: Tensor) -> Tensor:
    p = layer.params
    axes = None if p.reduceAll or not p.axes else g.const(tuple(p.axes), "int64")
    return at_least_1d(g, g.op(kind, x, axes, keepdims=int(p.keepDims)))


for _layer, _kind in ND.items():
    LAYERS.add(_layer, partial(_reduction, _kind))

MODES = ("ReduceSum", "ReduceMean", "ReduceProd", "ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceMax",
         "ReduceMin")  # fmt: skip
LOGSUM, ARGMAX = 3, 9
AXES = ((-3, -2, -1), (-2, -1), (-3,), (-2,), (-1,))
"""ReduceLayerParams.ReduceAxis: CHW, HW, C, H, W."""


@lowers("reduce")
def reduce(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """The older reduction, over channel, height or width, which remain as axes of length 1."""
    p = layer.params
    axes = AXES[p.axis]
    if p.mode == ARGMAX:
        if len(axes) > 1:
            raise damaged(str(layer), "ARGMAX needs exactly one axis")
        return number(g, g.op("ArgMax", x, axis=axes[0]))
    if p.mode >= len(MODES):
        raise unsupported(str(layer), f"the reduction {p.mode} is unknown")
    if p.mode == LOGSUM:
        x = g.op("Log", g.op("Add", x, g.like(p.epsilon or 1e-6, x)))
    return g.op(MODES[p.mode], x, g.const(axes, "int64"))


def _extreme(kind: str, g: Graph, layer: Layer, x: Tensor) -> Tensor:
    return number(g, g.op(kind, x, axis=layer.params.axis, keepdims=int(not layer.params.removeDim)))


for _layer, _kind in {"argMax": "ArgMax", "argMin": "ArgMin"}.items():
    LAYERS.add(_layer, partial(_extreme, _kind))
