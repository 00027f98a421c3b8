"""How much of a model the samples exercised, as plain frozen values. Light: it travels between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CoverageKind(StrEnum):
    """What is counted; the value is its plural in a sentence."""

    ROWS = "rows"
    POSITIONS = "positions"
    BRANCHES = "branches"
    CLASSES = "classes"
    MASKS = "mask states"
    CATEGORIES = "categories"
    TRIPS = "loop lengths"


SIDES = ("where it is true", "where it is false")
"""The parts of a condition."""


@dataclass(frozen=True, slots=True)
class Covered:
    """One thing that samples exercise in parts: ``reached`` of its ``total`` parts.

    ``name`` is the tensor's, the operator's or the input's. ``missing`` says in words which parts were not reached,
    where there are few; empty for the rows of a table.
    """

    kind: CoverageKind
    name: str
    reached: int
    total: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the samples exercised.

    ``batch`` is the greatest batch, None where no batch axis is free; ``axes`` is the greatest length of each other
    dynamic axis. ``uncounted`` says why nothing was counted inside of the candidate's graph, "" where that was done.
    """

    items: tuple[Covered, ...] = ()
    batch: int | None = None
    axes: Mapping[str, int] = field(default_factory=dict)
    uncounted: str = ""

    def of(self, kind: CoverageKind) -> tuple[Covered, ...]:
        """The items of one kind."""
        return tuple(item for item in self.items if item.kind is kind)

    @property
    def shares(self) -> dict[CoverageKind, float]:
        """The share that was reached, over all items of each kind that there is."""
        return {
            kind: sum(item.reached for item in self.of(kind)) / sum(item.total for item in self.of(kind))
            for kind in CoverageKind
            if self.of(kind)
        }
