"""coremltools' tables of translations, with more in them for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Translation = Callable[[Any, Any], None]
"""(context, node) -> adds what stands for the node to the context."""


@contextmanager
def extended(known: dict[str, Translation], more: Mapping[str, Translation]) -> Iterator[None]:
    """``more`` in ``known``; afterwards ``known`` is as it was before."""
    before = dict(known)
    known.update(more)
    try:
        yield
    finally:
        known.clear()
        known.update(before)
