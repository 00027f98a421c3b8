"""Support vector machines in double, as libsvm computes: decisions, votes and coupled probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.arrays import dense
from ...declare import EstimatorGraph, classifier, labels, outlier_detector, regressor
from ...tensors import Tensor
from ..transformers.kernels import kernel

Array = NDArray[Any]

_MIN_PROBABILITY = 1e-7
_MAX_ROUNDS = 100


def register() -> None:
    """Register this module's converters."""
    from sklearn import svm

    for kind in (svm.SVC, svm.NuSVC):
        classifier(kind, support_vector_classifier, decision_function)
    for kind in (svm.SVR, svm.NuSVR):
        regressor(kind, support_vector_regressor)
    outlier_detector(svm.OneClassSVM, one_class_svm)


def _kernel(g: EstimatorGraph, model: Any) -> Tensor:
    if callable(model.kernel):
        raise RuntimeError(f"{type(model).__name__} with a Python function as kernel has no translation to ONNX")
    if model.kernel == "precomputed":
        return g.x.columns(model.support_)
    parameters = {"degree": model.degree, "gamma": model._gamma, "coef0": model.coef0}
    return kernel(g.x, dense(model.support_vectors_), model.kernel, parameters)


def support_vector_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The weighted sum of kernels, (n, 1)."""
    return _kernel(g, model) @ dense(model.dual_coef_).T + model.intercept_


def one_class_svm(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """1 where the decision value is positive, else -1."""
    decision = support_vector_regressor(g, model)
    return [(decision > 0.0).where(np.int64(1), np.int64(-1), np.int64).reshape(-1), decision]


def support_vector_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class with the most votes of all pairs, and probabilities or decision values."""
    pairs, decisions, wins = _pairwise(g, model)
    scores = _decision_function(decisions, wins, pairs, model)
    by_score = model.break_ties and model.decision_function_shape == "ovr" and len(pairs) > 1
    index = scores.argmax() if by_score else _votes(wins, pairs).argmax()
    if hasattr(model, "predict_proba"):
        return [labels(index, model.classes_), _coupled(decisions, pairs, model)]
    return [labels(index, model.classes_), scores]


def decision_function(g: EstimatorGraph, model: Any) -> Tensor:
    """``decision_function``, whatever ``support_vector_classifier`` gives."""
    pairs, decisions, wins = _pairwise(g, model)
    return _decision_function(decisions, wins, pairs, model)


def _pairwise(g: EstimatorGraph, model: Any) -> tuple[list[tuple[int, int]], Tensor, Tensor]:
    """The pairs of classes, libsvm's decision value of each (n, pairs), and 1 where the first class wins."""
    pairs = list(combinations(range(len(model.classes_)), 2))
    decisions = _kernel(g, model) @ _pair_coefficients(model, pairs) + model._intercept_
    return pairs, decisions, (decisions > 0.0).cast(np.float64)


def _pair_coefficients(model: Any, pairs: Sequence[tuple[int, int]]) -> Array:
    """(support vectors, pairs): for classes i and j, i's vectors use row j - 1 of the coefficients, j's use row i."""
    ends = np.cumsum(model._n_support)
    dual = dense(model._dual_coef_)
    table = np.zeros((dual.shape[1], len(pairs)))
    for column, (i, j) in enumerate(pairs):
        for own, place in ((i, j - 1), (j, i)):
            vectors = slice(ends[own] - model._n_support[own], ends[own])
            table[vectors, column] = dual[place, vectors]
    return table


def _votes(wins: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """How many pairs each class wins, (n, classes)."""
    return wins @ _sides(pairs, 0) + (1.0 - wins) @ _sides(pairs, 1)


def _sides(pairs: Sequence[tuple[int, int]], side: int) -> Array:
    """(pairs, classes): 1 where the class is the first (side 0) or the second (side 1) of the pair."""
    first = [pair[side] for pair in pairs]
    return np.eye(max(map(max, pairs)) + 1)[first]


def _decision_function(decisions: Tensor, wins: Tensor, pairs: Sequence[tuple[int, int]], model: Any) -> Tensor:
    """Votes plus bounded sums of confidence (``ovr``), or one value per pair; (n,) of two classes."""
    if len(pairs) == 1:
        return (-decisions).reshape(-1)
    if model.decision_function_shape == "ovo":
        return decisions
    confidence = decisions @ (_sides(pairs, 0) - _sides(pairs, 1))
    return _votes(wins, pairs) + confidence / ((abs(confidence) + 1.0) * 3.0)


def _coupled(decisions: Tensor, pairs: Sequence[tuple[int, int]], model: Any) -> Tensor:
    """Probabilities of the classes from those of the pairs (Wu, Lin and Weng 2004, second approach; libsvm)."""
    count = max(map(max, pairs)) + 1
    ratio = -(decisions * model._probA + model._probB)
    won = ratio.sigmoid().clip(_MIN_PROBABILITY, 1.0 - _MIN_PROBABILITY)
    lost = 1.0 - won
    i, j = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    at = np.eye(count * count)
    won_by = won @ at[i * count + j] + lost @ at[j * count + i]
    lost_by = won @ at[j * count + i] + lost @ at[i * count + j]
    diagonal = (lost_by * lost_by).reshape(-1, count, count).sum(axis=2)
    matrix = (diagonal @ at[np.arange(count) * (count + 1)] - won_by * lost_by).reshape(-1, count, count)
    start = decisions.columns([0] * count) * 0.0 + 1.0 / count
    rounds = max(_MAX_ROUNDS, count)
    return decisions.graph.loop(rounds, [start, matrix], lambda _, state: _round(state[0], state[1], count))[0]


def _round(p: Tensor, matrix: Tensor, count: int) -> tuple[Tensor, Sequence[Tensor]]:
    """One sweep over the classes; rows whose error is below libsvm's bound stay as they are."""
    gradient = (matrix @ p.expand_dims(2)).reshape(-1, count)
    objective = (p * gradient).sum(keepdims=True)
    open_rows = abs(gradient - objective).max(keepdims=True) >= 0.005 / count
    swept = p
    for t in range(count):
        row = matrix.take(t, axis=1)
        own, slope = row.columns([t]), gradient.columns([t])
        step = (objective - slope) / own
        objective = (objective + step * (step * own + slope * 2.0)) / (step + 1.0) / (step + 1.0)
        gradient = (gradient + step * row) / (step + 1.0)
        swept = (swept + step * np.eye(count)[t]) / (step + 1.0)
    return open_rows.cast(np.float64).max(axis=0).cast(bool), [open_rows.where(swept, p), matrix]
