"""Non-maximum suppression of boxes, in batches."""

from __future__ import annotations

import numpy as np

from ..graph import Dim, Graph, Tensor


def suppressed(
    g: Graph, boxes: Tensor, scores: Tensor, limit: Dim, iou: Tensor, least_score: Tensor, by_class: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The surviving boxes, their scores and indices, best first, padded to ``limit``; and their number.

    ``boxes`` (batch, box, 4) are x and y of the centre, width and height; ``scores`` are (batch, box, class). A box's
    score is that of its best class. Boxes below ``least_score`` are removed first, then those that overlap a better
    one (of the same best class, with ``by_class``) by more than ``iou``. If none remains, the best of all is kept, as
    in the reference of coremltools' tests. Padding is zeros, and -1 for indices.
    """
    best = g.op("ReduceMax", scores, g.const([-1], "int64"), keepdims=0)
    ranked = _by_class(g, scores, best) if by_class else g.op("Unsqueeze", best, g.const([1], "int64"))
    kept = _survivors(g, boxes, ranked, limit, iou, least_score)
    survivors = g.op("ReduceSum", g.cast(kept, "int64"), g.const([1], "int64"))
    none = g.op("Equal", survivors, g.const(0, "int64"))
    count = g.op("Min", g.op("Max", survivors, g.const(1, "int64")), g.vector([limit]))
    rest = g.op("Where", g.op("Or", kept, none), best, g.like(-np.inf, best))
    # Extended by the possible padding, so that ``limit`` elements can always be taken.
    longer = g.op("Pad", rest, g.vector([0, 0, 0, limit]), g.like(-np.inf, best))
    _, order = g.ops("TopK", longer, g.vector([limit]), outputs=2, axis=1)
    positions = g.op("Range", g.const(0, "int64"), g.reshape(g.vector([limit]), []), g.const(1, "int64"))
    is_box = g.op("Less", positions, count)
    chosen = [_chosen(g, x, order, is_box) for x in (boxes, scores)]
    return chosen[0], chosen[1], g.op("Where", is_box, order, g.const(-1, "int64")), g.reshape(count, [-1])


def _by_class(g: Graph, scores: Tensor, best: Tensor) -> Tensor:
    """Shape (batch, class, box): a box has its score in its best class only."""
    rows = g.transpose(scores, (0, 2, 1))
    count = g.reshape(g.vector([g.dim(scores, -1)]), [])
    classes = g.op("Range", g.const(0, "int64"), count, g.const(1, "int64"))
    own = g.op("Equal", g.op("ArgMax", rows, axis=1), g.reshape(classes, [1, -1, 1]))
    return g.op("Where", own, rows, g.like(-np.inf, best))


def _survivors(g: Graph, boxes: Tensor, ranked: Tensor, limit: Dim, iou: Tensor, least_score: Tensor) -> Tensor:
    """Whether each box is kept, shape (batch, box)."""
    # ONNX removes scores equal to the threshold, Core ML keeps them: so the threshold is applied here.
    eligible = g.op("Where", g.op("Less", ranked, least_score), g.like(-np.inf, ranked), ranked)
    every = g.const(float(np.finfo(np.float32).min), "float32")
    selected = g.op("NonMaxSuppression", boxes, eligible, g.vector([limit]), iou, every, center_point_box=1)
    positions = g.op("Gather", selected, g.const([0, 2], "int64"), axis=1)
    nothing = g.op("Expand", g.const(False, "bool"), g.vector([g.dim(boxes, 0), g.dim(boxes, 1)]))
    marks = g.op("Expand", g.const(True, "bool"), g.op("Shape", positions, start=0, end=1))
    return g.op("ScatterND", nothing, positions, marks)


def _chosen(g: Graph, x: Tensor, order: Tensor, is_box: Tensor) -> Tensor:
    last = g.const([-1], "int64")
    inside = g.op("Where", is_box, order, g.const(0, "int64"))
    taken = g.op("GatherND", x, g.op("Unsqueeze", inside, last), batch_dims=1)
    return g.op("Where", g.op("Unsqueeze", is_box, last), taken, g.like(0, x))
