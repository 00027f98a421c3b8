"""Samples made from a signature: seeded, repeatable, of several kinds, at several batch sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .types import Samples

if TYPE_CHECKING:
    from ..signature import Hint, Signature


def generate_samples(
    signature: Signature,
    hints: Sequence[Hint] = (),
    *,
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    count: int = 1,
    batch_sizes: tuple[int, ...] | None = None,
) -> Samples:
    """Make feeds for ``signature``; ``hints`` and ``ranges`` (which wins) bound the values by input name.

    ``count`` repeats the first kind with other values. ``batch_sizes`` None chooses two sizes that are no other
    axis' length: 1 and 3 or so, 1 and 131 for tables.

    Raises ParityGateError PG201 (a range that fits no input), PG204 (a dtype that numpy lacks), PG206 (rank unknown).
    """
    raise NotImplementedError
