"""The values of a source's layers, and the layouts in which a converter may keep the same values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..signature import Array


@dataclass(frozen=True, slots=True)
class Layer:
    """One result of one layer: ``values`` has one array per sample. ``kind`` is the layer's type, for people.

    ``scopes`` are names that a converter may have kept in those of the operators that it made of the layer.
    """

    name: str
    kind: str
    scopes: tuple[str, ...]
    values: tuple[Array, ...]


def axis_orders(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The orders of axes that converters choose: unchanged, channels first or last, leading axes swapped, reversed.

    Not all orders: a rotated image isn't the same image. Of orders that differ only in the place of axes of length 1,
    the first.
    """
    found = {tuple(axis for axis in order if shape[axis] != 1): order for order in reversed(_orders(len(shape)))}
    yield from reversed(found.values())


def _orders(rank: int) -> list[tuple[int, ...]]:
    plain = tuple(range(rank))
    found = [plain]
    if rank > 1:
        found += [(*plain[:1], plain[-1], *plain[1:-1]), (*plain[:1], *plain[2:], *plain[1:2])]
        found += [plain[-1:] + plain[:-1], (*plain[1:], 0)]  # the same without a batch
        found += [(1, 0, *plain[2:]), plain[::-1]]
    return found


def rearrange(array: Array, order: Sequence[int], shape: Sequence[int]) -> Array | None:
    """The array with its axes in another order and then in ``shape``; None where converters don't do that.

    An array with its axes in order may be reshaped freely; a transposed one may only gain or lose axes of length 1.
    """
    moved = array.transpose(order)
    in_order = list(order) == sorted(order)
    if array.size != math.prod(shape) or not (in_order or _squeezed(moved.shape) == _squeezed(shape)):
        return None
    return moved.reshape(tuple(shape))


def _squeezed(shape: Sequence[int]) -> list[int]:
    return [length for length in shape if length != 1]
