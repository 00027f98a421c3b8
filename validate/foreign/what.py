"""What something is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import ParityGateError


@dataclass(frozen=True, slots=True)
class Foreign:
    """``cause`` says what it is and what it lacks, ``remedy`` what to give in its place.

    In the remedy, ``{path}`` stands for the path that was given.
    """

    cause: str
    remedy: str

    def error(self, path: Path) -> ParityGateError:
        """PG401 about ``path``."""
        return ParityGateError("PG401", str(path), self.cause, self.remedy.replace("{path}", str(path)))
