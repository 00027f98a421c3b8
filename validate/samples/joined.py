"""Outputs of several samples as one array per name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..signature import Array


def join_batches(outputs: Sequence[Mapping[str, Array]], batches: Sequence[int | None]) -> dict[str, Array]:
    """One array per output, samples joined along the batch; where they can't be, one per ``NUMBER/NAME``."""
    if len(outputs) == 1:
        return dict(outputs[0])
    joined: dict[str, Array] = {}
    for name in outputs[0]:
        parts = [output[name] for output in outputs]
        rows = [part.shape[0] if part.ndim else None for part in parts]
        if rows == list(batches) and len({part.shape[1:] for part in parts}) == 1:
            joined[name] = np.concatenate(parts)
        else:
            joined |= {f"{number}/{name}": part for number, part in enumerate(parts)}
    return joined
