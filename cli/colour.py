"""Whether to print in colours: NO_COLOR and FORCE_COLOR decide, otherwise whether a terminal reads it."""

from __future__ import annotations

from collections.abc import Mapping


def wants_colour(environment: Mapping[str, str]) -> bool | None:
    """What the variables ask for; None where they leave it open. Empty ones count as unset (no-color.org)."""
    if environment.get("NO_COLOR"):
        return False
    return True if environment.get("FORCE_COLOR") else None
