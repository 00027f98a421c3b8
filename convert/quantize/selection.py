"""How many layers must stay in float."""

from __future__ import annotations

from collections.abc import Callable


def fewest(most: int, passes: Callable[[int], bool]) -> int | None:
    """The smallest number from 1 to ``most`` that passes, found by doubling and bisection; None where none does.

    More must do where fewer do; where that isn't so, the number found still passes.
    """
    low, high = 0, min(1, most)
    while high and not passes(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high or None
