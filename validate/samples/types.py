"""The samples that both models are run on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..signature import Feed


UNNAMED = re.compile(r"input_\d+")
"""The names of arrays from a file without names."""


class SampleKind(StrEnum):
    """The kind of values in a sample; docs/samples.md describes them."""

    FILE = "file"
    NORMAL = "normal"
    UNIFORM = "uniform"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    ZEROS = "zeros"
    LARGE = "large"
    TINY = "tiny"
    RANDOM = "random"
    THRESHOLDS = "thresholds"
    MISSING = "missing"
    UNKNOWN = "unknown"
    LENGTHS = "lengths"
    LEAVES = "leaves"
    ROWS = "rows"
    BATCH = "batch"
    MASKS = "masks"
    SPECIAL = "special"
    MOVING = "moving"
    BRANCHES = "branches"
    SEARCHED = "searched"


@dataclass(frozen=True, slots=True)
class Sample:
    """One feed (input name -> array) for one run of a model.

    ``label`` names it in a report ("normal, batch 3", "rows 64-127"). ``batch`` is the number of rows; None where the
    model has no free batch axis. ``optional`` samples are left out where the reference can't run them.
    """

    label: str
    feed: Feed
    kind: SampleKind = SampleKind.FILE
    batch: int | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Samples:
    """All feeds of one comparison, in the order in which they are run.

    ``origin`` says in words where they come from; ``seed`` is None for the user's own samples. ``notes`` tell the user
    what was changed or assumed: values rounded to the model's dtype, rows left out, bounds that were guessed.
    """

    items: tuple[Sample, ...]
    origin: str
    seed: int | None
    notes: tuple[str, ...] = ()

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The feeds alone."""
        return tuple(sample.feed for sample in self.items)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The distinct batch sizes, ascending; empty where the model has no free batch axis."""
        return tuple(sorted({sample.batch for sample in self.items if sample.batch is not None}))

    @property
    def kinds(self) -> tuple[SampleKind, ...]:
        """The distinct kinds of values, in order of their first sample."""
        return tuple(dict.fromkeys(sample.kind for sample in self.items))
