"""The facts: one YAML file for each family of runtimes, with the source and the date of each fact.

docs/targets.md describes the shape of the files and how to bring them up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"

STALE_AFTER = 365
"""Days after which a fact is shown as old: ONNX Runtime publishes a release about every two months."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a fact is from. ``retrieved`` is the day on which it was read or measured (ISO 8601)."""

    kind: str
    reference: str
    retrieved: str
    confidence: str = ""

    @property
    def is_old(self) -> bool:
        """Whether it was read more than :data:`STALE_AFTER` days ago."""
        return (date.today() - date.fromisoformat(self.retrieved)).days > STALE_AFTER

    def __str__(self) -> str:
        doubt = f", {self.confidence}" if self.confidence else ""
        old = ", more than a year old" if self.is_old else ""
        return f"{self.reference} ({self.kind}, {self.retrieved}{doubt}{old})"


@cache
def read(family: str) -> Mapping[str, Any]:
    """The facts of one file. They are shared: don't change them."""
    import yaml

    text = (FOLDER / f"{family}.yaml").read_text(encoding="utf-8")
    facts: Mapping[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return facts


def cite(family: str, sources: Sequence[str] = (), confidence: str = "") -> Citation:
    """The citation of a fact of a file: of the first of these sources, else of the file's first."""
    facts = read(family)
    known = facts["sources"]
    chosen = next((name for name in sources if name in known), next(iter(known)))
    source = known[chosen]
    reference = source.get("ref") or source.get("what") or chosen
    return Citation(source.get("kind", "document"), str(reference), facts["retrieved"], confidence)
