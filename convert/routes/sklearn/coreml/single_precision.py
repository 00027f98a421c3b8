"""Comparisons of numbers that are rounded to single precision first, as comparisons of the numbers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .....validate.trees.tree import SplitTest, Tree, narrow

if TYPE_CHECKING:
    from .wires import Floats

_BEYOND = 2.0**128
"""Stands for the float32 infinities when a number is rounded to the nearer of two neighbours."""


def widen_thresholds(trees: Sequence[Tree], test: SplitTest = SplitTest.AT_MOST) -> list[Tree]:
    """Trees that send a double where the given ones, with this test, send it rounded to float32.

    Every number up to the middle between two neighbours in float32 is rounded down, and the middle itself to the even
    one of them. A runtime that computes in float32 gets the same result: it rounds the limit to the lower neighbour.
    """
    return [replace(tree, threshold=widen_limit(tree.threshold, test)) for tree in trees]


def widen_limit(threshold: Floats, test: SplitTest = SplitTest.AT_MOST) -> Floats:
    """The greatest doubles whose float32 is at most ``threshold`` (AT_MOST), or less than it (BELOW)."""
    low = narrow(threshold, test)
    with np.errstate(over="ignore"):  # beyond the greatest number is infinity
        low = low if test is SplitTest.AT_MOST else np.nextafter(low, np.float32(-np.inf))
        high = np.nextafter(low, np.float32(np.inf))
    ends = [np.clip(end.astype(np.float64), -_BEYOND, _BEYOND) for end in (low, high)]
    middle = (ends[0] + ends[1]) / 2
    even = low.view(np.uint32) % 2 == 0
    return np.where(np.isposinf(low), np.inf, np.where(even, middle, np.nextafter(middle, -np.inf)))
