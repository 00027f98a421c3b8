"""Slices and padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..common import countable, is_float, length, like, padded, select, static, unsqueezed
from ..mil import Var, is_symbolic, mb
from ..node import Node
from ..registry import translates
from ..values import Array, Ints, Operand

_FAR = np.iinfo(np.int32)


@translates("Slice")
def slice_attributes(node: Node, x: Var, *, starts: Ints, ends: Ints, axes: Ints | None = None) -> Any:
    """x[starts:ends]."""
    return _cut(node, countable(x), starts, ends, axes or range(len(starts)), [1] * len(starts))


@translates("Slice", since=10)
def slice_inputs(
    node: Node, x: Var, starts: Operand, ends: Operand, axes: Array | None = None, steps: Operand | None = None
) -> Any:
    """x[starts:ends:steps] along axes; bounds beyond a length, as exporters write them, mean the end."""
    count = _count(starts, ends)
    positions = range(count) if axes is None else [int(a) for a in axes]
    if steps is not None and not steps.known:
        return _strided(node, countable(x), [starts, ends, steps], positions)
    strides = [1] * count if steps is None else [int(s) for s in steps.content]
    if starts.known and ends.known:
        return _cut(node, countable(x), _bounds(starts.content), _bounds(ends.content), positions, strides)
    return _computed(node, countable(x), starts, ends, positions, strides)


def _strided(node: Node, x: Var, bounds: Sequence[Operand], axes: Sequence[int]) -> Var:
    """Computed steps, which MIL's slices don't support: positions are computed and gathered."""
    given = [_bounds(v.content) if v.known else node.variable(v) for v in bounds]
    for i, axis in enumerate(axes):
        start, stop, step = (mb.gather(x=v, indices=np.int32(i), axis=0) if isinstance(v, Var) else v[i] for v in given)
        size = mb.gather(x=mb.shape(x=x), indices=np.int32(axis % x.rank), axis=0)
        lowest = mb.select(cond=mb.less(x=step, y=0), a=np.int32(-1), b=np.int32(0))
        low, high = (_limited(bound, size, lowest) for bound in (start, stop))
        count = mb.mul(x=mb.floor_div(x=mb.sub(x=low, y=high), y=step), y=np.int32(-1))
        turns = mb.range_1d(start=np.int32(0), end=mb.maximum(x=count, y=np.int32(0)), step=np.int32(1))
        x = mb.gather(x=x, indices=mb.add(x=low, y=mb.mul(x=turns, y=step)), axis=axis)
    return x


def _limited(bound: Any, size: Var, lowest: Var) -> Var:
    """A bound counted from the front and clamped to ``lowest`` .. length + ``lowest``, as in Python."""
    offset = mb.select(cond=mb.less(x=bound, y=np.int32(0)), a=size, b=np.int32(0))
    position = mb.maximum(x=mb.add(x=bound, y=offset), y=lowest)
    return mb.minimum(x=position, y=mb.add(x=size, y=lowest))


def _count(starts: Operand, ends: Operand) -> int:
    return int((starts if starts.known else ends).content.shape[0])


def _bounds(array: Array) -> list[int]:
    """Slice bounds beyond int32 mean "to the end"."""
    return [int(n) for n in np.clip(array.reshape(-1), _FAR.min + 1, _FAR.max)]


def _cut(
    node: Node, x: Var, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int]
) -> Any:
    if static(x) and 0 in (kept := _kept(x, starts, ends, axes, steps)):
        return np.zeros(kept, node.dtype())
    begin, end, stride = [0] * x.rank, [0] * x.rank, [1] * x.rank
    begin_mask, end_mask = [True] * x.rank, [True] * x.rank
    for axis, low, high, step in zip(axes, starts, ends, steps, strict=True):
        position = axis % x.rank
        begin[position], end[position], begin_mask[position], end_mask[position] = _range(
            node, x.shape[position], low, high, step
        )
        stride[position] = step
    if all(begin_mask) and all(end_mask) and set(stride) == {1}:
        return x
    return mb.slice_by_index(x=x, begin=begin, end=end, stride=stride, begin_mask=begin_mask, end_mask=end_mask)


def _kept(x: Var, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int]) -> list[int]:
    """The shape of a slice."""
    shape = [int(d) for d in x.shape]
    for axis, low, high, step in zip(axes, starts, ends, steps, strict=True):
        shape[axis] = len(range(*slice(low, high, step).indices(int(x.shape[axis]))))
    return shape


def _range(node: Node, size: Any, low: int, high: int, step: int) -> tuple[int, int, bool, bool]:
    """begin, end and whether each is open. With a known length all bounds are resolved; else distant ones are open."""
    if not is_symbolic(size):
        found = range(*slice(low, high, step).indices(int(size)))
        if not found:
            raise node.unsupported("its result is empty, and Core ML has no empty tensors")
        return found.start, max(found.stop, 0), False, found.stop < 0
    before, after = low <= -_FAR.max // 2, high >= _FAR.max // 2
    if step < 0:
        return low, high, low >= _FAR.max // 2 or low == -1, high <= -_FAR.max // 2
    return low, high, low == 0 or before, after


def _computed(node: Node, x: Var, starts: Operand, ends: Operand, axes: Sequence[int], steps: Sequence[int]) -> Var:
    """Computed bounds; axes without bounds are not sliced."""
    where = {axis % x.rank: i for i, axis in enumerate(axes)}
    stride = [steps[where[i]] if i in where else 1 for i in range(x.rank)]
    whole = [i not in where for i in range(x.rank)]
    begin, end = (_spread(node, bounds, where, x.rank) for bounds in (starts, ends))
    far = [
        i in where and ends.known and abs(int(ends.content.reshape(-1)[where[i]])) >= _FAR.max // 2
        for i in range(x.rank)
    ]
    open_end = [a or b for a, b in zip(whole, far, strict=True)]
    return mb.slice_by_index(x=x, begin=begin, end=end, stride=stride, begin_mask=whole, end_mask=open_end)


def _spread(node: Node, bounds: Operand, where: dict[int, int], rank: int) -> Any:
    """One bound per axis, from one bound per sliced axis."""
    if bounds.known:
        given = _bounds(bounds.content)
        return np.array([given[where[i]] if i in where else 0 for i in range(rank)], np.int32)
    order = np.array([where.get(i, 0) for i in range(rank)], np.int32)
    return mb.gather(x=bounds.content, indices=order, axis=0)


@translates("Pad", since=2)
def pad_attributes(node: Node, x: Var, *, pads: Ints, mode: str, value: float) -> Var:
    """x padded."""
    return _padded(node, x, np.array(pads), value, mode)


@translates("Pad", since=11)
def pad_inputs(
    node: Node, x: Var, pads: Array, constant_value: Operand | None = None, axes: Array | None = None, *, mode: str
) -> Var:
    """x padded along the given axes, by default all."""
    x = countable(x)
    both = pads.reshape(2, -1)
    full = np.zeros((2, x.rank), np.int64)
    full[:, list(range(x.rank)) if axes is None else [int(a) % x.rank for a in axes]] = both
    if constant_value is not None and not constant_value.known:
        return _padded_with(node, x, full, constant_value)
    number = 0 if constant_value is None else constant_value.content.item()
    return _padded(node, x, full, number, mode)


def _padded_with(node: Node, x: Var, pads: Array, value: Operand) -> Var:
    """Padding with a computed value: wherever a padded tensor of ones is 0."""
    inside = mb.equal(x=_padded(node, mb.mul(x=x, y=like(x, 0)), pads, 1, "constant"), y=like(x, 0))
    around = countable(node.variable(value))
    around = mb.squeeze(x=around) if around.rank else around
    return select(cond=inside, a=_padded(node, x, pads, 0, "constant"), b=around)


def _padded(node: Node, x: Var, pads: Array, number: Any, mode: str) -> Var:
    pads = np.asarray(pads).reshape(2, -1)
    if not pads.any():
        return x
    if mode != "constant":
        return _mirrored(node, x, pads, mode)
    if (pads < 0).any():
        x = _cropped(node, x, pads)
    return padded(x, np.maximum(pads, 0).T, number)


def _cropped(node: Node, x: Var, pads: Array) -> Var:
    cut = np.maximum(-pads, 0)
    ends = [-int(n) if n else _FAR.max for n in cut[1]]
    return _cut(node, x, [int(n) for n in cut[0]], ends, range(x.rank), [1] * x.rank)


NUMPY_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def _mirrored(node: Node, x: Var, pads: Array, mode: str) -> Var:
    """Padding with the tensor's elements: Core ML's own for the last two axes, else by a gather."""
    inner = pads[:, -2:] if x.rank > 1 else pads
    native = is_float(x) and mode in ("reflect", "edge") and (pads >= 0).all() and inner.sum() == pads.sum()
    fits = not static(x) or mode == "edge" or all(p < d for p, d in zip(pads.max(axis=0), x.shape, strict=True))
    if native and fits:
        names = {"reflect": "reflect", "edge": "replicate"}
        added = list(range(max(0, 3 - x.rank)))
        border = inner.T.reshape(-1).astype(np.int32)
        bordered = mb.pad(x=unsqueezed(x, added), pad=border, mode=names[mode])
        return mb.squeeze(x=bordered, axes=added) if added else bordered
    for axis in range(x.rank):
        if pads[:, axis].any():
            x = _gathered(node, x, axis, pads[:, axis], mode)
    return x


def _gathered(node: Node, x: Var, axis: int, pads: Array, mode: str) -> Var:
    count = length(x, axis)
    if not isinstance(count, int):
        raise node.needs_lengths(f"mode '{mode}' needs a known length of axis {axis}")
    before, after = (int(max(n, 0)) for n in pads)
    order = np.pad(np.arange(count), (before, after), mode=NUMPY_MODES[mode])  # type: ignore[call-overload]
    order = order[max(-int(pads[0]), 0) : order.size - max(-int(pads[1]), 0)]
    return mb.gather(x=x, indices=order.astype(np.int32), axis=axis)
