"""GatherElements and GatherND on tensors of known shape: gathers from a list, whose places are computed."""

from __future__ import annotations

import numpy as np

from ..plain import plain_down
from ..refusal import InexpressibleError
from ..rewrite import Rewrite
from ..rules import down


def _known(w: Rewrite, index: int) -> list[int]:
    dims = w.dims(index)
    if dims is None or None in dims:
        raise InexpressibleError(f"{w.node.op_type} isn't there, and the shape of '{w.input(index)}' isn't known")
    return [int(n or 0) for n in dims]


@down(11, "GatherElements")
def elements_of_a_list(w: Rewrite) -> None:
    """The place of an element in the list: its own along all axes but one, along which the index says it."""
    data, wanted = _known(w, 0), _known(w, 1)
    axis = w.attribute("axis") % len(data)
    strides = _strides(data)
    own = [np.arange(n) * s * (n_axis != axis) for n_axis, (n, s) in enumerate(zip(wanted, strides, strict=True))]
    places = sum(np.ix_(*own), np.zeros((), np.int64)).astype(np.int64)
    index = _from_the_front(w, w.cast(w.input(1), np.int64), data[axis])
    place = w.op("Add", w.op("Mul", index, w.value(strides[axis], np.int64)), w.value(places))
    w.give("Gather", w.op("Reshape", w.input(0), w.ints(-1)), place, axis=0)


@down(12, "GatherND")
def batches_are_new(w: Rewrite) -> None:
    """Batches by a list of all slices."""
    if w.attribute("batch_dims"):
        slices_of_a_list(w)
    else:
        plain_down(w, ["batch_dims"])


@down(11, "GatherND")
def slices_of_a_list(w: Rewrite) -> None:
    """The last axis of the indices says which slice, of the list of all slices."""
    data, wanted = _known(w, 0), _known(w, 1)
    batch, count = w.attribute("batch_dims") or 0, wanted[-1]
    used = data[batch : batch + count]
    index = _from_the_front(w, w.input(1), w.value(used, np.int64))
    terms = w.op("Mul", index, w.value(_strides(used), np.int64))
    place = w.with_axes("ReduceSum", terms, [len(wanted) - 1], keepdims=0)
    if batch:
        firsts = np.arange(np.prod(data[:batch])) * np.prod(used)
        shape = [*data[:batch], *[1] * (len(wanted) - 1 - batch)]
        place = w.op("Add", place, w.value(firsts.reshape(shape), np.int64))
    rest = data[batch + count :]
    w.give("Gather", w.op("Reshape", w.input(0), w.ints(-1, *rest)), place, axis=0)


def _strides(dims: list[int]) -> list[int]:
    return [int(np.prod(dims[axis + 1 :])) for axis in range(len(dims))]


def _from_the_front(w: Rewrite, index: str, length: int | str) -> str:
    """Negative indices count from the back."""
    size = length if isinstance(length, str) else w.value(length, np.int64)
    return w.op("Where", w.op("Less", index, w.value(0, np.int64)), w.op("Add", index, size), index)
