"""Two arrays that are one table with a few other values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from .types import WeightDifference

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..signature import Array

MOSTLY = 0.75
"""From this share of equal values in place on, two tables are one table with a few other values."""

NEARLY_ALL = 0.9
"""The same for a parameter that was also found elsewhere as a whole: then less is at stake, and it must be surer."""

_FEWEST_VALUES = 8
"""Fewer distinct values in common may be chance: a bias of zeros looks like any other."""


def aligned(parameter: Array, constant: Array, share: float = MOSTLY) -> Array | None:
    """The constant in the parameter's shape, if most rows are then equal in place and hold enough distinct values."""
    for back in _turned_back(parameter, constant):
        equal = equal_values(parameter, back)
        if equal.mean() < share or equal.all():
            continue
        if len(np.unique(parameter[equal])) >= min(_FEWEST_VALUES, parameter.size // 2):
            return back
    return None


def _turned_back(parameter: Array, constant: Array) -> Iterator[Array]:
    """The constant in the parameter's shape, for each order of axes that leads there."""
    plain = [length for length in parameter.shape if length > 1]
    seen = [length for length in constant.shape if length > 1]
    if sorted(plain) != sorted(seen):
        if constant.size == parameter.size:
            yield constant.reshape(parameter.shape)
        return
    squeezed = constant.reshape(seen)
    for order in permutations(range(len(seen))):
        if [seen[each] for each in order] == plain:
            yield squeezed.transpose(order).reshape(parameter.shape)


def rounds_alike(parameter: Array, constant: Array) -> bool:
    """Whether a constant is the whole parameter in float16, but for values that round to the neighbouring number.

    A batch normalisation that hardly scales leaves a kernel as it was but for a few values near the middle of two
    numbers of float16.
    """
    if parameter.size != constant.size:
        return False
    with np.errstate(over="ignore"):
        wanted = parameter.astype(np.float16)
    return any(_neighbours(wanted, back.astype(np.float16)) for back in _turned_back(wanted, constant))


def _neighbours(one: Array, other: Array) -> bool:
    larger = np.maximum(np.abs(one), np.abs(other))
    with np.errstate(invalid="ignore"):
        near = np.abs(one.astype(np.float32) - other) <= np.spacing(larger).astype(np.float32)
    return bool(near.all())


def equal_values(one: Array, other: Array) -> npt.NDArray[np.bool_]:
    """Where two arrays are equal, NaN included."""
    equal: npt.NDArray[np.bool_] = (one == other) | (np.isnan(one) & np.isnan(other))
    return equal


def difference_of(parameter: str, constant: str, expected: Array, actual: Array) -> WeightDifference:
    """The difference of a constant, in the parameter's shape, from the parameter."""
    places = np.argwhere(~equal_values(expected, actual))
    index = tuple(map(int, places[0]))
    values = float(expected[index]), float(actual[index])
    return WeightDifference(parameter, constant, expected.shape, index, *values, len(places))
