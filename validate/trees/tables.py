"""The rows of a feed as one table of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array, Feed


def table_of(feed: Feed) -> Array | None:
    """The feed's columns side by side, (n, features); None for anything but rows of numbers."""
    arrays = list(feed.values())
    if any(array.ndim != 2 or array.dtype.kind not in "fiu" for array in arrays):
        return None
    return np.concatenate(arrays, axis=1) if len({len(array) for array in arrays}) == 1 else None
