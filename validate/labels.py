"""Classifiers: how often two models choose the same class, and which flips are ties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .metrics import base_allowance
from .report import LabelAgreement, Tolerance

if TYPE_CHECKING:
    from .signature import Array

TOP = 5
_BLOCK = 1 << 20


def agreement_of_scores(reference: Sequence[Array], candidate: Sequence[Array]) -> LabelAgreement | None:
    """Agreement on the best class, scores of classes along the last axis; None where there is no choice.

    The candidate agrees on the :data:`TOP` best if the reference's best class is among its own that many (equal
    scores share a rank).
    """
    if not all(array.ndim and array.shape[-1] > 1 for array in reference):
        return None
    rows = agreeing = within = 0
    for want, got in _rows_of(reference, candidate):
        best = want.argmax(axis=1)
        better = np.count_nonzero(got > np.take_along_axis(got, best[:, None], axis=1), axis=1)
        rows += len(best)
        agreeing += int(np.count_nonzero(best == got.argmax(axis=1)))
        within += int(np.count_nonzero(better < TOP))
    if not rows:
        return None
    many = all(array.shape[-1] > TOP for array in reference)
    return LabelAgreement(rows, agreeing, TOP if many else 0, within / rows if many else None)


def count_ties(labels: tuple[Sequence[Array], Sequence[Array]], scores: Sequence[Array], tolerance: Tolerance) -> int:
    """How many labels differ only because two classes score alike.

    ``labels`` are the reference's and the candidate's, ``scores`` the reference's, which the candidate's must be
    known to meet within ``tolerance``. A flip is a tie if the candidate's class scores, in the reference, no further
    below the best than both scores may be off. Which column is which class is read off the reference's own
    answers; a label that is not found there, or in two columns, is no tie.
    """
    wanted, given = labels
    if not all(
        score.ndim > 1 and label.size == score[..., 0].size for score, label in zip(scores, wanted, strict=True)
    ):
        return 0
    columns = _columns(wanted, scores)
    ties = 0
    for want, got, score in zip(wanted, given, scores, strict=True):
        table = score.reshape(-1, score.shape[-1])
        base = base_allowance(score, tolerance)
        for row in np.flatnonzero(want.reshape(-1) != got.reshape(-1)):
            ties += _is_tie(table[row].astype(np.float64), columns.get(got.reshape(-1)[row].item()), base, tolerance)
    return ties


def _is_tie(scores: Array, column: int | None, base: float, tolerance: Tolerance) -> bool:
    if column is None:
        return False
    best, other = scores.max(), scores[column]
    return bool(best - other <= 2 * base + tolerance.rtol * (abs(best) + abs(other)))


def _columns(labels: Sequence[Array], scores: Sequence[Array]) -> Mapping[Any, int]:
    """Label -> the one column that is greatest wherever the reference answers with that label."""
    seen: dict[Any, set[int]] = {}
    for label, score in zip(labels, scores, strict=True):
        best = score.reshape(-1, score.shape[-1]).argmax(axis=1)
        for name, column in set(zip(label.reshape(-1).tolist(), best.tolist(), strict=True)):
            seen.setdefault(name, set()).add(column)
    owners = [column for found in seen.values() for column in found]
    return {name: min(found) for name, found in seen.items() if len(found) == 1 and owners.count(min(found)) == 1}


def _rows_of(reference: Sequence[Array], candidate: Sequence[Array]) -> Iterator[tuple[Array, Array]]:
    """Pairs of 2-D blocks, rows by classes, of bounded size."""
    for want, got in zip(reference, candidate, strict=True):
        classes = want.shape[-1]
        step = max(1, _BLOCK // classes)
        left, right = want.reshape(-1, classes), got.reshape(-1, classes)
        for start in range(0, len(left), step):
            yield left[start : start + step], right[start : start + step]
