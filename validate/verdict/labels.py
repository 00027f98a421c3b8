"""Classifiers: how often two models choose the same class, and which flips are ties."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.types import LabelAgreement

if TYPE_CHECKING:
    from ..signature import Array

TOP = 5
_BLOCK = 1 << 20


def agreement_of_scores(
    reference: Sequence[Array], candidate: Sequence[Array], allowed: Sequence[Array] | None = None
) -> LabelAgreement | None:
    """Agreement on the best class, scores of classes along the last axis; None where there is no choice.

    The candidate agrees on the :data:`TOP` best if the reference's best class is among its own that many (equal
    scores share a rank). ``allowed`` holds how far each score may be off, one array per sample in the scores' shape:
    a flip is a tie if the reference scores both classes no further apart than both may be off. Where all scores are
    within ``allowed``, every flip is one.
    """
    if not all(array.ndim and array.shape[-1] > 1 for array in reference):
        return None
    rows = agreeing = within = ties = 0
    for number, (want, got) in enumerate(zip(reference, candidate, strict=True)):
        for block in _blocks(want.shape):
            left, right = _table(want)[block], _table(got)[block]
            best, chosen = left.argmax(axis=1), right.argmax(axis=1)
            better = np.count_nonzero(right > np.take_along_axis(right, best[:, None], axis=1), axis=1)
            flips = np.flatnonzero(best != chosen)
            rows += len(best)
            agreeing += len(best) - len(flips)
            within += int(np.count_nonzero(better < TOP))
            if allowed is not None and flips.size:
                ties += int(_ties(left[flips], _table(allowed[number])[block][flips], chosen[flips]).sum())
    if not rows:
        return None
    many = all(array.shape[-1] > TOP for array in reference)
    return LabelAgreement(rows, agreeing, TOP if many else 0, within / rows if many else None, ties)


def count_ties(
    labels: tuple[Sequence[Array], Sequence[Array]], scores: Sequence[Array], allowed: Sequence[Array]
) -> int:
    """How many labels differ only because two classes score alike.

    ``labels`` are the reference's and the candidate's, ``scores`` the reference's, which the candidate's must be
    known to meet within ``allowed``: one array per sample in the scores' shape. A flip is a tie if the candidate's
    class scores, in the reference, no further below the best than both scores may be off. Which column is which
    class is read off the reference's own labels; a label that is not found there, or in two columns, is not a tie.
    """
    wanted, given = labels
    if not all(
        score.ndim > 1 and label.size == score[..., 0].size for score, label in zip(scores, wanted, strict=True)
    ):
        return 0
    columns = _columns(wanted, scores)
    ties = 0
    for number, (want, got, score) in enumerate(zip(wanted, given, scores, strict=True)):
        flips = np.flatnonzero(want.reshape(-1) != got.reshape(-1))
        chosen = np.array([columns.get(name, -1) for name in got.reshape(-1)[flips].tolist()], dtype=int)
        flips, chosen = flips[chosen >= 0], chosen[chosen >= 0]
        if flips.size:
            ties += int(_ties(_table(score)[flips], _table(allowed[number])[flips], chosen).sum())
    return ties


def _ties(scores: Array, allowed: Array, chosen: Array) -> Array:
    """For each row of scores, whether the ``chosen`` class is as good as the best one."""
    scores = scores.astype(np.float64)
    best = scores.argmax(axis=1)
    pair = np.stack([best, chosen], axis=1)
    top, other = np.take_along_axis(scores, pair, axis=1).T
    with np.errstate(invalid="ignore"):  # between infinities there is not a tie
        ties: Array = top - other <= np.take_along_axis(allowed, pair, axis=1).sum(axis=1)
    return ties


def _columns(labels: Sequence[Array], scores: Sequence[Array]) -> Mapping[Any, int]:
    """Label -> the one column that is greatest wherever the reference gives that label."""
    seen: dict[Any, set[int]] = {}
    for label, score in zip(labels, scores, strict=True):
        best = _table(score).argmax(axis=1)
        for name, column in set(zip(label.reshape(-1).tolist(), best.tolist(), strict=True)):
            seen.setdefault(name, set()).add(column)
    owners = [column for found in seen.values() for column in found]
    return {name: min(found) for name, found in seen.items() if len(found) == 1 and owners.count(min(found)) == 1}


def _table(array: Array) -> Array:
    """Rows by classes."""
    return array.reshape(-1, array.shape[-1])


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of a table, cut so that a block's size is bounded."""
    rows, step = math.prod(shape[:-1]), max(1, _BLOCK // shape[-1])
    return (slice(start, start + step) for start in range(0, rows, step))
