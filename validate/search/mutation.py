"""New feeds from known ones: mutation and crossover, within the search space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .space import InputSpace, SearchSpace, clip

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Random = np.random.Generator
    Move = Callable[[Array, InputSpace, Random], Array]


def mutate(feed: Feed, space: SearchSpace, random: Random) -> dict[str, Array]:
    """The feed with one kind of change to one element, some, or all of them."""
    names = [name for name, array in feed.items() if array.size]
    chosen = names if random.random() < 0.5 else [names[random.integers(len(names))]]
    return {name: _change(array, space[name], random) if name in chosen else array for name, array in feed.items()}


def cross_over(first: Feed, second: Feed, random: Random) -> dict[str, Array]:
    """Each element from either parent; from the first where their shapes differ."""
    return {
        name: np.where(random.random(array.shape) < 0.5, array, second[name])
        if second[name].shape == array.shape
        else array
        for name, array in first.items()
    }


def _change(array: Array, space: InputSpace, random: Random) -> Array:
    moved = _replace(array, space, random)
    if space.continuous.any():
        move = _MOVES[random.integers(len(_MOVES))]
        moved = np.where(np.broadcast_to(space.continuous, array.shape), move(array, space, random), moved)
    where = np.asarray(random.random(array.shape) < (1 / array.size, 0.1, 1.0)[random.integers(3)])
    where.flat[random.integers(array.size)] = True
    return np.asarray(np.where(where, moved, array), array.dtype)


def _replace(array: Array, space: InputSpace, random: Random) -> Array:
    """By values that samples have for the same feature."""
    rows = random.integers(len(space.seen), size=array.shape)
    columns = np.arange(array.shape[-1]) if array.ndim and space.seen.shape[1] > 1 else 0
    found: Array = space.seen[rows, columns]
    return found


def _add_noise(array: Array, space: InputSpace, random: Random) -> Array:
    """A normal step whose size is between a millionth of the range and all of it."""
    step = 10.0 ** random.uniform(-6, 0) * (space.high - space.low)
    return clip(np.asarray(array + step * random.standard_normal(array.shape), array.dtype), space)


def _step(array: Array, space: InputSpace, random: Random) -> Array:
    """To the next number of the dtype, up or down: enough to change the result of a comparison."""
    toward = np.asarray(random.choice([-np.inf, np.inf], array.shape), array.dtype)
    return clip(np.nextafter(array, toward), space)


def _scale(array: Array, space: InputSpace, random: Random) -> Array:
    factor = (-1.0, 0.0, 0.1, 0.5, 2.0, 10.0)[random.integers(6)]
    return clip(np.asarray(array * factor, array.dtype), space)


def _shift(array: Array, space: InputSpace, random: Random) -> Array:
    """All elements by the same amount."""
    amount = random.uniform(-1, 1) * (space.high - space.low)
    return clip(np.asarray(array + amount, array.dtype), space)


_MOVES: tuple[Move, ...] = (_add_noise, _add_noise, _step, _scale, _shift, _replace)
