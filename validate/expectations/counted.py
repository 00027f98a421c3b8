"""Which samples the user's own figures are computed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..samples.types import SampleKind

if TYPE_CHECKING:
    from ..samples import Sample

_ASIDE = frozenset({SampleKind.BATCH, SampleKind.ROWS, SampleKind.MASKS, SampleKind.SPECIAL})
"""Rows of the user's that run again as one batch, and what merely reaches a part of the model."""


def counted_samples(samples: Sequence[Sample]) -> list[int]:
    """The numbers of the user's own samples if there are any, else of all that aren't made to reach something."""
    own = [number for number, sample in enumerate(samples) if sample.kind is SampleKind.FILE]
    free = [number for number, sample in enumerate(samples) if sample.kind not in _ASIDE]
    return own or free or [*range(len(samples))]
