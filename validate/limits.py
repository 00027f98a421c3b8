"""What a worker may use: the defaults, and the forms in which a user may give other limits. Importing this is cheap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import ParityGateError

TIMEOUT = 480.0
"""Seconds that a worker gets from its start unless the user says otherwise."""

MEMORY = "75%"
"""Share of the machine's memory that a worker gets unless the user says otherwise."""

_NONE = "none"
_SIZE = re.compile(r"(?P<number>\d+(\.\d*)?|\.\d+)\s*(?P<unit>[KMGT%]?)(i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much memory a container may use (version 2 and 1 of its interface)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one worker may use: wall-clock ``seconds`` from its start, resident ``bytes``; None is unlimited."""

    seconds: float | None = None
    bytes: int | None = None


def seconds_of(given: float | str | None) -> float | None:
    """A time limit as seconds; None for none of any form (None, 0, "none"). Raises ParityGateError PG201."""
    if given is None or (isinstance(given, str) and given.strip().lower() == _NONE):
        return None
    try:
        seconds = float(given)
    except ValueError as error:
        raise _bad("timeout", given, "seconds, or 'none'") from error
    if not 0 <= seconds < float("inf"):
        raise _bad("timeout", given, "seconds, or 'none'")
    return seconds or None


def bytes_of(given: float | str | None) -> int | None:
    """A memory limit (``4G``, ``800M``, ``75%`` of the machine's memory, bytes) as bytes; None for none of any form.

    Raises ParityGateError PG201.
    """
    text = _NONE if given is None else str(given).strip()
    if text.lower() == _NONE:
        return None
    found = _SIZE.fullmatch(text)
    if found is None:
        raise _bad("memory limit", given, "a size such as 4G, 800M or 75%, or 'none'")
    number, unit = float(found["number"]), found["unit"].upper()
    if unit == "%":
        return int(machine_memory() * number / 100) or None
    return int(number * _UNITS[unit]) or None


def machine_memory() -> int:
    """Bytes of memory that this process' machine or container has."""
    import psutil

    found = [int(psutil.virtual_memory().total)]
    for file in _CGROUP_LIMITS:
        text = file.read_text().strip() if file.is_file() else ""
        found += [int(text)] if text.isdigit() else []
    return min(found)


def _bad(what: str, given: object, wanted: str) -> ParityGateError:
    return ParityGateError("PG201", f"{what} {given!r}", f"it is not {wanted}", "0 and 'none' switch the limit off.")
