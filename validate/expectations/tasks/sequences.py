"""Text and other sequences: how many insertions, deletions and replacements lie between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .values import Given, Rows

if TYPE_CHECKING:
    from ...signature import Array


def edits(given: Given) -> Rows:
    """1 minus the edit distance as a share of the longer sequence: of the truth, or without it of the reference."""
    return _compared([list(each) for each in given.expected[0]], [list(each) for each in given.actual[0]], given)


def ctc(given: Given) -> Rows:
    """The same for what greedy decoding makes of scores [rows, steps, symbols]: repeats joined, blanks left out.

    A. Graves et al., Connectionist temporal classification (2006).
    """
    expected, actual = (_decoded(each, given["blank"]) for each in (given.expected[0], given.actual[0]))
    return _compared(expected, actual, given)


def _decoded(scores: Array, blank: int) -> list[list[int]]:
    found = []
    for row in scores.argmax(-1):
        kept = row[np.insert(row[1:] != row[:-1], 0, True)] if len(row) else row
        found.append([int(symbol) for symbol in kept if symbol != blank])
    return found


def _compared(expected: Sequence[Any], actual: Sequence[Any], given: Given) -> Rows:
    right = given.truth.of(len(expected))
    wanted = expected if right is None else [list(each) for each in right]
    first, second = (
        np.array([likeness(w, g) for w, g in zip(wanted, each, strict=True)]) for each in (expected, actual)
    )
    return Rows(first, second)


def likeness(first: Sequence[Any], second: Sequence[Any]) -> float:
    """1 for equal sequences, 0 for those that share nothing."""
    longest = max(len(first), len(second))
    return 1 - distance(first, second) / longest if longest else 1.0


def distance(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Insertions, deletions and replacements.

    R. A. Wagner, M. J. Fischer, The string-to-string correction problem (1974).
    """
    row = list(range(len(second) + 1))
    for number, left in enumerate(first, 1):
        before, row = row, [number]
        for at, right in enumerate(second):
            row.append(min(before[at + 1] + 1, row[at] + 1, before[at] + (left != right)))
    return row[-1]
