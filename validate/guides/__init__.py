"""Why each code of the catalog comes up, how to fix it, and an example: what ``explain`` and reports print."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

from ..catalog import CATALOG
from ..errors import ExitCode
from .guide import Guide as Guide
from .inconclusive import INCONCLUSIVE
from .parity import PARITY
from .source import SOURCE
from .usage import USAGE

GUIDES: Mapping[str, Guide] = {**PARITY, **USAGE, **INCONCLUSIVE, **SOURCE}

_WIDTH = 100


def guide_of(code: str) -> str:
    """A code's title and exit status, what it means, why it comes up, how to fix it, an example. Raises KeyError."""
    entry, guide, status = CATALOG[code], GUIDES.get(code), ExitCode(int(code[2]))
    head = f"{code}: {entry.title} (exit status {status.value}, {status.name.lower()})"
    parts = [head, fill(entry.text, _WIDTH)]
    if guide is not None:
        parts += [fill(f"Why: {guide.why}", _WIDTH), fill(f"How to fix: {guide.fix}", _WIDTH)]
        parts.append(f"Example:\n  {guide.example}")
    return "\n\n".join(parts)
