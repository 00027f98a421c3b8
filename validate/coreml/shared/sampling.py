"""Bilinear sampling at computed points, as products with matrices of weights.

The weight of a pixel falls linearly from 1 at the point to 0 at a distance of one pixel, so each point has at most two
non-zero weights.
"""

from __future__ import annotations

from ..graph import Dim, Graph, Tensor

STRICT_ALIGN_ENDPOINTS, ALIGN_ENDPOINTS, UPSAMPLE, ROI_ALIGN = range(4)
"""NeuralNetwork.proto's SamplingMode: how points are distributed over an interval."""


def grid(g: Graph, start: Tensor, end: Tensor, count: int, mode: int) -> Tensor:
    """``count`` points from each ``start`` to its ``end`` (both of shape (..., 1)), along the last axis.

    With N points in an interval of X pixels: X = end - start + 1, steps of (X - 1) / (N - 1) for the two modes that
    align endpoints, X / N for UPSAMPLE, and for ROI_ALIGN max(1, X - 1) / N, starting at half a step. No point is past
    the end.
    """
    span = g.op("Sub", end, start)
    if mode in (STRICT_ALIGN_ENDPOINTS, ALIGN_ENDPOINTS):
        centred = count == 1 and mode == ALIGN_ENDPOINTS
        positions = [0.5] if centred else [i / max(count - 1, 1) for i in range(count)]
        return g.op("Add", start, g.op("Mul", span, g.const(positions, "float32")))
    one = g.like(1, span)
    width, offset = (g.op("Add", span, one), 0.0) if mode == UPSAMPLE else (g.op("Max", span, one), 0.5)
    steps = g.const([(i + offset) / count for i in range(count)], "float32")
    return g.op("Min", g.op("Add", start, g.op("Mul", width, steps)), end)


def tent(g: Graph, points: Tensor, length: Dim) -> Tensor:
    """The weights of ``length`` pixels per point, along a new last axis; outer points are clamped to the border."""
    zero, one = g.const(0, "float32"), g.const(1, "float32")
    size = g.cast(g.reshape(g.vector([length]), []), "float32")
    inside = g.op("Min", g.op("Max", points, zero), g.op("Sub", size, one))
    distance = g.op(
        "Abs", g.op("Sub", g.op("Unsqueeze", inside, g.const([-1], "int64")), g.op("Range", zero, size, one))
    )
    return g.op("Max", g.op("Sub", one, distance), zero)


def sampled(g: Graph, x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """``x`` (..., H, W) at the given weights: ``rows`` (..., H', H) * x * transpose(``columns`` (..., W', W))."""
    rank = columns.rank
    turned = g.transpose(columns, (*range(rank - 2), rank - 1, rank - 2))
    return g.op("MatMul", g.op("MatMul", rows, x), turned)
