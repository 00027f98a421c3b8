"""Operators with results of data-dependent length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..common import length, lengths, positions, reshape, scalar, select, sliced, times, unsqueezed
from ..mil import Var, mb
from ..node import Node
from ..registry import translates
from ..values import Array


@translates("NonMaxSuppression", since=10)
def non_max_suppression(
    node: Node,
    boxes: Var,
    scores: Var,
    max_output_boxes_per_class: Array | None = None,
    iou_threshold: Array | None = None,
    score_threshold: Array | None = None,
    *,
    center_point_box: int,
) -> Var:
    """(sample, class, box) of the boxes that don't overlap a better one of their class."""
    samples, classes, count = (length(scores, axis) for axis in range(3))
    most = 0 if max_output_boxes_per_class is None else int(max_output_boxes_per_class.reshape(-1)[0])
    if not isinstance(count, int) or not isinstance(samples, int) or not isinstance(classes, int):
        raise node.unsupported("the number of boxes must be known")
    if most < 1:
        raise node.unsupported("its result is empty, and Core ML has no empty tensors")
    limits = [0.0 if t is None else float(t.reshape(-1)[0]) for t in (iou_threshold, score_threshold)]
    lowest = limits[1] if score_threshold is not None else float(np.finfo(np.float32).min)
    centers = boxes if center_point_box else _centers(boxes)
    rows = [
        _suppressed(centers, scores, sample, label, min(most, count), limits[0], lowest)
        for sample in range(samples)
        for label in range(classes)
    ]
    every = mb.concat(values=rows, axis=0)
    return _valid_rows(every)


def _centers(boxes: Var) -> Var:
    """Boxes given by any two opposite corners as centre and size."""
    first, second = sliced(boxes, 2, 0, 2), sliced(boxes, 2, 2, 4)
    middle = mb.mul(x=mb.add(x=first, y=second), y=np.float32(0.5))
    return mb.concat(values=[middle, mb.abs(x=mb.sub(x=second, y=first))], axis=2)


def _suppressed(boxes: Var, scores: Var, sample: int, label: int, most: int, overlap: float, lowest: float) -> Var:
    """(sample, class, box) of one class; rows without a box have a negative one."""
    own = sliced(sliced(scores, 0, sample, sample + 1), 1, label, label + 1)
    _, best, indices, _ = mb.non_maximum_suppression(
        boxes=sliced(boxes, 0, sample, sample + 1),
        scores=mb.transpose(x=own, perm=[0, 2, 1]),
        iou_threshold=np.float32(overlap),
        score_threshold=np.float32(lowest),
        max_boxes=most,
    )
    good = mb.greater(x=reshape(best, [most]), y=np.float32(lowest))
    found = unsqueezed(select(good, reshape(indices, [most]), np.int32(-1)), [1])
    fixed = np.broadcast_to(np.array([[sample, label]], np.int32), (most, 2)).copy()
    return mb.concat(values=[fixed, found], axis=1)


def _valid_rows(rows: Var) -> Var:
    valid = mb.greater_equal(x=mb.squeeze(x=sliced(rows, 1, 2, 3), axes=[1]), y=np.int32(0))
    kept = reshape(mb.non_zero(x=mb.cast(x=valid, dtype="int32")), [-1])
    return mb.gather(x=rows, indices=kept, axis=0)


@translates("Unique", since=11)
def unique(node: Node, x: Var, *, axis: int | None = None, sorted: int) -> Any:
    """The unique elements, the first position of each, the inverse indices, and the counts."""
    if axis is not None and x.rank > 1:
        raise node.unsupported("Core ML has no operator for unique slices")
    x = reshape(x, [times(lengths(x))])
    same = mb.equal(x=unsqueezed(x, [1]), y=unsqueezed(x, [0]))
    ones = mb.cast(x=same, dtype="int32")
    first = mb.reduce_argmax(x=ones, axis=1, keep_dims=False)
    is_first = mb.cast(x=mb.equal(x=first, y=positions(length(x, 0))), dtype="int32")
    order = reshape(mb.non_zero(x=is_first), [-1])
    if sorted:
        smaller = mb.cast(x=mb.less(x=unsqueezed(x, [0]), y=unsqueezed(x, [1])), dtype="int32")
        rank = mb.reduce_sum(x=mb.mul(x=smaller, y=unsqueezed(is_first, [0])), axes=[1])
        order = mb.gather(x=order, indices=mb.argsort(x=mb.gather(x=x, indices=order, axis=0), axis=0, ascending=True))
    else:
        rank = mb.gather(x=mb.sub(x=mb.cumsum(x=is_first, axis=0), y=np.int32(1)), indices=first, axis=0)
    counts = mb.gather(x=mb.reduce_sum(x=ones, axes=[1]), indices=order, axis=0)
    return mb.gather(x=x, indices=order, axis=0), order, rank, counts


@translates("TensorScatter", since=24)
def tensor_scatter(
    node: Node, past: Var, update: Var, write_indices: Var | None = None, *, axis: int, mode: str
) -> Var:
    """A cache with an update written at each sample's own index, wrapping around if circular."""
    position = axis % past.rank
    steps = reshape(positions(length(update, position)), [-1 if i == position else 1 for i in range(past.rank)])
    indices: Any = steps
    if write_indices is not None:
        starts = reshape(write_indices, [-1 if i == 0 else 1 for i in range(past.rank)])
        indices = mb.add(x=steps, y=starts)
    if mode == "circular":
        total = length(past, position)
        indices = mb.mod(x=indices, y=np.int32(total) if isinstance(total, int) else scalar(total))
    zeros = mb.cast(x=mb.mul(x=update, y=np.float32(0)), dtype="int32")
    spread = mb.add(x=indices, y=zeros)
    return mb.scatter_along_axis(data=past, indices=spread, updates=update, axis=position, mode="update")
