"""What an estimator needs of another one inside of it: its label, its probabilities, its decision values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....validate.engines.sklearn.walk import steps_of
from ..models.arrays import dense
from .estimator_graph import DECISIONS, INNER, EstimatorGraph
from .tensors import Tensor


def decision_values(g: EstimatorGraph, estimator: Any, *features: Tensor) -> Tensor:
    """``decision_function`` of a fitted estimator in double: (n,) of two classes, else (n, classes).

    Raises RuntimeError for an estimator whose decision values have no translation.
    """
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        *before, last = steps_of(estimator)
        return decision_values(g, last, *g.through(before, *features))
    if type(estimator) in INNER:
        return decision_values(g, INNER[type(estimator)](estimator), *features)
    if type(estimator) in DECISIONS:
        values = DECISIONS[type(estimator)](g.over(*features), estimator)
    elif not hasattr(estimator, "predict_proba"):
        values = g.call(estimator, *features)[1]
    else:
        raise RuntimeError(f"the decision values of {type(estimator).__name__} have no translation to ONNX")
    return values.reshape(-1) if len(estimator.classes_) == 2 else values


def linear_decision(g: EstimatorGraph, model: Any) -> Tensor:
    """``x @ coef_.T + intercept_`` in double, (n, 1) of one target or two classes."""
    return g.x @ np.atleast_2d(dense(model.coef_)).T + np.asarray(model.intercept_, np.float64)


def positive_score(g: EstimatorGraph, estimator: Any, *features: Tensor) -> Tensor:
    """A binary estimator's score of its positive class, (n,): decision value, else probability, else prediction."""
    from sklearn.base import is_regressor
    from sklearn.multiclass import _ConstantPredictor

    if isinstance(estimator, _ConstantPredictor):
        return g.full(float(estimator.y_[0]))
    if is_regressor(estimator):
        return g.call(estimator, *features)[0].reshape(-1)
    if hasattr(estimator, "decision_function"):
        return decision_values(g, estimator, *features)
    return g.call(estimator, *features)[1].columns(1)


def response(g: EstimatorGraph, estimator: Any, method: str, *features: Tensor) -> Tensor:
    """``predict``, ``predict_proba`` or ``decision_function``; of two classes the scores of the positive one, (n,)."""
    if method == "decision_function":
        return decision_values(g, estimator, *features)
    if method == "predict":
        return g.call(estimator, *features)[0]
    probabilities = g.call(estimator, *features)[1]
    return probabilities.columns(1) if len(estimator.classes_) == 2 else probabilities
