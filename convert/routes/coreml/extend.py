"""coremltools' tables of translations, temporarily extended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Translation = Callable[[Any, Any], None]
"""(context, node): adds the node's translation to the context."""


@contextmanager
def extended(known: dict[str, Translation], more: Mapping[str, Translation]) -> Iterator[None]:
    """Adds ``more`` to ``known``; afterwards ``known`` is restored."""
    before = dict(known)
    known.update(more)
    try:
        yield
    finally:
        known.clear()
        known.update(before)
