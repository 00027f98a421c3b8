"""Lengths at which a converter's assumptions about an axis show: 1, 2, an odd one, and the ends of what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..signature import Signature
from .axes import Layout, batch_symbols, bounds_of, shapes_at, symbols_of

MOST_EDGES = 24
"""Layouts at edges of one model: eight axes at three lengths."""

_LARGEST = 4
"""An upper bound more than so many times the usual length isn't tried: a bound of 8192 tokens would cost minutes."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A layout with one axis, called ``axis``, at an unusual ``length``, and the others as in the first layout."""

    axis: str
    length: int
    layout: Layout


def edges(signature: Signature, places: Sequence[Layout], *, batch: bool) -> Iterator[Edge]:
    """One edge for every dynamic axis and every length of interest that none of the ``places`` has.

    A length is of interest if it is 1 (broadcasting takes it for any), 2 (what exporters trace with), odd (halving
    rounds) or a bound that the model names. ``batch`` False leaves the batch's sizes alone.
    """
    main = places[0]
    leading = batch_symbols(signature)
    groups = [("batch", tuple(leading))] if batch and leading else []
    groups += [(_title(symbol), (symbol,)) for symbol in symbols_of(signature) if symbol not in leading]
    for title, group in groups if main.lengths else ():
        for length in _lengths(signature, group[0], [place.lengths[group[0]] for place in places]):
            lengths = {**main.lengths, **dict.fromkeys(group, length)}
            size = length if title == "batch" else main.batch
            yield Edge(title, length, Layout(size, shapes_at(signature, lengths), lengths))


def odd_near(length: int) -> int:
    """The least odd number that is not below ``length`` and not 1: a usual length, only odd."""
    return max(3, length | 1)


def _lengths(signature: Signature, symbol: str, usual: Sequence[int]) -> list[int]:
    low, high = bounds_of(signature, symbol)
    wanted = {1, 2, low}
    if not any(length > 2 and length % 2 for length in usual):
        wanted.add(odd_near(usual[0]))
    if high <= _LARGEST * max(usual):
        wanted.add(int(high))
    return sorted(length for length in wanted if low <= length <= high and length not in usual)


def _title(symbol: str) -> str:
    """What a report calls the axis; axes without a name are called by their place."""
    return symbol.removeprefix("?")
