"""The exact changes that a converter makes to an array: axes moved, shape changed, order of rows."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ..signature import Array

    Rows = npt.NDArray[np.int64]

_MOST_AXES = 5
_IN_PLACE = 0.5
_MOST_BLOCKS = 8
"""Gates of recurrent cells are at most four blocks, queries, keys and values three."""


def arranged(parameter: Array, constant: Array) -> bool:
    """Whether the constant is the parameter with its axes moved and its shape changed."""
    return any(same(each.reshape(-1), constant.reshape(-1)) for each in transposed(parameter))


def transposed(array: Array) -> Iterator[Array]:
    """The array with its axes in every order (of axes longer than 1)."""
    plain = array.reshape([length for length in array.shape if length > 1])
    if plain.ndim > _MOST_AXES:
        yield plain
        return
    for order in permutations(range(plain.ndim)):
        yield plain.transpose(order)


def rows_of(array: Array, axis: int) -> Iterator[Array]:
    """The slices along an axis as rows, (length, elements of a slice), their elements in every order of axes."""
    moved = np.moveaxis(array, axis, 0)
    inner = [length for length in moved.shape[1:] if length > 1]
    plain = moved.reshape(len(moved), *inner)
    orders = permutations(range(1, plain.ndim)) if plain.ndim <= _MOST_AXES else (tuple(range(1, plain.ndim)),)
    for order in orders:
        yield plain.transpose(0, *order).reshape(len(moved), -1)


def same(one: Array, other: Array) -> bool:
    """Whether values are equal, NaN included."""
    return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=True))


def in_blocks(rows: Rows) -> bool:
    """Whether row numbers are those of a run, of a few equal blocks in another order, or of a regular interleaving.

    Where most rows stay in place, it is no order that a converter makes: gates move all blocks but one at most.
    """
    count = len(rows)
    if np.array_equal(rows, rows[0] + np.arange(count)):
        return True
    if (rows == np.arange(count)).mean() >= _IN_PLACE:
        return False
    for blocks in range(2, min(_MOST_BLOCKS, count // 2) + 1):
        if count % blocks:
            continue
        table = rows.reshape(blocks, -1)
        if (np.diff(table, axis=1) == 1).all() or (np.diff(table, axis=0) == 1).all():
            return True
    return bool(count > 1 and (np.diff(rows) == -1).all())
