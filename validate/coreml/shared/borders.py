"""Padding of the last axes of a tensor."""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Tensor
from ..rules import broken


def pad_last_axes(g: Graph, x: Tensor, pairs: Tensor, value: Tensor | None, mode: str) -> Tensor:
    """ONNX's Pad with ``pairs`` (int64, before and after) for each of the last axes.

    The amounts cover all axes; Pad's fourth input isn't used: when ONNX Runtime (1.31) moves a transpose through a
    Pad, it reorders the amounts as if there were one for each axis.
    """
    assert pairs.shape is not None  # a vector; the callers know its length
    zeros = np.zeros(2 * x.rank - (pairs.shape[0] or 0), np.int64)
    if pairs.value is not None:
        by_axis = np.concatenate([zeros, pairs.value.astype(np.int64)]).reshape(-1, 2)
        if mode == "reflect" and any(
            d is not None and most >= max(d, 1) for d, most in zip(x.shape or (), by_axis.max(axis=1), strict=True)
        ):
            raise broken(g.place, [x.shape])
        amounts = g.const(by_axis.T.reshape(-1))
    else:
        whole = g.op("Concat", g.const(zeros), pairs, axis=0)
        amounts = g.reshape(g.transpose(g.reshape(whole, [-1, 2]), (1, 0)), [-1])
    return g.op("Pad", x, amounts, value, mode=mode)
