"""The parts of an explanation that follow what a code means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """``why`` names the usual causes, ``fix`` what to do, ``example`` is a command, a config or a message."""

    why: str
    fix: str
    example: str
