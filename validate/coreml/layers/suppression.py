"""Non-maximum suppression of boxes."""

from __future__ import annotations

from ..graph import Graph, Tensor
from ..layer import Layer, lowers
from ..shared.floats import indices, number, scalar
from ..shared.suppression import suppressed


@lowers("NonMaximumSuppression")
def non_maximum_suppression(
    g: Graph, layer: Layer, boxes: Tensor, scores: Tensor, iou: Tensor | None = None, least_score: Tensor | None = None,
    most: Tensor | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The surviving boxes, their scores and indices, and their number; inputs override parameters."""
    p = layer.params
    limit = int(p.maxBoxes) if most is None else g.reshape(indices(g, most), [1])
    overlap = g.const(p.iouThreshold, "float32") if iou is None else scalar(g, iou)
    least = g.const(p.scoreThreshold, "float32") if least_score is None else scalar(g, least_score)
    *rows, positions, count = suppressed(g, boxes, scores, limit, overlap, least, p.perClassSuppression)
    return (*rows, number(g, positions), number(g, count))
