"""Ensembles of arbitrary estimators: bagging, boosting by weights, stacking, voting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, labels, regressor
from ...estimator_graph import DECISIONS
from ...responses import decision_values, response
from ...tensors import Tensor
from ..transformers.encoders import code_of
from . import gradient_boosting, hist_gradient_boosting


def register() -> None:
    """Register this module's converters."""
    from sklearn import ensemble

    DECISIONS[ensemble.GradientBoostingClassifier] = gradient_boosting.raw_scores
    DECISIONS[ensemble.HistGradientBoostingClassifier] = hist_gradient_boosting.raw_scores
    classifier(ensemble.AdaBoostClassifier, ada_boost_classifier, ada_boost_decision)
    classifier(ensemble.BaggingClassifier, bagging_classifier, bagging_decision)
    classifier(ensemble.StackingClassifier, stacking_classifier, stacking_decision)
    classifier(ensemble.VotingClassifier, voting_classifier)
    regressor(ensemble.BaggingRegressor, bagging_regressor)
    regressor(ensemble.StackingRegressor, stacking_regressor)
    regressor(ensemble.VotingRegressor, voting_regressor)


def _mean(values: Sequence[Tensor], weights: Any = None) -> Tensor:
    """The mean, divided at the end: ONNX Runtime fuses a factor after a MatMul as a float32 attribute."""
    if weights is None:
        return sum(values[1:], values[0]) / float(len(values))
    terms = [value * float(weight) for value, weight in zip(values, weights, strict=True)]
    return sum(terms[1:], terms[0]) / float(np.sum(weights))


def _members(g: EstimatorGraph, model: Any) -> list[tuple[Any, tuple[Tensor, ...]]]:
    """A bagging's estimators, each with the features that it was fitted on."""
    everything = np.arange(model.n_features_in_)
    return [
        (estimator, () if np.array_equal(chosen, everything) else (g.raw.columns(chosen),))
        for estimator, chosen in zip(model.estimators_, model.estimators_features_, strict=True)
    ]


def bagging_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The mean of the members' probabilities, or their votes if they have none."""
    shares = []
    for estimator, features in _members(g, model):
        own = np.eye(len(model.classes_))[estimator.classes_]
        if hasattr(estimator, "predict_proba"):
            shares.append(g.call(estimator, *features)[1] @ own)
        else:
            shares.append(g.constant(np.eye(len(model.classes_))).take(g.call(estimator, *features)[0]))
    mean = _mean(shares)
    return [labels(mean.argmax(), model.classes_), mean]


def bagging_decision(g: EstimatorGraph, model: Any) -> Tensor:
    """The mean of the members' decision values."""
    return _mean([decision_values(g, estimator, *features) for estimator, features in _members(g, model)])


def bagging_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The mean of the members' predictions."""
    return _mean([g.call(estimator, *features)[0] for estimator, features in _members(g, model)])


def ada_boost_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class with the greatest weighted votes, and the softmax of the votes."""
    decision = ada_boost_decision(g, model)
    if len(model.classes_) == 2:
        index = (decision > 0.0).cast(np.int64).reshape(-1)
        return [labels(index, model.classes_), (decision * np.array([-0.5, 0.5])).softmax()]
    return [labels(decision.argmax(), model.classes_), (decision / (len(model.classes_) - 1.0)).softmax()]


def ada_boost_decision(g: EstimatorGraph, model: Any) -> Tensor:
    """Weighted votes, each also counting against the other classes; (n, 1) of two classes."""
    count = len(model.classes_)
    ballot = np.where(np.eye(count, dtype=bool), 1.0, -1 / (count - 1))
    votes = [
        g.constant(ballot).take(code_of(g.call(estimator)[0].reshape(-1, 1), model.classes_) - 1)
        for estimator in model.estimators_
    ]
    mean = _mean(votes, model.estimator_weights_[: len(votes)])
    return mean @ np.array([[-1.0], [1.0]]) if count == 2 else mean


def _stacked(g: EstimatorGraph, model: Any) -> Tensor:
    """The final estimator's inputs: the members' responses, then the features if they are passed through."""
    parts = [response(g, *pair) for pair in zip(model.estimators_, model.stack_method_, strict=True)]
    shaped = [part.cast(np.float64).reshape(0, -1) for part in parts]
    return g.concat([*shaped, g.x] if model.passthrough else shaped)


def stacking_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The final estimator's label and scores."""
    if isinstance(model.classes_, list):
        raise RuntimeError("StackingClassifier of several labels has no translation to ONNX")
    label, *scores = g.call(model.final_estimator_, _stacked(g, model))
    return [labels(label, model.classes_), *scores]


def stacking_decision(g: EstimatorGraph, model: Any) -> Tensor:
    """The final estimator's decision values."""
    return decision_values(g, model.final_estimator_, _stacked(g, model))


def stacking_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The final estimator's prediction."""
    return g.call(model.final_estimator_, _stacked(g, model))[0]


def voting_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The mean of the members' probabilities, or the weight of their votes."""
    weights = model._weights_not_none
    if model.voting == "soft":
        mean = _mean([g.call(estimator)[1] for estimator in model.estimators_], weights)
        return [labels(mean.argmax(), model.classes_), mean]
    unit = g.constant(np.eye(len(model.classes_)))
    votes = _mean([unit.take(g.call(estimator)[0]) for estimator in model.estimators_], weights)
    return [labels(votes.argmax(), model.classes_)]


def voting_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """The weighted mean of the members' predictions."""
    return _mean([g.call(estimator)[0] for estimator in model.estimators_], model._weights_not_none)
