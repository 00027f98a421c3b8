"""Operators that take axes, parts, and lengths."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down, plain_up
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up

_BY_AXIS = (
    "ArgMax", "ArgMin", "Compress", "Concat", "Flatten", "Gather", "LogSoftmax", "OneHot", "Softmax", "Hardmax",
    "Split", "Squeeze", "Unsqueeze", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
"""What counts axes from the back (-1 is the last one) from opset 11 on."""


@down(11, *_BY_AXIS)
def axes_from_the_front(w: Rewrite) -> None:
    """Negative axes as positive ones, which takes the rank. Raises InexpressibleError where it isn't known."""
    changed = {}
    axis, axes = w.attribute("axis"), w.attribute("axes")
    if axis is not None and axis < 0:
        changed["axis"] = axis + w.rank() + (w.node.op_type == "OneHot")
    if axes is not None and min(axes, default=0) < 0:
        rank = w.rank() + len(axes) * (w.node.op_type == "Unsqueeze")
        changed["axes"] = sorted(each % rank for each in axes)
    plain_down(w, **changed)


@up(18, "Split")
def split_says_how_many(w: Rewrite) -> None:
    """Without lengths, the number of parts is an attribute."""
    plain_up(w, num_outputs=None if w.has(1) else len(w.node.output))


@down(18, "Split")
def split_without_number(w: Rewrite) -> None:
    """Parts of equal length are the default; a shorter last part needs the lengths written out."""
    count = w.attribute("num_outputs")
    dims = w.dims(0)
    length = None if dims is None else dims[w.attribute("axis")]
    if count is None or length is None or length % count == 0:
        plain_down(w, ["num_outputs"])  # ONNX Runtime refuses a length that can't be divided
        return
    part = -(-length // count)
    lengths = [max(0, min(part, length - part * n)) for n in range(count)]
    plain_down(w, ["num_outputs"], [w.input(0), w.ints(*lengths)])


@down(18, "Pad")
def pad_of_all_axes(w: Rewrite) -> None:
    """Pads of some axes as pads of all of them, 0 for the others."""
    if not w.has(3):
        plain_down(w)
        return
    rank, axes = w.rank(), [int(a) for a in w.fixed(3, "axes")]
    places = np.zeros((2, rank), np.int64)
    places[:, [a % rank for a in axes]] = np.arange(1, 2 * len(axes) + 1).reshape(2, -1)
    with_zero = w.op("Concat", w.ints(0), w.cast(w.input(1), np.int64), axis=0)
    plain_down(w, inputs=[w.input(0), w.op("Gather", with_zero, w.value(places.reshape(-1))), w.input(2)])


@down(19, "Pad")
def pad_by_repetition(w: Rewrite) -> None:
    """Mode ``wrap`` along axes of known length is a choice of elements."""
    if w.attribute("mode") != "wrap":
        plain_down(w)
        return
    rank, pads = w.rank(), w.fixed(1, "pads").reshape(2, -1)
    axes = range(rank) if not w.has(3) else [int(a) % rank for a in w.fixed(3, "axes")]
    choose(w, {axis: ("wrap", int(low), int(high)) for axis, low, high in zip(axes, *pads, strict=True)})


def choose(w: Rewrite, pads: dict[int, tuple[str, int, int]]) -> None:
    """Pad by choosing elements with numpy's rule: axis -> (mode, before, after)."""
    x, dims = w.input(0), w.dims(0) or []
    for axis, (mode, low, high) in pads.items():
        length = dims[axis]
        if length is None:
            raise InexpressibleError(f"the length of axis {axis} isn't known")
        chosen = np.arange(-low, length + high) % length if mode == "wrap" else np.arange(length)
        x = w.op("Gather", x, w.value(chosen, np.int64), axis=axis)
    w.give("Identity", x)


@down(15, "Shape")
def shape_of_some_axes(w: Rewrite) -> None:
    """A part of the shape is a slice of it."""
    start, end = w.attribute("start"), w.attribute("end")
    if not start and end is None:
        plain_down(w, ["start", "end"])
        return
    shape = w.op("Shape", w.input(0))
    bounds = [[start or 0], [np.iinfo(np.int64).max if end is None else end], [0]]
    w.give("Slice", shape, *(w.ints(*bound) for bound in bounds))


@down(14, "Reshape")
def reshape_without_zeros(w: Rewrite) -> None:
    """A 0 in the shape copies a length; with allowzero it is a length, which can't be said otherwise."""
    if w.attribute("allowzero") and (w.fixed(1, "a shape that may hold 0") == 0).any():
        raise InexpressibleError("there a length of 0 in the shape can't be meant literally")
    plain_down(w, ["allowzero"])


@down(10, "Slice")
def slice_by_attributes(w: Rewrite) -> None:
    """Steps of 1 aren't said; with other steps along axes of known length it is a choice of elements."""
    steps = w.constant(4) if w.has(4) else np.ones(1, np.int64)
    if w.has(4) and steps is None:
        raise InexpressibleError("there steps can't be computed by the graph")
    assert steps is not None  # the two cases above
    starts, ends = w.fixed(1, "starts"), w.fixed(2, "ends")
    axes = w.fixed(3, "axes") if w.has(3) else np.arange(len(starts))
    rank = w.rank() if (axes < 0).any() or (steps != 1).any() else 0
    if (steps == 1).all():
        axes = np.where(axes < 0, axes + rank, axes)
        w.give("Slice", w.input(0), starts=starts.tolist(), ends=ends.tolist(), axes=axes.tolist())
        return
    x, dims = w.input(0), w.dims(0) or []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        length = dims[axis]
        if length is None:
            raise InexpressibleError(f"there steps other than 1 need a known length, and that of axis {axis} isn't")
        x = w.op("Gather", x, w.value(_taken(length, int(start), int(end), int(step))), axis=int(axis) % rank)
    w.give("Identity", x)


def _taken(length: int, start: int, end: int, step: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The positions that Slice takes: it clamps, and an end below -length with a negative step includes the first."""
    low, high = (0, length) if step > 0 else (-1, length - 1)
    start = min(max(start + length if start < 0 else start, max(low, 0)), high)
    end = min(max(end + length if end < 0 else end, low), high if step > 0 else length - 1)
    return np.arange(start, end, step, dtype=np.int64)


@down(11, "TopK")
def top_k_of_the_largest(w: Rewrite) -> None:
    """The smallest are the largest of the negatives; the unsorted ones may be sorted."""
    if w.attribute("largest"):
        axis = w.attribute("axis")
        plain_down(w, ["largest", "sorted"], axis=axis if axis >= 0 else axis + w.rank())
        return
    if w.dtype().kind != "f":
        raise InexpressibleError("there TopK takes floating point numbers only")
    axis = w.attribute("axis")
    values = w.new("negative")
    w.keep(
        inputs=[w.op("Neg", w.input(0)), w.input(1)],
        outputs=[values, w.node.output[1]],
        drop=["largest", "sorted"],
        axis=axis if axis >= 0 else axis + w.rank(),
    )
    w.op("Neg", values, outs=w.node.output[:1])
