"""One row of docs/coverage.md, and how rows become a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one model: ``outcome`` is passes, fails, refused or not applicable; ``detail`` says why."""

    group: str
    name: str
    outcome: str
    detail: str = ""
