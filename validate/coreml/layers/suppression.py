"""Non-maximum suppression of boxes, in batches."""

from __future__ import annotations

import numpy as np

from ..floats import indices, number, scalar
from ..graph import Graph, Value
from ..layer import Layer, lowers

BEFORE_ALL = float(np.finfo(np.float32).min)


@lowers("NonMaximumSuppression")
def non_maximum_suppression(
    g: Graph, layer: Layer, boxes: Value, scores: Value, iou: Value | None = None, least_score: Value | None = None,
    most: Value | None = None,
) -> tuple[Value, ...]:  # fmt: skip
    """The surviving boxes, their scores and indices, filled up to maxBoxes, and how many there are.

    Boxes are (x, y, width, height) around their centre. Those below the score threshold go first; of the rest, a box
    goes when it overlaps a better one by more than the IoU threshold. When none is left, the best box of all is.
    """
    p = layer.params
    limit = g.const(p.maxBoxes, "int64") if most is None else scalar(g, indices(g, most))
    overlap = g.const(p.iouThreshold, "float32") if iou is None else scalar(g, iou)
    least = g.const(p.scoreThreshold, "float32") if least_score is None else scalar(g, least_score)
    best = g.op("ReduceMax", scores, g.const([-1], "int64"), keepdims=0)
    by_class = _by_class(g, scores, best) if p.perClassSuppression else g.op("Unsqueeze", best, g.const([1], "int64"))
    kept = _survivors(g, boxes, by_class, limit, overlap, least)
    survivors = g.op("ReduceSum", g.cast(kept, "int64"), g.const([1], "int64"))
    none = g.op("Equal", survivors, g.const(0, "int64"))
    ranked = g.op("Where", g.op("Or", kept, none), best, g.like(BEFORE_ALL, best))
    _, order = g.ops("TopK", ranked, g.vector([g.dim(best, 1)]), outputs=2, axis=1)
    count = g.op("Max", g.op("Min", survivors, limit), g.const(1, "int64"))
    return _filled(g, boxes, scores, order, limit, count)


def _by_class(g: Graph, scores: Value, best: Value) -> Value:
    """(batch, class, box): a box has its score in its best class only."""
    rows = g.transpose(scores, (0, 2, 1))
    depth = g.cast(g.vector([g.dim(scores, -1)]), "int64")
    classes = g.op("Range", g.const(0, "int64"), g.reshape(depth, []), g.const(1, "int64"))
    winner = g.op("ArgMax", rows, axis=1)
    own = g.op("Equal", winner, g.reshape(classes, [1, -1, 1]))
    return g.op("Where", own, rows, g.like(BEFORE_ALL, best))


def _survivors(g: Graph, boxes: Value, scores: Value, limit: Value, iou: Value, least_score: Value) -> Value:
    """Which boxes stay, as (batch, box). A score that equals the threshold is not below it, unlike for ONNX."""
    enough = g.op("GreaterOrEqual", scores, least_score)
    eligible = g.op("Where", enough, scores, g.like(-np.inf, scores))
    selected = g.op(
        "NonMaxSuppression", boxes, eligible, limit, iou, g.const(BEFORE_ALL, "float32"), center_point_box=1
    )  # fmt: skip
    places = g.op("Gather", selected, g.const([0, 2], "int64"), axis=1)
    marks = g.op("Expand", g.const([1.0], "float32"), g.op("Shape", places, start=0, end=1))
    nothing = g.op("Expand", g.const([0.0], "float32"), g.vector([g.dim(boxes, 0), g.dim(boxes, 1)]))
    return g.cast(g.op("ScatterND", nothing, places, marks), "bool")


def _filled(g: Graph, boxes: Value, scores: Value, order: Value, limit: Value, count: Value) -> tuple[Value, ...]:
    """The first ``count`` boxes of each batch in ``order``, then zeros (and -1 as index) up to ``limit``."""
    zero, one = g.const(0, "int64"), g.const(1, "int64")
    places = g.reshape(g.op("Range", zero, limit, one), [1, -1])
    row = g.op("Min", places, g.op("Sub", g.op("Shape", order, start=1, end=2), one))
    wanted = g.op("Expand", row, g.vector([g.dim(order, 0), g.op("Shape", places, start=1, end=2)]))
    chosen = g.op("GatherElements", order, wanted, axis=1)
    is_box = g.op("Less", places, count)
    index = g.op("Where", is_box, chosen, g.const(-1, "int64"))
    rows = [_chosen(g, x, chosen, is_box) for x in (boxes, scores)]
    return (*rows, number(g, index), number(g, g.reshape(count, [-1])))


def _chosen(g: Graph, x: Value, places: Value, is_box: Value) -> Value:
    last = g.const([-1], "int64")
    taken = g.op("GatherND", x, g.op("Unsqueeze", places, last), batch_dims=1)
    return g.op("Where", g.op("Unsqueeze", is_box, last), taken, g.const(0, "float32"))
