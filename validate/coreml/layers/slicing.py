"""Slices, crops and padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import unsupported
from ..graph import Dim, Graph, Tensor
from ..layer import Layer, lowers
from ..ops.slicing import slice_by_index
from ..shared.borders import pad_last_axes
from ..shared.floats import LAST, indices, truth


@lowers("slice")
def slice_one_axis(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Every stride-th element from startIndex to endIndex of the channels, the height or the width."""
    p = layer.params
    bounds = ([p.startIndex], [p.endIndex], [p.axis - 3], [p.stride or 1])
    return g.op("Slice", x, *(g.const(b, "int64") for b in bounds))


@lowers("sliceStatic")
def slice_static(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """x[begin:end:stride] per axis; a mask opens a bound, squeeze selects the element at begin and drops the axis."""
    return slice_dynamic(g, layer, x, g.const(tuple(layer.params.beginIds), "int64"))


@lowers("sliceDynamic")
def slice_dynamic(
    g: Graph, layer: Layer, x: Tensor, begin: Tensor, end: Tensor | None = None, stride: Tensor | None = None,
    begin_mask: Tensor | None = None, end_mask: Tensor | None = None, squeeze_mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The same with bounds, strides and masks that may be computed; inputs override parameters."""
    p = layer.params
    begin, end = (indices(g, v) for v in (begin, end or g.const(tuple(p.endIds)[: x.rank], "int64")))
    squeeze = _marks(layer, x, p.squeezeMasks, squeeze_mask)
    if all(v is None or v.value is not None for v in (stride, begin_mask, end_mask)):
        steps = tuple(p.strides)[: x.rank] if stride is None else tuple(int(s) for s in _content(stride))
        sliced = slice_by_index(
            g, x=x, begin=begin, end=end, stride=steps or None, squeeze_mask=squeeze,
            begin_mask=_marks(layer, x, p.beginMasks, begin_mask), end_mask=_marks(layer, x, p.endMasks, end_mask),
        )  # fmt: skip
        return g.note_scalar(g.reshape(sliced, [1]), sliced) if sliced.shape == () else sliced
    if any(squeeze):
        raise unsupported(str(layer), "squeezeMasks with computed strides or masks have no lowering")
    steps_ = indices(g, stride or g.const(tuple(p.strides)[: x.rank], "int64"))
    forward = g.op("Greater", steps_, g.const(0, "int64"))
    open_begin = begin_mask or g.const(_marks(layer, x, p.beginMasks, None))
    open_end = end_mask or g.const(_marks(layer, x, p.endMasks, None))
    starts = g.op("Where", truth(g, open_begin), _either(g, forward, 0, LAST), begin)
    ends = g.op("Where", truth(g, open_end), _either(g, forward, LAST, -LAST), end)
    return g.op("Slice", x, starts, ends, g.const(np.arange(x.rank)), steps_)


def _either(g: Graph, condition: Tensor, yes: int, no: int) -> Tensor:
    return g.op("Where", condition, g.const(yes, "int64"), g.const(no, "int64"))


def _marks(layer: Layer, x: Tensor, stored: Sequence[bool], given: Tensor | None) -> tuple[bool, ...]:
    """A mask with one element per axis (coremltools may store more); the rank of the result depends on it."""
    if given is not None:
        if given.value is None:
            raise unsupported(
                str(layer), "the result's rank is unknown because the squeeze mask is computed by the model"
            )
        stored = [bool(v) for v in _content(given)]
    return tuple(stored[: x.rank]) or (False,) * x.rank


def _content(x: Tensor) -> list[float]:
    return [] if x.value is None else list(x.value.reshape(-1).tolist())


@lowers("sliceBySize")
def slice_by_size(g: Graph, layer: Layer, x: Tensor, begin: Tensor) -> Tensor:
    """``size`` elements along ``axis`` from the index in the second input; a negative index counts from the end."""
    p = layer.params
    start = g.reshape(indices(g, begin), [1])
    length = g.vector([g.dim(x, p.axis)])
    start = g.op("Where", g.op("Less", start, g.const(0, "int64")), g.op("Add", start, length), start)
    end = g.op("Add", start, g.const([p.size], "int64"))
    sliced = g.op("Slice", x, start, end, g.const([p.axis], "int64"))
    axis = p.axis % x.rank
    return g.typed(sliced, tuple(p.size if a == axis else d for a, d in enumerate(x.shape or ())))


@lowers("crop")
def crop(g: Graph, layer: Layer, x: Tensor, like: Tensor | None = None) -> Tensor:
    """x without a border, or a window at an offset with the height and width of the second input."""
    p = layer.params
    if like is None:
        borders = p.cropAmounts.borderAmounts
        starts: list[Dim] = [b.startEdgeSize for b in borders]
        ends: list[Dim] = [-b.endEdgeSize or LAST for b in borders]
    else:
        offset = tuple(p.offset) or (0, 0)
        starts = list(offset)
        ends = [g.calc("Add", o, g.dim(like, axis)) for o, axis in zip(offset, (-2, -1), strict=True)]
    return g.op("Slice", x, g.vector(starts), g.vector(ends), g.const((-2, -1), "int64")) if starts else x


PADDING = {"constant": "constant", "reflection": "reflect", "replication": "edge"}


@lowers("padding")
def padding(g: Graph, layer: Layer, x: Tensor) -> Tensor:
    """Padding of height and width: constant, reflected, or with the edge elements."""
    p = layer.params
    kind = p.WhichOneof("PaddingType") or "constant"
    borders = p.paddingAmounts.borderAmounts
    amounts = [edge for b in borders for edge in (b.startEdgeSize, b.endEdgeSize)]
    if not any(amounts):
        return x
    value = g.like(p.constant.value, x) if kind == "constant" else None
    padded = pad_last_axes(g, x, g.const(amounts, "int64"), value, PADDING[kind])
    if kind == "constant" and p.constant.value == 0:
        g.note_padding(padded, x, amounts)
    return padded


@lowers("constantPad")
def constant_pad(g: Graph, layer: Layer, x: Tensor, amounts: Tensor | None = None) -> Tensor:
    """Constant padding of any axes: amounts before and after each axis, or the resulting lengths."""
    p = layer.params
    given = amounts or g.const(tuple(p.padAmounts), "int64")
    pads = _pads(g, indices(g, given), x, p.padToGivenOutputSizeMode)
    return g.typed(g.op("Pad", x, pads, g.like(p.value, x)), (None,) * x.rank)


def _pads(g: Graph, pairs: Tensor, x: Tensor, are_lengths: bool) -> Tensor:
    """ONNX's list of pads: all begins first, then all ends."""
    shape = x.static_shape
    if pairs.value is not None and (shape is not None or not are_lengths):
        by_end = pairs.value.reshape(x.rank, 2).T
        return g.const((np.maximum(by_end - shape, 0) if are_lengths else by_end).reshape(-1))
    by_end_ = g.transpose(g.reshape(pairs, [x.rank, 2]), (1, 0))
    if are_lengths:
        by_end_ = g.op("Max", g.op("Sub", by_end_, g.shape_of(x)), g.const(0, "int64"))
    return g.reshape(by_end_, [-1])
