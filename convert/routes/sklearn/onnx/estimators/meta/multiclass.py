"""Many classes through many binary estimators."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, labels
from ...distances import euclidean_squared
from ...responses import positive_score, response
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import multiclass

    classifier(multiclass.OneVsOneClassifier, one_vs_one_classifier, one_vs_one_decision)
    classifier(multiclass.OneVsRestClassifier, one_vs_rest_classifier, _scores)
    classifier(multiclass.OutputCodeClassifier, output_code_classifier)


def _scores(g: EstimatorGraph, model: Any) -> Tensor:
    """The positive score of each binary estimator, (n, estimators)."""
    return g.concat([positive_score(g, estimator).expand_dims(1) for estimator in model.estimators_])


def _threshold(estimator: Any) -> float:
    """The score above which a class is positive: 0 for decision values, 0.5 for probabilities and regressors."""
    from sklearn.base import is_classifier

    return 0.0 if hasattr(estimator, "decision_function") and is_classifier(estimator) else 0.5


def one_vs_rest_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class with the greatest score; for several labels, all classes above the threshold."""
    scores = _scores(g, model)
    above = (scores > _threshold(model.estimators_[0])).cast(np.int64)
    if model.multilabel_:
        label = above
    else:
        index = above.reshape(-1) if len(model.estimators_) == 1 else scores.argmax()
        label = labels(index, model.classes_)
    if not hasattr(model, "predict_proba"):
        return [label, scores.reshape(-1) if len(model.estimators_) == 1 else scores]
    return [label, _shares(g, model)]


def _shares(g: EstimatorGraph, model: Any) -> Tensor:
    """Probabilities: each estimator's own, normalised to a sum of 1 unless a row may have several labels."""
    parts = [response(g, estimator, "predict_proba").expand_dims(1) for estimator in model.estimators_]
    if len(parts) == 1:
        parts = [1.0 - parts[0], parts[0]]
    shares = g.concat(parts)
    total = shares.sum(keepdims=True)
    return shares if model.multilabel_ else shares / total.equals(0.0).where(1.0, total)


def one_vs_one_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class with the most votes, ties broken by confidence."""
    decision = one_vs_one_decision(g, model)
    if len(model.classes_) == 2:
        index = (decision > _threshold(model.estimators_[0])).cast(np.int64)
    else:
        index = decision.argmax()
    return [labels(index, model.classes_), decision]


def one_vs_one_decision(g: EstimatorGraph, model: Any) -> Tensor:
    """Votes plus squashed confidences (sklearn.utils.multiclass._ovr_decision_function)."""
    if model.pairwise_indices_ is not None:
        raise RuntimeError("OneVsOneClassifier over precomputed kernels has no translation to ONNX")
    pairs = list(combinations(range(len(model.classes_)), 2))
    wins = np.array([[(c == j) * 1.0 - (c == i) for c in range(len(model.classes_))] for i, j in pairs])
    confidence = _scores(g, model)
    chosen = g.concat([g.call(estimator)[0].reshape(-1, 1) for estimator in model.estimators_]).cast(np.float64)
    votes = chosen @ np.maximum(wins, 0) + (1.0 - chosen) @ np.maximum(-wins, 0)
    total = confidence @ wins
    decision = votes + total / (abs(total) * 3.0 + 3.0)
    return decision.columns(1) if len(model.classes_) == 2 else decision


def output_code_classifier(g: EstimatorGraph, model: Any) -> Tensor:
    """The class whose code is closest to the estimators' scores."""
    return labels(euclidean_squared(_scores(g, model), model.code_book_).argmin(), model.classes_)
