"""What several tests of the search share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Countdown = Callable[[int], Callable[[], bool]]


@pytest.fixture
def countdown() -> Countdown:
    """``countdown(n)`` is a clock that is up after ``n`` looks: tests must not depend on elapsed time."""

    def clock(count: int) -> Callable[[], bool]:
        left = iter(range(count))
        return lambda: next(left, None) is not None

    return clock
