"""Normalisations."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down, up


@up(9, "BatchNormalization")
def one_statistic_per_channel(w: Rewrite) -> None:
    """spatial=0 had a mean and a variance for every element of a row; that is arithmetic."""
    if w.attribute("spatial"):
        w.keep(drop=["spatial"])
        return
    x, scale, bias, mean, variance = w.node.input
    w.give("Add", w.op("Mul", _standardised(w, x, mean, variance), scale), bias)


def _standardised(w: Rewrite, x: str, mean: str, variance: str) -> str:
    epsilon = w.value(w.attribute("epsilon"), w.dtype())
    deviation = w.op("Sqrt", w.op("Add", variance, epsilon))
    return w.op("Div", w.op("Sub", x, mean), deviation)


@up(14, "BatchNormalization")
def training_is_an_attribute(w: Rewrite) -> None:
    """With more than one output it was training."""
    if w.uses(3) or w.uses(4):
        raise InexpressibleError("its outputs saved_mean and saved_var were withdrawn in opset 14")
    w.keep(training_mode=1 if w.uses(1) or w.uses(2) else None)


@down(14, "BatchNormalization")
def training_is_arithmetic(w: Rewrite) -> None:
    """Mean and variance of the batch, and their running means."""
    if not w.attribute("training_mode"):
        plain_down(w, ["training_mode"])
        return
    x, scale, bias, old_mean, old_variance = w.node.input
    rank = w.rank()
    axes = [axis for axis in range(rank) if axis != 1]
    mean = w.with_axes("ReduceMean", x, axes, keepdims=1)
    apart = w.op("Sub", x, mean)
    variance = w.with_axes("ReduceMean", w.op("Mul", apart, apart), axes, keepdims=1)
    channels = w.ints(*(-1 if axis == 1 else 1 for axis in range(rank)))
    scaled = w.op("Mul", _standardised(w, x, mean, variance), w.op("Reshape", scale, channels))
    w.op("Add", scaled, w.op("Reshape", bias, channels), outs=w.node.output[:1])
    for index, old, new in ((1, old_mean, mean), (2, old_variance, variance)):
        if w.uses(index):
            _running(w, old, w.op("Reshape", new, w.ints(-1)), w.node.output[index])


def _running(w: Rewrite, old: str, new: str, output: str) -> None:
    momentum, dtype = w.attribute("momentum"), w.dtype()
    kept, added = w.value(momentum, dtype), w.value(1 - np.float32(momentum), dtype)
    w.op("Add", w.op("Mul", old, kept), w.op("Mul", new, added), outs=[output])


@up(21, "GroupNormalization")
def factors_for_each_channel(w: Rewrite) -> None:
    """Scale and bias of a group are repeated for each of its channels.

    Some exporters wrote them for channels already; those stay.
    """
    groups, dims, given = w.attribute("num_groups"), w.dims(0), w.dims(1)
    channels = dims[1] if dims is not None and len(dims) > 1 else None
    if channels is not None and given == [channels]:
        w.keep()
        return
    if given is not None and given[0] not in (None, groups):
        raise InexpressibleError(f"it has {groups} groups and {given[0]} scales")
    w.keep(inputs=[w.input(0), _repeated(w, 1, groups, channels), _repeated(w, 2, groups, channels)])


def _repeated(w: Rewrite, index: int, groups: int, channels: int | None) -> str:
    value = w.constant(index)
    if value is not None and channels is not None:
        return w.value(np.repeat(value, channels // groups))
    count = w.op("Div", w.op("Shape", w.input(0), start=1, end=2), w.ints(groups))
    column = w.with_axes("Unsqueeze", w.input(index), [1])
    return w.op("Reshape", w.op("Expand", column, w.op("Concat", w.ints(1), count, axis=0)), w.ints(-1))
