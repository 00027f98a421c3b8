"""Classes that differ: which became which, and how near to a tie they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...report.charts import Flip, Flips, pack
from .values import Values, storable

if TYPE_CHECKING:
    from ...signature import Array

MOST_PAIRS = 50
"""Pairs of classes that are told."""

MOST_ROWS = 500
"""Rows whose margins are drawn."""


def flips_of_labels(values: Values) -> Flips:
    """Of outputs that hold the classes themselves."""
    pairs: Counter[tuple[str, str]] = Counter()
    rows = 0
    for want, got in zip(values.want, values.got, strict=True):
        rows += want.size
        at = np.flatnonzero(want.reshape(-1) != got.reshape(-1))
        pairs.update(zip(map(str, want.reshape(-1)[at]), map(str, got.reshape(-1)[at]), strict=True))
    return Flips(rows, _commonest(pairs))


def flips_of_scores(values: Values, classes: Sequence[object]) -> Flips:
    """Of outputs whose last axis scores classes, which are called by their number where no name is known."""
    tables = [[_table(array).astype(np.float64) for array in side] for side in (values.want, values.got)]
    want, got = (np.concatenate(side) for side in tables)
    allowed = np.concatenate([_table(np.asarray(array, np.float64)) for array in values.allowed])
    best, chosen = want.argmax(axis=1), got.argmax(axis=1)
    flipped = best != chosen
    pairs = Counter(
        zip((_name(classes, n) for n in best[flipped]), (_name(classes, n) for n in chosen[flipped]), strict=True)
    )
    order = np.argsort(~flipped, kind="stable")[:MOST_ROWS]
    want, got, allowed, best, chosen = (each[order] for each in (want, got, allowed, best, chosen))
    rows = np.arange(len(order))
    with np.errstate(invalid="ignore", over="ignore"):
        top = np.partition(want, -2, axis=1)
        margins, errors = top[:, -1] - top[:, -2], np.abs(got - want).max(axis=1)
        tied = want[rows, best] - want[rows, chosen] <= allowed[rows, best] + allowed[rows, chosen]
    return Flips(
        len(flipped),
        _commonest(pairs),
        pack(storable(margins)),
        pack(storable(errors)),
        tuple(map(int, np.flatnonzero(best != chosen))),
        tuple(map(int, np.flatnonzero((best != chosen) & tied))),
    )


def _commonest(pairs: Counter[tuple[str, str]]) -> tuple[Flip, ...]:
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Flip(*pair, count) for pair, count in ordered[:MOST_PAIRS])


def _name(classes: Sequence[object], number: int) -> str:
    return str(classes[number]) if number < len(classes) else str(int(number))


def _table(array: Array) -> Array:
    return array.reshape(-1, array.shape[-1])
