"""The search space: what inputs may look like, learned from samples.

Samples respect the bounds, vocabularies and categories of the model, so what lies between them is legal, too. An input
outside of this space would prove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array, Feed

_MOST_CATEGORIES = 16
"""A column with no more distinct values than this holds categories, if values repeat: nothing between them is legal."""

_MOST_KEPT = 4096
_MOST_FEATURES = 4096


@dataclass(frozen=True, slots=True)
class InputSpace:
    """The values of one input: ``seen`` are those of the samples, (rows, features).

    ``low``, ``high`` and ``continuous`` have the shape (features,), or () where all positions are alike. Only
    continuous features may take values that no sample has.
    """

    seen: Array
    low: Array
    high: Array
    continuous: Array


SearchSpace = Mapping[str, InputSpace]
"""Input -> its space."""


def space_of(feeds: Sequence[Feed]) -> SearchSpace:
    """The space that is spanned by feeds with the same inputs."""
    return {name: _input_space([feed[name] for feed in feeds]) for name in feeds[0]}


def clip(array: Array, space: InputSpace) -> Array:
    """The array with every number moved into the bounds of its feature; other dtypes as they are."""
    if array.dtype.kind not in "iuf":
        return array
    return np.asarray(np.clip(array, space.low, space.high)).astype(array.dtype)


def _input_space(arrays: Sequence[Array]) -> InputSpace:
    widths = {array.shape[-1] if array.ndim > 1 else 1 for array in arrays}
    width = widths.pop() if len(widths) == 1 else 1
    seen = np.concatenate([array.reshape(-1, width if width <= _MOST_FEATURES else 1) for array in arrays])
    thinned = seen[:: max(1, len(seen) // _MOST_KEPT)]
    low, high = _bounds(seen) if seen.dtype.kind in "iuf" else (np.zeros(seen.shape[1]),) * 2
    continuous = np.array([seen.dtype.kind == "f" and _is_continuous(column) for column in thinned.T])
    shape = continuous.shape if continuous.size > 1 else ()  # one bound for all positions fits an array of any shape
    return InputSpace(thinned, low.reshape(shape), high.reshape(shape), continuous.reshape(shape))


def _is_continuous(column: Array) -> bool:
    distinct = np.unique(column[np.isfinite(column)])
    repeated = len(distinct) <= len(column) // 2 or bool((distinct == np.rint(distinct)).all())
    return len(distinct) > _MOST_CATEGORIES or not repeated


def _bounds(seen: Array) -> tuple[Array, Array]:
    """The least and the greatest finite value of each column; 0 where it has none."""
    finite = np.isfinite(seen)
    low = np.where(finite, seen, np.inf).min(axis=0)
    high = np.where(finite, seen, -np.inf).max(axis=0)
    return np.where(finite.any(axis=0), low, 0), np.where(finite.any(axis=0), high, 0)
