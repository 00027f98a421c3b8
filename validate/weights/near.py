"""Constants that are a parameter with all its values changed a little: scaled, rounded to a narrower type, or noisy.

A converter copies values, or computes them from several parameters. What is close to one parameter everywhere and
explained by no others is that parameter, damaged: samples show such a change only where it exceeds their tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from .arrange import transposed
from .differing import difference_of
from .ledger import Ledger
from .types import WeightDifference

if TYPE_CHECKING:
    from ..signature import Array

_FEWEST_VALUES = 16
"""Fewer values may be close by chance."""

_LEAST, _MOST = 1e-5, 3e-3
"""Relative distance: more than a recomputed value is off, and less than weights that were quantised in training are."""

_FACTOR, _EXACTLY = 0.05, 1e-6
"""How far from 1 a factor of all values may be, and how exactly it must explain them."""

_ROUGHLY = 0.06
_MOST_BLOCKS = 4


def near_differences(ledger: Ledger, constants: Mapping[str, Array]) -> Iterator[WeightDifference]:
    """A difference for each constant that no parameter explains, and that is close to one that was found nowhere."""
    lost = {name: ledger.parameters[name] for name in ledger.untouched() if ledger.parameters[name].ndim}
    for name, constant in constants.items():
        if name in ledger.explained or constant.size < _FEWEST_VALUES:
            continue
        for parameter, values in lost.items():
            alike = values.size == constant.size and values.dtype.itemsize <= constant.dtype.itemsize
            found = _changed(values, constant, alone=len(lost) == 1) if alike else None
            if found is not None:
                ledger.explained.add(name)
                yield difference_of(parameter, name, *found)
                break


def _changed(parameter: Array, constant: Array, *, alone: bool) -> tuple[Array, Array] | None:
    """Both arrays in the same order, if the constant is the parameter with other values; ``alone`` if no other is lost.

    A scale of each slice may come from another parameter that was found nowhere, as in a weight normalisation.
    """
    size = np.linalg.norm(parameter.astype(np.float64))
    if not size or not abs(np.linalg.norm(constant.astype(np.float64)) / size - 1) < _ROUGHLY:
        return None
    for one, other in _aligned(parameter, constant):
        distance = np.linalg.norm(other - one) / size
        if distance <= _LEAST:
            return None
        if _is_scaled(one, other):
            return (one, other) if alone and _has_one_factor(one, other) else None
        return (one, other) if distance < _MOST else None
    return None


def _aligned(parameter: Array, constant: Array) -> Iterator[tuple[Array, Array]]:
    """The parameter in the order of the constant, where both are roughly equal: axes moved, gates in another order."""
    for turned in transposed(parameter):
        rows = turned.reshape(len(turned), -1).astype(np.float64)
        given = constant.reshape(rows.shape).astype(np.float64)
        for order in _orders(len(rows)):
            if _is_roughly(rows[order[:: _stride(len(rows))]], given[:: _stride(len(rows))]) and _is_roughly(
                rows[order], given
            ):
                yield rows[order], given


def _orders(count: int) -> Iterator[Array]:
    """The rows in place, and in two to four equal blocks in every order."""
    yield np.arange(count)
    for blocks in range(2, _MOST_BLOCKS + 1):
        if count % blocks == 0:
            parts = np.arange(count).reshape(blocks, -1)
            yield from (parts[list(each)].reshape(-1) for each in permutations(range(blocks)))


def _stride(count: int) -> int:
    """About eight rows show whether an order can be right."""
    return max(1, count // 8)


def _is_roughly(one: Array, other: Array) -> bool:
    return bool(np.linalg.norm(other - one) <= _ROUGHLY * np.linalg.norm(one))


def _is_scaled(one: Array, other: Array) -> bool:
    """Whether a factor for each row, or for each column, explains the difference."""
    return any(_residue(one, other, axis) < _EXACTLY for axis in (0, 1))


def _residue(one: Array, other: Array, axis: int | None) -> float:
    power = (one * one).sum(axis, keepdims=True)
    factor = (other * one).sum(axis, keepdims=True) / np.where(power > 0, power, 1)
    return float(np.linalg.norm(other - factor * one) / np.linalg.norm(one))


def _has_one_factor(one: Array, other: Array) -> bool:
    factor = float((other * one).sum() / (one * one).sum())
    return abs(factor - 1) < _FACTOR and _residue(one, other, None) < _EXACTLY
