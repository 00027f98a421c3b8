"""Embeddings and numbers: direction, neighbours, and how large errors are in most rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .values import Given, Rows

if TYPE_CHECKING:
    from ...signature import Array


def cosine(given: Given) -> Rows:
    """The cosine between both models' embeddings of a row: 1 for the same direction."""
    expected, actual = (_flat(each) for each in (given.expected[0], given.actual[0]))
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    same = np.where(lengths > 0, (expected * actual).sum(1) / np.maximum(lengths, 1e-300), 1.0)
    return Rows(np.ones(len(expected)), same)


def _flat(values: Array) -> Array:
    return np.asarray(values, np.float64).reshape(len(values), -1)


def neighbours(given: Given) -> Rows:
    """The share of a row's ``k`` nearest rows by cosine that are the same in both models."""
    expected, actual = (_nearest(_flat(each), given["k"]) for each in (given.expected[0], given.actual[0]))
    shared = [len(set(a) & set(b)) / max(len(a), 1) for a, b in zip(expected, actual, strict=True)]
    return Rows(np.ones(len(shared)), np.array(shared))


def _nearest(vectors: Array, k: int) -> Array:
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    return np.argsort(-likeness, axis=1, kind="stable")[:, : min(k, len(vectors) - 1)]


def quantile(given: Given) -> Rows:
    """The ``q`` quantile of the absolute error: of the truth, or without it of the reference. Lower is better."""
    expected, actual = (_flat(each) for each in (given.expected[0], given.actual[0]))
    right = given.truth.of(len(expected))
    wanted = expected if right is None else _flat(right)
    first, second = (np.abs(each - wanted).max(1) for each in (expected, actual))
    return Rows(first, second, partial(_at, given["q"]), bounded=False)


def _at(q: float, values: Array) -> float:
    return float(np.quantile(values, q))
