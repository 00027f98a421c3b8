"""Operators on whole tensors."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from ..bind import Ints, Numerics, Op, lowers
from ..dtypes import Dtype
from ..errors import damaged, unsupported
from ..graph import Dim, Graph, Tensor, Tensors
from ..shared.borders import pad_last_axes
from ..shared.suppression import suppressed
from .control_flow import select

PADDINGS = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
"""MIL's padding modes by ONNX's names."""


@lowers("identity", numerics=Numerics.RAW)
def identity(g: Graph, *, x: Tensor) -> Tensor:
    """x."""
    return x


@lowers("shape", numerics=Numerics.RAW)
def shape(g: Graph, *, x: Tensor) -> Tensor:
    """The length of each axis."""
    return g.shape_of(x)


@lowers("concat", numerics=Numerics.RAW)
def concat(g: Graph, *, values: Tensors, axis: int, interleave: bool = False) -> Tensor:
    """``values`` concatenated along ``axis``; with ``interleave`` their slices alternate."""
    values = tuple(g.reshape(v, [1]) if v.rank == 0 else v for v in values)
    if not interleave:
        return g.op("Concat", *values, axis=axis)
    last = g.const([axis % values[0].rank + 1], "int64")
    slices = g.op("Concat", *(g.op("Unsqueeze", v, last) for v in values), axis=axis % values[0].rank + 1)
    return g.op("Reshape", slices, g.shape_of(g.op("Concat", *values, axis=axis)))


@lowers("stack", numerics=Numerics.RAW)
def stack(g: Graph, *, values: Tensors, axis: int) -> Tensor:
    """``values`` stacked along a new axis."""
    position = axis % (values[0].rank + 1)
    new = g.const([position], "int64")
    return g.op("Concat", *(g.op("Unsqueeze", v, new) for v in values), axis=position)


@lowers("split", numerics=Numerics.RAW)
def split(
    g: Graph, op: Op, *, x: Tensor, axis: int, num_splits: int | None = None, split_sizes: Ints | None = None
) -> tuple[Tensor, ...]:
    """x split along ``axis``: into ``split_sizes``, or into ``num_splits`` equal parts."""
    if split_sizes is not None:
        return g.ops("Split", x, g.const(split_sizes, "int64"), outputs=len(split_sizes), axis=axis)
    if num_splits is None:
        raise damaged(str(op), "it has neither num_splits nor split_sizes")
    return g.ops("Split", x, outputs=num_splits, axis=axis, num_outputs=num_splits)


@lowers("tile", numerics=Numerics.RAW)
def tile(g: Graph, *, x: Tensor, reps: Tensor) -> Tensor:
    """x repeated reps[i] times along each axis i."""
    return g.op("Tile", x, g.cast(reps, "int64"))


@lowers("flatten2d", numerics=Numerics.RAW)
def flatten2d(g: Graph, *, x: Tensor, axis: int = 1) -> Tensor:
    """x as a matrix: the axes before ``axis``, and the rest."""
    return g.op("Flatten", x, axis=axis)


@lowers("fill", numerics=Numerics.RAW)
def fill(g: Graph, op: Op, *, shape: Tensor, value: float = 0.0) -> Tensor:
    """A tensor of ``shape`` with ``value`` everywhere."""
    return filled(g, g.cast(shape, "int64"), value, op.outputs[0].dtype)


@lowers("fill_like", opset=16, numerics=Numerics.RAW)
def fill_like(g: Graph, op: Op, *, ref_tensor: Tensor, value: float = 0.0) -> Tensor:
    """A tensor of the shape of ``ref_tensor`` with ``value`` everywhere."""
    return filled(g, g.shape_of(ref_tensor), value, op.outputs[0].dtype)


def filled(g: Graph, shape: Tensor, value: float, dtype: Dtype) -> Tensor:
    """A tensor of a shape that may be computed."""
    return g.op("ConstantOfShape", shape, value=numpy_helper.from_array(np.array([value], dtype)))


@lowers("range_1d")
def range_1d(g: Graph, *, end: Tensor, start: Tensor, step: Tensor) -> Tensor:
    """start, start + step, start + 2 * step, ... below ``end`` (above it for a negative step)."""
    start, end, step = (g.reshape(v, []) for v in (start, end, step))
    if start.dtype.kind != "f":
        return g.op("Range", start, end, step)
    # ONNX Runtime's Range accumulates the steps and their rounding errors.
    first, last, distance = (g.cast(v, "float64") for v in (start, end, step))
    count = g.cast(g.op("Ceil", g.op("Div", g.op("Sub", last, first), distance)), "int64")
    positions = g.op("Range", g.const(0, "int64"), count, g.const(1, "int64"))
    return g.op("Add", start, g.op("Mul", g.cast(positions, start.dtype), step))


@lowers("pad", numerics=Numerics.EXACT)
def pad(g: Graph, op: Op, *, x: Tensor, pad: Tensor, mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """x with pad[2i] elements before and pad[2i + 1] after, along each of the last axes."""
    count = pad.static_shape
    if mode not in PADDINGS or count is None:
        raise unsupported(str(op), f"mode '{mode}' with a pad of shape {pad.shape}")
    padded = pad_last_axes(g, x, g.cast(pad, "int64"), g.like(constant_val, x), PADDINGS[mode])
    if pad.value is not None and mode == "constant" and constant_val == 0:
        g.note_padding(padded, x, [int(n) for n in pad.value])
    return padded


@lowers("band_part", numerics=Numerics.EXACT)
def band_part(g: Graph, *, x: Tensor, lower: int = -1, upper: int = -1) -> Tensor:
    """x with zeros except ``lower`` diagonals below and ``upper`` above the main one; negative numbers mean all."""
    if lower >= 0:
        x = g.op("Trilu", x, g.const(-lower, "int64"), upper=1)
    return x if upper < 0 else g.op("Trilu", x, g.const(upper, "int64"), upper=0)


@lowers("cumsum")
def cumsum(g: Graph, *, x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """The sum of all elements up to each one along ``axis``, itself included unless ``exclusive``."""
    return g.op("CumSum", x, g.const(axis, "int64"), exclusive=int(exclusive), reverse=int(reverse))


@lowers("non_zero", numerics=Numerics.EXACT)
def non_zero(g: Graph, *, x: Tensor) -> Tensor:
    """The coordinates of the non-zero elements, shape (elements, rank)."""
    return g.transpose(g.op("NonZero", x), (1, 0))


@lowers("one_hot", numerics=Numerics.RAW)
def one_hot(
    g: Graph,
    op: Op,
    *,
    indices: Tensor,
    one_hot_vector_size: Tensor,
    axis: int = -1,
    on_value: float = 1,
    off_value: float = 0,
) -> Tensor:
    """A new axis with ``on_value`` at each index, or nowhere if the index is out of bounds."""
    dtype = op.outputs[0].dtype
    position = axis % (indices.rank + 1)
    length = g.reshape(g.cast(one_hot_vector_size, "int64"), [])
    positions = g.op("Range", g.const(0, "int64"), length, g.const(1, "int64"))
    lined_up = g.reshape(positions, [-1, *(1,) * (indices.rank - position)])
    hot = g.op("Equal", g.op("Unsqueeze", g.cast(indices, "int64"), g.const([position], "int64")), lined_up)
    return select(g, cond=hot, a=g.const(on_value, dtype), b=g.const(off_value, dtype))


@lowers("argsort", numerics=Numerics.EXACT)
def argsort(g: Graph, *, x: Tensor, axis: int = -1, ascending: bool = False) -> Tensor:
    """The indices that sort x along ``axis``; equal elements keep their order."""
    return _top(g, x, g.dim(x, axis), axis, ascending)[1]


@lowers("topk", numerics=Numerics.EXACT)
def topk(g: Graph, *, x: Tensor, k: int = 1, axis: int = -1, ascending: bool = False) -> tuple[Tensor, ...]:
    """The ``k`` greatest (or least) elements along ``axis``, all for -1, and their indices."""
    return _top(g, x, g.dim(x, axis) if k == -1 else k, axis, ascending)


@lowers("topk", opset=16, numerics=Numerics.EXACT)
def topk_of_choice(
    g: Graph,
    *,
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
) -> tuple[Tensor, ...]:
    """As before; the indices may be omitted. Without ``sort`` the order is undefined, so sorted results are valid."""
    return topk(g, x=x, k=k, axis=axis, ascending=ascending)[: 2 if return_indices else 1]


@lowers("topk", opset=17, numerics=Numerics.EXACT)
def topk_with_typed_indices(
    g: Graph,
    *,
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> tuple[Tensor, ...]:
    """As before; the declared type of the output is output_indices_dtype."""
    return topk(g, x=x, k=k, axis=axis, ascending=ascending)[: 2 if return_indices else 1]


def _top(g: Graph, x: Tensor, k: Dim, axis: int, ascending: bool) -> tuple[Tensor, ...]:
    return g.ops("TopK", x, g.vector([k]), outputs=2, axis=axis, largest=int(not ascending))


@lowers("non_maximum_suppression", numerics=Numerics.EXACT)
def non_maximum_suppression(
    g: Graph,
    op: Op,
    *,
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    score_threshold: float,
    max_boxes: int,
    per_class_suppression: bool = False,
) -> tuple[Tensor, ...]:
    """The boxes that don't overlap a better one too much, their scores, indices and number."""
    if iou_threshold < 0:
        raise unsupported(str(op), f"iou_threshold {iou_threshold} is negative")
    overlap = g.const(min(iou_threshold, 1.0), "float32")
    least = g.const(score_threshold, "float32")
    return suppressed(g, boxes, scores, max_boxes, overlap, least, per_class_suppression)


@lowers("non_maximum_suppression", opset=17, numerics=Numerics.EXACT)
def non_maximum_suppression_of_columns(
    g: Graph,
    op: Op,
    *,
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    max_boxes: int,
    per_class_suppression: bool = False,
) -> tuple[Tensor, ...]:
    """As before, with boxes along the last axis, without a score threshold, and without the number."""
    chosen, rated, indices, _ = non_maximum_suppression(
        g,
        op,
        boxes=g.transpose(boxes, (0, 2, 1)),
        scores=g.transpose(scores, (0, 2, 1)),
        iou_threshold=iou_threshold,
        score_threshold=-np.inf,
        max_boxes=max_boxes,
        per_class_suppression=per_class_suppression,
    )
    return g.transpose(chosen, (0, 2, 1)), g.transpose(rated, (0, 2, 1)), indices
