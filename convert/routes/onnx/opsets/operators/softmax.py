"""Softmax, LogSoftmax and Hardmax: below opset 13 they work on a matrix, into which ``axis`` splits the shape."""

from __future__ import annotations

import numpy as np

from ..rewrite import Rewrite
from ..rules import down, up

_FAMILY = ("Softmax", "LogSoftmax", "Hardmax")


@up(13, *_FAMILY)
def along_the_last_axis(w: Rewrite) -> None:
    """Along the last axis both mean the same; else the matrix is made and undone."""
    axis, dims = w.attribute("axis"), w.dims(0)
    if dims is not None and (axis == -1 or axis == len(dims) - 1):
        w.keep(axis=-1)
        return
    x = w.input(0)
    flat = w.op(w.node.op_type, w.op("Flatten", x, axis=axis), axis=-1)
    w.give("Reshape", flat, w.op("Shape", x))


@down(13, *_FAMILY)
def along_one_axis(w: Rewrite) -> None:
    """Along the last axis both mean the same; another axis is made the last one."""
    axis, dims = w.attribute("axis"), w.dims(0)
    if axis == -1 or (dims is not None and axis == len(dims) - 1):
        w.keep(axis=axis)
        return
    rank = w.rank()
    order = [n for n in range(rank) if n != axis % rank] + [axis % rank]
    moved = w.op(w.node.op_type, w.op("Transpose", w.input(0), perm=order), axis=rank - 1)
    w.give("Transpose", moved, perm=np.argsort(order).tolist())
