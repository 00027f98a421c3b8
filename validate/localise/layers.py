"""What a source's layers gave, and which of its arrangements a converter may have chosen for the same values."""

from __future__ import annotations

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


def orders(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The orders of axes that converters change to: none, channels first or last, two leading axes swapped, reversed.

    Not all orders: a picture that lies on its side isn't the same picture. Of those that differ only in where axes of
    length 1 stand, the first.
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


def arranged(array: Array, order: Sequence[int], shape: Sequence[int]) -> Array | None:
    """The array in another order of its axes and then in ``shape``; None where that isn't the same thing.

    Values that stay in their order may have any shape; reordered ones must have the shape but for axes of length 1.
    """
    moved = array.transpose(order)
    plain = list(order) == sorted(order)
    if array.size != _size(shape) or not (plain or _long(moved.shape) == _long(shape)):
        return None
    return moved.reshape(tuple(shape))


def _size(shape: Sequence[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _long(shape: Sequence[int]) -> list[int]:
    return [length for length in shape if length != 1]
