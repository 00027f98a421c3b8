"""The samples that both models are run on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..signature import Feed


UNNAMED = re.compile(r"input_\d+")
"""What arrays are called that come from a file without names."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One feed (input name -> array) for one run of a model.

    ``label`` names it in a report ("normal, batch 3", "rows 64-127"); ``kind`` is the kind of values ("normal",
    "zeros", "file", ...). ``batch`` is the number of rows, None where the model leaves no choice of it. ``optional``
    samples are left out where the reference can't run them.
    """

    label: str
    feed: Feed
    kind: str = "file"
    batch: int | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Samples:
    """All feeds of one comparison, in the order in which they are run.

    ``origin`` says where they are from, in words for the report; ``seed`` is None for the user's own samples.
    ``notes`` are sentences for the user about what was changed or assumed: values rounded to the model's dtype,
    rows left out, bounds that were guessed.
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
        """The distinct batch sizes, ascending; empty where the model leaves no choice of it."""
        return tuple(sorted({sample.batch for sample in self.items if sample.batch is not None}))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The distinct kinds of values, in the order in which they come first."""
        return tuple(dict.fromkeys(sample.kind for sample in self.items))
