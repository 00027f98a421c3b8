"""How the reference's inputs are changed to find its own condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Feed

SHAKES = 2
"""Runs with changed inputs."""


def last_bit(feeds: Sequence[Feed]) -> float:
    """The relative change of the coarsest changed input: the spacing of its dtype's numbers at 1; 0 without any."""
    dtypes = {array.dtype for feed in feeds for array in feed.values() if array.dtype.kind == "f"}
    return max((float(np.finfo(dtype).eps) for dtype in dtypes), default=0.0)
