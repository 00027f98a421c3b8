"""Names that a framework leaves ambiguous."""

from __future__ import annotations

from collections.abc import Iterable


def unique(names: Iterable[str], first: int = 1) -> list[str]:
    """The names in order; a repeated one gets the first free suffix of ``_first``, ``_first + 1``, ..."""
    given = list(names)
    taken: set[str] = set()
    result = []
    for name in given:
        free, number = name, first - 1
        while free in taken or (number >= first and free in given):
            number += 1
            free = f"{name}_{number}"
        taken.add(free)
        result.append(free)
    return result
