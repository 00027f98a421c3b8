"""Versions such as 1.20 or 2026.4, and ranges of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..validate.errors import ParityGateError

Version = tuple[int, ...]


def parse(text: str) -> Version:
    """``1.20.1`` as (1, 20, 1); words in it end it."""
    numbers = []
    for part in str(text).split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def within(version: str, ranges: str) -> bool:
    """Whether a version is in a comma list of ``x.y``, ``x.y..x.y`` or ``x.y+``."""
    wanted = parse(version)
    for each in ranges.split(","):
        low, dots, high = each.strip().partition("..")
        if low.endswith("+"):
            if wanted >= parse(low[:-1]):
                return True
        elif parse(low) <= wanted <= parse(high if dots else low):
            return True
    return False


def chosen(target: str, asked: str, known: Sequence[str], default: str) -> str:
    """The known version that a user means: ``default`` without one, or the one that ``asked`` begins with.

    A patch release counts as its minor release: 1.20.2 is 1.20. Raises ParityGateError PG201 for an unknown version.
    """
    if not asked or not known:
        return asked or default
    for name in known:
        if name.lower() == asked.lower():
            return name
    wanted = parse(asked)
    for name in known:
        parsed = parse(name)
        if wanted and parsed and (wanted[: len(parsed)] == parsed or parsed[: len(wanted)] == wanted):
            return name
    raise ParityGateError(
        "PG201", f"{target}@{asked}", "no facts about this version", f"Known versions: {', '.join(known)}."
    )
