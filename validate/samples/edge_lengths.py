"""Lengths that expose a converter's assumptions about an axis: 1, 2, an odd one, and the bounds of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..signature import Signature
from .axes import Layout, batch_symbols, bounds_of, shapes_at, symbols_of

MOST_EDGES = 24
"""Edge lengths that are tried per model: eight axes at three lengths."""

_LARGEST = 4
"""A bound of more than so many times the usual length isn't tried: 8192 tokens would take minutes."""


@dataclass(frozen=True, slots=True)
class EdgeLength:
    """A layout with the axis ``axis`` at an unusual ``length``, and all others as in the first layout."""

    axis: str
    length: int
    layout: Layout


def edge_lengths(signature: Signature, places: Sequence[Layout], *, batch: bool) -> Iterator[EdgeLength]:
    """Every length of interest of every dynamic axis that none of the ``places`` has.

    A length is of interest if it is 1 (it broadcasts), 2 (exporters trace with it), odd (halving it rounds) or a bound
    that the model names. With ``batch`` False the batch axis is left out.
    """
    main = places[0]
    leading = batch_symbols(signature)
    groups = [("batch", tuple(leading))] if batch and leading else []
    groups += [(_title(symbol), (symbol,)) for symbol in symbols_of(signature) if symbol not in leading]
    for title, group in groups if main.lengths else ():
        for length in _lengths(signature, group[0], [place.lengths[group[0]] for place in places]):
            lengths = {**main.lengths, **dict.fromkeys(group, length)}
            size = length if title == "batch" else main.batch
            yield EdgeLength(title, length, Layout(size, shapes_at(signature, lengths), lengths))


def is_tried(high: float, usual: Sequence[int]) -> bool:
    """Whether an upper bound is near enough to the ``usual`` lengths to be tried whatever it costs."""
    return high <= _LARGEST * max(usual)


def odd_near(length: int) -> int:
    """The least odd number from ``length`` on, at least 3."""
    return max(3, length | 1)


def _lengths(signature: Signature, symbol: str, usual: Sequence[int]) -> list[int]:
    low, high = bounds_of(signature, symbol)
    wanted = {1, 2, low}
    if not any(length > 2 and length % 2 for length in usual):
        wanted.add(odd_near(usual[0]))
    if is_tried(high, usual):
        wanted.add(int(high))
    return sorted(length for length in wanted if low <= length <= high and length not in usual)


def _title(symbol: str) -> str:
    """The name of the axis in a report; axes without a name are described by their position."""
    return symbol.removeprefix("?")
