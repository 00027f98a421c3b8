"""The feeds that a search starts from, run together: a batch costs little more than one row, so more are tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..samples import Sample
    from ..signature import Array, Feed, Signature

_ELEMENTS = 1 << 16
_MOST, _FEWEST = 256, 4


@dataclass(frozen=True, slots=True)
class Population:
    """Feeds of equal shapes. ``batched`` are the inputs with a batch axis: of these each feed is one row."""

    feeds: tuple[Feed, ...]
    batched: frozenset[str]

    @property
    def size(self) -> int:
        """How many feeds are tried per round: many small ones, a few large ones."""
        elements = max(1, sum(array.size for array in self.feeds[0].values()))
        return min(_MOST, max(_FEWEST, _ELEMENTS // elements))

    def batch(self, feeds: Sequence[Feed]) -> list[Feed]:
        """The feeds as the models run them: as one batch, or each on its own."""
        if not self.batched:
            return list(feeds)
        rows = {name: np.concatenate([feed[name] for feed in feeds]) for name in self.batched}
        return [{**feeds[0], **rows}]

    def unbatch(self, outputs: Sequence[Mapping[str, Array]], count: int) -> list[dict[str, Array]] | None:
        """The outputs of each of ``count`` feeds; None where an output of the batch doesn't have ``count`` rows."""
        if not self.batched:
            return [dict(each) for each in outputs]
        (whole,) = outputs
        if any(array.ndim == 0 or len(array) != count for array in whole.values()):
            return None
        return [{name: array[i : i + 1] for name, array in whole.items()} for i in range(count)]


def population_of(samples: Sequence[Sample], signature: Signature, *, batched: bool) -> Population:
    """The rows of ``samples`` that have the shapes of the first one; the samples as they are if not ``batched``.

    Inputs without a batch axis keep the values of the first sample.
    """
    free = {spec.name for spec in signature.inputs if spec.shape and isinstance(spec.shape[0], str)}
    if not batched or not free:
        return Population(_of_one_shape([sample.feed for sample in samples]), frozenset())
    rows = [row for sample in samples if sample.batch for row in _rows(sample.feed, free, sample.batch)]
    fixed = {name: array for name, array in rows[0].items() if name not in free} if rows else {}
    return Population(_thin(_of_one_shape([{**row, **fixed} for row in rows])), frozenset(free))


def _rows(feed: Feed, free: set[str], count: int) -> list[Feed]:
    if any(len(feed[name]) != count for name in free):
        return []
    return [{**feed, **{name: feed[name][i : i + 1] for name in free}} for i in range(count)]


def _of_one_shape(feeds: Sequence[Feed]) -> tuple[Feed, ...]:
    shapes = [{name: array.shape for name, array in feed.items()} for feed in feeds]
    return tuple(feed for feed, shape in zip(feeds, shapes, strict=True) if shape == shapes[0])


def _thin(feeds: tuple[Feed, ...]) -> tuple[Feed, ...]:
    """At most as many as a search starts from, evenly over all kinds of samples."""
    return feeds[:: max(1, math.ceil(len(feeds) / _MOST))]
