"""Work in addition to a verdict: where it fails, a note says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def noted(work: Callable[[], Result], consequence: str) -> tuple[Result | None, tuple[str, ...]]:
    """The result; None where the work fails, with a note of the ``consequence`` and the reason."""
    try:
        return work(), ()
    except Exception as error:  # noqa: BLE001  # a framework's own, or a defect here: neither may cost the verdict
        return None, (f"{consequence}: {type(error).__name__}: {error}",)
