"""Classification: whether the right class is among the best, how clearly, and how well scores rank and calibrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .values import Given, Rows

if TYPE_CHECKING:
    from ...signature import Array


def top(given: Given) -> Rows:
    """Whether the class is among the ``k`` greatest scores: the true one, or without truth the reference's best."""
    expected, actual = (np.asarray(each, np.float64) for each in (given.expected[0], given.actual[0]))
    right = given.truth.of(len(expected))
    wanted = expected.argmax(-1) if right is None else right.astype(int)
    return Rows(_among(expected, wanted, given["k"]), _among(actual, wanted, given["k"]))


def _among(scores: Array, wanted: Array, k: int) -> Array:
    own = np.take_along_axis(scores, wanted[..., None], -1)
    return np.asarray((scores > own).sum(-1) < k, np.float64)


def margin(given: Given) -> Rows:
    """The best score minus the second best."""
    return Rows(_margin(given.expected[0]), _margin(given.actual[0]), bounded=False)


def _margin(scores: Array) -> Array:
    best = np.sort(np.asarray(scores, np.float64), -1)
    return np.asarray(best[..., -1] - best[..., -2])


def auc(given: Given) -> Rows:
    """The area under the ROC curve of a score for the class 1 (the last column of a table of scores).

    J. A. Hanley, B. J. McNeil, The meaning and use of the area under a ROC curve (1982): the share of pairs that are
    ranked right, ties counted half.
    """
    first, second = (
        np.column_stack([_positive(each), _needed(given, each)]) for each in (given.expected[0], given.actual[0])
    )
    return Rows(first, second, _area, bounded=False)


def _positive(scores: Array) -> Array:
    return np.asarray(scores if scores.ndim == 1 else scores[:, -1], np.float64)


def _needed(given: Given, scores: Array) -> Array:
    right = given.truth.of(len(scores))
    if right is None:
        raise ValueError("it needs the true labels: truth=FILE.npy")
    return right


def _area(rows: Array) -> float:
    scores, right = rows[:, 0], rows[:, 1] > 0
    if right.all() or not right.any():
        return float("nan")
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    positive = int(right.sum())
    above = middle[ranks][right].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(right) - positive)))


def logloss(given: Given) -> Rows:
    """The mean of -log(probability of the true class): lower is better."""
    first, second = (_losses(each, _needed(given, each)) for each in (given.expected[0], given.actual[0]))
    return Rows(first, second, bounded=False)


def _losses(scores: Array, right: Array) -> Array:
    table = np.asarray(scores, np.float64)
    if table.ndim == 1:
        table = np.column_stack([1 - table, table])
    table = np.clip(table / table.sum(-1, keepdims=True), np.finfo(np.float64).eps, 1)
    return np.asarray(-np.log(table[np.arange(len(table)), right.astype(int)]))
