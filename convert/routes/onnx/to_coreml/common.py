"""Helpers for all operators: lengths that may be dynamic, and types that an operator doesn't accept."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .mil import Var, is_symbolic, mb, types

Length = Any
"""One axis' length: an int, or a computed int32 vector of one element."""


def countable(x: Var) -> Var:
    """``x``, with truth values as 0 and 1: operators that only move values don't accept bool."""
    return mb.cast(x=x, dtype="int32") if x.dtype == types.bool else x


def floating(x: Var) -> Var:
    """``x`` as fp32."""
    return x if x.dtype == types.fp32 else mb.cast(x=x, dtype="fp32")


def is_float(x: Var) -> bool:
    """Whether ``x`` is fp32."""
    return bool(x.dtype == types.fp32)


def like(x: Var, number: float) -> Any:
    """``number`` as a constant in the type of ``x``."""
    return np.float32(number) if is_float(x) else np.int32(number)


def zero(x: Var) -> Any:
    """0 in the type of ``x``."""
    return like(x, 0)


def select(cond: Var, a: Any, b: Any) -> Var:
    """``a`` where ``cond`` is true, ``b`` elsewhere, broadcast; MIL's own select ignores the shape of ``cond``."""
    shapes = [tuple(np.shape(v)) if not isinstance(v, Var) else tuple(v.shape) for v in (a, b)]
    if any(is_symbolic(d) for d in (*cond.shape, *shapes[0], *shapes[1])):
        return mb.select(cond=cond, a=mb.add(x=a, y=mb.mul(x=mb.cast(x=cond, dtype=_name(b)), y=_zero_of(b))), b=b)
    wanted = np.broadcast_shapes(tuple(cond.shape), *shapes)
    if np.broadcast_shapes(*shapes) != wanted:
        a = mb.add(x=a, y=np.zeros(wanted, np.float32 if _name(b) == "fp32" else np.int32))
    return mb.select(cond=cond, a=a, b=b)


def _name(x: Any) -> str:
    own = x.dtype if isinstance(x, Var) else types.numpy_type_to_builtin_type(x.dtype.type)
    return "fp32" if own == types.fp32 else "int32"


def _zero_of(x: Any) -> Any:
    return np.float32(0) if _name(x) == "fp32" else np.int32(0)


def static(x: Var) -> bool:
    """Whether all lengths of ``x`` are known."""
    return not any(is_symbolic(d) for d in x.shape)


def length(x: Var, axis: int) -> Length:
    """The length of one axis."""
    dim = x.shape[axis]
    if not is_symbolic(dim):
        return int(dim)
    start = axis % x.rank
    return mb.slice_by_index(x=mb.shape(x=x), begin=[start], end=[start + 1])


def lengths(x: Var) -> list[Length]:
    """The lengths of all axes."""
    return [length(x, axis) for axis in range(x.rank)]


def times(parts: Sequence[Length]) -> Length:
    """The product of lengths."""
    known = prod(p for p in parts if isinstance(p, int))
    result: Length = known
    for part in parts:
        if not isinstance(part, int):
            result = part if isinstance(result, int) and result == 1 else mb.mul(x=part, y=result)
    return result


def vector(parts: Sequence[Length]) -> Any:
    """Lengths as one int32 vector: a constant if all are known."""
    if all(isinstance(p, int) for p in parts):
        return np.array(parts, np.int32)
    return mb.concat(values=[np.array([p], np.int32) if isinstance(p, int) else p for p in parts], axis=0)


def reshape(x: Var, parts: Sequence[Length]) -> Var:
    """``x`` in another shape; Core ML infers a single computed length."""
    if not parts:
        return mb.squeeze(x=x) if x.rank else x
    computed = [i for i, p in enumerate(parts) if not isinstance(p, int)]
    if len(computed) == 1 and -1 not in [p for p in parts if isinstance(p, int)]:
        parts = [-1 if i == computed[0] else p for i, p in enumerate(parts)]
    return mb.reshape(x=x, shape=vector(parts))


def transpose(x: Var, perm: Sequence[int]) -> Var:
    """``x`` with its axes in another order; ``x`` itself if the order doesn't change."""
    return x if list(perm) == list(range(len(perm))) else mb.transpose(x=x, perm=list(perm))


def scalar(x: Var) -> Var:
    """A vector of one element as a scalar."""
    return mb.squeeze(x=x) if x.rank else x


def positive_axes(axes: Sequence[int] | Any, rank: int) -> list[int]:
    """Axes counted from the front."""
    return [int(a) % rank for a in axes]


def padded(x: Var, pads: Any, number: float = 0) -> Var:
    """``x`` padded with one number; ``pads`` has (before, after) for each axis. MIL doesn't pad integers."""
    pads = np.asarray(pads, np.int32).reshape(-1, 2)
    if is_float(x):
        return mb.pad(x=x, pad=pads.reshape(-1), mode="constant", constant_val=np.float32(number)) if pads.any() else x
    for axis, (before, after) in enumerate(pads.tolist()):
        sizes = lengths(x)
        parts = [_filled([*sizes[:axis], n, *sizes[axis + 1 :]], number) if n else None for n in (before, after)]
        if before or after:
            x = mb.concat(values=[p for p in (parts[0], x, parts[1]) if p is not None], axis=axis)
    return x


def _filled(sizes: Sequence[Length], number: float) -> Var:
    return mb.fill(shape=vector(sizes), value=np.int32(number))


def sliced(x: Var, axis: int, begin: int, end: int | None = None, step: int = 1) -> Var:
    """``x[begin:end:step]`` along one axis."""
    axis %= x.rank
    begins, ends, steps = [0] * x.rank, [0] * x.rank, [1] * x.rank
    masks = [i != axis or end is None for i in range(x.rank)]
    begins[axis], ends[axis], steps[axis] = begin, 0 if end is None else end, step
    return mb.slice_by_index(x=x, begin=begins, end=ends, stride=steps, end_mask=masks)


def unsqueezed(x: Var, axes: Sequence[int]) -> Var:
    """``x`` with axes of length 1 at ``axes`` of the result; ``x`` itself if there are none.

    A scalar is reshaped: in neural networks it is already a vector of one element.
    """
    if len(axes) and x.rank == 0:
        return mb.reshape(x=x, shape=np.ones(len(axes), np.int32))
    return mb.expand_dims(x=x, axes=list(axes)) if len(axes) else x


def to_rank(x: Var, rank: int) -> Var:
    """``x`` with leading axes of length 1, up to ``rank``."""
    return unsqueezed(x, range(rank - x.rank))


def channelwise(x: Var, rank: int) -> Var:
    """A vector with one element per channel, shaped to broadcast against (N, C, ...)."""
    return unsqueezed(x, range(1, rank - 1))


def positions(count: Length) -> Any:
    """0, 1, 2, ... as an int32 vector."""
    if isinstance(count, int):
        return mb.const(val=np.arange(count, dtype=np.int32))
    return mb.range_1d(start=np.int32(0), end=scalar(count), step=np.int32(1))
