"""Trees after scalers: their thresholds are converted to the scaler's input, so that rounding can't move a sample.

A scaler that computes slightly differently from scikit-learn's (in double rather than single precision, with a product
rather than a division) moves a sample that lies on a threshold to the other side. But a scaler never decreases, so that
for each threshold there is a greatest input whose scaled value doesn't exceed it; bisection finds it with the fitted
scaler's own ``transform``. The trees then read the scaler's inputs, and the scaler is dropped.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.trees.tree import Tree
from .single_precision import widen_limit
from .wires import Columns, Origin, width_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from .wires import Floats

    Ints = npt.NDArray[np.int64]

_BITS = 64
"""Bits of a double, which bound the steps of a bisection."""


def undo_scalers(columns: Columns, trees: Sequence[Tree]) -> tuple[Columns, Sequence[Tree]]:
    """The table before all scalers at the end of ``columns``, and trees that send it where the given ones do."""
    while any(wire.origin for wire in columns):
        before: Columns = ()
        for wire in columns:
            if wire.origin:
                trees = _before(trees, width_of(before), wire.origin)
            before += wire.origin.columns if wire.origin else (wire,)
        columns = before
    return columns, trees


def _before(trees: Sequence[Tree], first: int, origin: Origin) -> list[Tree]:
    """The trees with new thresholds for the features from ``first`` on, which ``origin`` computes."""
    feature, threshold, left = (
        np.concatenate([getattr(tree, name) for tree in trees]) for name in ("feature", "threshold", "left")
    )
    own = (left >= 0) & (feature >= first) & (feature < first + width_of(origin.columns))
    threshold[own] = _limits(feature[own] - first, threshold[own], origin)
    ends = np.cumsum([len(tree.left) for tree in trees])[:-1]
    return [replace(tree, threshold=part) for tree, part in zip(trees, np.split(threshold, ends), strict=True)]


def _limits(column: Ints, limit: Floats, origin: Origin) -> Floats:
    """For each column and limit the greatest number that ``origin`` maps to at most the limit."""
    pairs, inverse = np.unique(np.column_stack([column, limit]), axis=0, return_inverse=True)
    column, limit = pairs[:, 0].astype(np.int64), pairs[:, 1]
    rank = np.arange(len(column)) - np.searchsorted(column, column)
    dtype: Any = np.float32 if all(wire.single for wire in origin.columns) else np.float64

    def is_within(code: Ints) -> npt.NDArray[np.bool_]:
        table = np.zeros((rank.max(initial=0) + 1, width_of(origin.columns)), dtype)
        table[rank, column] = _number(code, dtype)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a scaler that was fitted on a frame warns of missing names
            result: Floats = np.asarray(origin.function(table), np.float64)
        within: npt.NDArray[np.bool_] = result[rank, column] <= limit
        return within

    found = _bisected(is_within, len(column), dtype)
    return (widen_limit(found) if dtype == np.float32 else found)[inverse.ravel()]


def _bisected(is_within: Any, count: int, dtype: Any) -> Floats:
    """The greatest numbers that are within; infinite where all are or none is."""
    most = int(np.array(np.finfo(dtype).max, dtype).view(f"i{np.dtype(dtype).itemsize}"))
    low, high = np.full(count, -most), np.full(count, most)
    none, every = ~is_within(low), is_within(high)
    for _ in range(_BITS):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        within = is_within(middle)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    number = _number(low, dtype).astype(np.float64)
    return np.where(none, -np.inf, np.where(every, np.inf, number))


def _number(code: Ints, dtype: Any) -> Floats:
    """The number at that position in the order of all floats: 0 is zero, and neighbours differ by 1."""
    size = np.dtype(dtype).itemsize
    number: Floats = np.copysign(np.abs(code).astype(f"i{size}").view(dtype), code).astype(dtype)
    return number
