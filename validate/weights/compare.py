"""The reference's parameters against the candidate's constants: what was found, what is missing, what differs."""

from __future__ import annotations

import numpy as np

from .differing import rounds_alike
from .folded import match_folded
from .ledger import Found, Ledger, Weights
from .match import Matcher
from .near import near_differences
from .types import WeightDifference, WeightsProof

_FLOATS = ("float16", "float32", "float64")
_FEWEST_UNEXPLAINED = 16
"""Smaller constants are settings rather than weights: an epsilon, a scale, a shape."""


def compare_weights(reference: Weights, candidate: Weights, precision: str = "") -> WeightsProof:
    """Trace every floating constant of the candidate; both map names to arrays.

    ``precision`` is what the candidate computes in where that is less than its constants' type: these may have been
    rounded to it, and nothing can be said of values that are merely close.
    """
    ledger = Ledger(_floating(reference))
    constants = _floating(candidate)
    differences: list[WeightDifference] = []
    for dtype in sorted({array.dtype for array in constants.values()}, key=str):
        own = {name: array for name, array in constants.items() if array.dtype == dtype}
        largest = max(array.size for array in own.values())
        differences += Matcher(ledger, dtype, largest).match(own)
        narrow = np.dtype(precision) if precision in _FLOATS else dtype
        left = {name: array for name, array in own.items() if name not in ledger.explained}
        if left and narrow.itemsize < dtype.itemsize:
            differences += Matcher(ledger, dtype, largest, narrow).match(left)
    differences = [each for each in differences if not _is_rounding(each, ledger, constants, precision)]
    match_folded(ledger, constants)
    differences += near_differences(ledger, constants) if not precision else ()
    unexplained = [
        name for name, array in constants.items() if name not in ledger.explained and array.size >= _FEWEST_UNEXPLAINED
    ]
    return WeightsProof(
        values=sum(array.size for array in ledger.parameters.values()),
        identical=ledger.count(Found.IDENTICAL),
        cast=ledger.count(Found.CAST),
        folded=ledger.count(Found.FOLDED),
        missing=tuple(ledger.missing()),
        unexplained=tuple(unexplained),
        differences=tuple(differences),
    )


def _is_rounding(difference: WeightDifference, ledger: Ledger, constants: Weights, precision: str) -> bool:
    """Whether all that a constant differs by is the other neighbour in float16."""
    constant = constants[difference.constant]
    narrow = constant.dtype == np.float16 or precision == "float16"
    return narrow and rounds_alike(ledger.parameters[difference.parameter], constant)


def _floating(weights: Weights) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return {name: array for name, array in weights.items() if array.dtype.name in _FLOATS and array.size}
