"""Comparisons of numbers that are rounded to single precision first, as comparisons of the numbers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..onnx.estimators.ensembles.trees import AT_MOST, Tree, narrow

if TYPE_CHECKING:
    from .wires import Floats

_BEYOND = 2.0**128
"""What stands in the place of the float32 infinities when a number is rounded to the nearer of two neighbours."""


def single(trees: Sequence[Tree], mode: str = AT_MOST) -> list[Tree]:
    """Trees that send a double where the given ones, which test ``mode``, send it rounded to float32.

    Every number up to the middle between two neighbours in float32 is rounded down, and the middle itself to the even
    one of them. A runtime that computes in float32 comes to the same: it rounds the limit to the lower neighbour.
    """
    return [replace(tree, threshold=single_limit(tree.threshold, mode)) for tree in trees]


def single_limit(threshold: Floats, mode: str = AT_MOST) -> Floats:
    """The greatest doubles whose float32 is at most (AT_MOST), or else less than, ``threshold``."""
    low = narrow(threshold, mode)
    with np.errstate(over="ignore"):  # beyond the greatest number is infinity
        low = low if mode == AT_MOST else np.nextafter(low, np.float32(-np.inf))
        high = np.nextafter(low, np.float32(np.inf))
    ends = [np.clip(end.astype(np.float64), -_BEYOND, _BEYOND) for end in (low, high)]
    middle = (ends[0] + ends[1]) / 2
    even = low.view(np.uint32) % 2 == 0
    return np.where(np.isposinf(low), np.inf, np.where(even, middle, np.nextafter(middle, -np.inf)))
