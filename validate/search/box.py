"""What inputs may look like, learned from samples: a search that leaves this box would prove nothing.

Samples are within the bounds, vocabularies and categories of the model, so what lies between them is legal, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Random = np.random.Generator
    Move = Callable[[Array, "Values", Random], Array]

_FEW = 16
"""A column of no more different values than these holds categories, if they repeat: nothing between them is legal."""

_MOST_KEPT = 4096
_MOST_FEATURES = 4096


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one input: those that were seen, (rows, features), and which features are continuous.

    ``low``, ``high`` and ``continuous`` have the shape (features,), or () where all positions are alike.
    """

    seen: Array
    low: Array
    high: Array
    continuous: Array


Box = Mapping[str, Values]
"""Input -> its values."""


def box_of(feeds: Sequence[Feed]) -> Box:
    """The box of feeds that have the same inputs."""
    return {name: _values([feed[name] for feed in feeds]) for name in feeds[0]}


def mutant(feed: Feed, box: Box, random: Random) -> dict[str, Array]:
    """The feed with one kind of change in one element, some, or all of them."""
    names = [name for name, array in feed.items() if array.size]
    chosen = names if random.random() < 0.5 else [names[random.integers(len(names))]]
    return {name: _changed(array, box[name], random) if name in chosen else array for name, array in feed.items()}


def child(mother: Feed, father: Feed, random: Random) -> dict[str, Array]:
    """Some elements of each; the mother's where shapes differ."""
    return {
        name: np.where(random.random(array.shape) < 0.5, array, father[name])
        if father[name].shape == array.shape
        else array
        for name, array in mother.items()
    }


def clipped(array: Array, values: Values) -> Array:
    """The array, each continuous feature within its bounds, others untouched."""
    if array.dtype.kind not in "iuf":
        return array
    return np.asarray(np.clip(array, values.low, values.high)).astype(array.dtype)


def _values(arrays: Sequence[Array]) -> Values:
    widths = {array.shape[-1] if array.ndim > 1 else 1 for array in arrays}
    width = widths.pop() if len(widths) == 1 else 1
    seen = np.concatenate([array.reshape(-1, width if width <= _MOST_FEATURES else 1) for array in arrays])
    thinned = seen[:: max(1, len(seen) // _MOST_KEPT)]
    low, high = _ends(seen) if seen.dtype.kind in "iuf" else (np.zeros(seen.shape[1]),) * 2
    many = np.array([seen.dtype.kind == "f" and _is_continuous(column) for column in thinned.T])
    shape = many.shape if many.size > 1 else ()  # one bound for all positions goes with an array of any shape
    return Values(thinned, low.reshape(shape), high.reshape(shape), many.reshape(shape))


def _is_continuous(column: Array) -> bool:
    different = np.unique(column[np.isfinite(column)])
    repeated = len(different) <= len(column) // 2 or bool((different == np.rint(different)).all())
    return len(different) > _FEW or not repeated


def _ends(seen: Array) -> tuple[Array, Array]:
    """The least and the greatest finite value of each column; 0 where it has none."""
    finite = np.isfinite(seen)
    low = np.where(finite, seen, np.inf).min(axis=0)
    high = np.where(finite, seen, -np.inf).max(axis=0)
    return np.where(finite.any(axis=0), low, 0), np.where(finite.any(axis=0), high, 0)


def _changed(array: Array, values: Values, random: Random) -> Array:
    moved = _seen_elsewhere(array, values, random)
    if values.continuous.any():
        move = _MOVES[random.integers(len(_MOVES))]
        moved = np.where(np.broadcast_to(values.continuous, array.shape), move(array, values, random), moved)
    where = np.asarray(random.random(array.shape) < (1 / array.size, 0.1, 1.0)[random.integers(3)])
    where.flat[random.integers(array.size)] = True
    return np.asarray(np.where(where, moved, array), array.dtype)


def _seen_elsewhere(array: Array, values: Values, random: Random) -> Array:
    rows = random.integers(len(values.seen), size=array.shape)
    columns = np.arange(array.shape[-1]) if array.ndim and values.seen.shape[1] > 1 else 0
    found: Array = values.seen[rows, columns]
    return found


def _pushed(array: Array, values: Values, random: Random) -> Array:
    """By a normal step, of any size between a millionth of the range and all of it."""
    step = 10.0 ** random.uniform(-6, 0) * (values.high - values.low)
    return clipped(np.asarray(array + step * random.standard_normal(array.shape), array.dtype), values)


def _stepped(array: Array, values: Values, random: Random) -> Array:
    """To the next number of the dtype, up or down: there a comparison changes its mind."""
    toward = np.asarray(random.choice([-np.inf, np.inf], array.shape), array.dtype)
    return clipped(np.nextafter(array, toward), values)


def _scaled(array: Array, values: Values, random: Random) -> Array:
    factor = (-1.0, 0.0, 0.1, 0.5, 2.0, 10.0)[random.integers(6)]
    return clipped(np.asarray(array * factor, array.dtype), values)


def _shifted(array: Array, values: Values, random: Random) -> Array:
    """All by the same amount."""
    amount = random.uniform(-1, 1) * (values.high - values.low)
    return clipped(np.asarray(array + amount, array.dtype), values)


_MOVES: tuple[Move, ...] = (_pushed, _pushed, _stepped, _scaled, _shifted, _seen_elsewhere)
