"""Which function writes which estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .....validate.engines.sklearn.walk import unwrap
from . import boosters, compose, encoders, forests, gradient_boosting, impute, linear, neighbors, scaling, svm, tables
from .builder import Builder
from .wires import Answer, Columns, refused

Predict = Callable[[Builder, Any, Columns], Answer]
Transform = Callable[[Builder, Any, Columns], Columns]

_OWN = "sklearn."

PREDICTORS: dict[str, Predict] = {
    **{_OWN + name: function for module in (compose, encoders, forests, gradient_boosting, linear, neighbors, svm)
       for name, function in module.PREDICTORS.items()},
    **boosters.PREDICTORS,
}  # fmt: skip
"""Estimators that predict, by library and class."""

TRANSFORMERS: dict[str, Transform] = {
    _OWN + name: function
    for module in (compose, encoders, impute, scaling, tables)
    for name, function in module.TRANSFORMERS.items()
}
"""Estimators that transform, by library and class."""


def predict(b: Builder, estimator: Any, x: Columns) -> Answer:
    """Append the stages of an estimator, the last one of a model. Raises PG404 where Core ML has no model for it."""
    estimator = unwrap(estimator)
    name = _name(estimator)
    if name == "sklearn.Pipeline" and hasattr(estimator, "predict"):
        return predict(b, *compose.pipeline_before(b, estimator, x))
    if name in PREDICTORS:
        return PREDICTORS[name](b, estimator, x)
    if hasattr(estimator, "predict"):
        raise _unknown(estimator)
    return Answer({"transformed": b.vector(transform(b, estimator, x))})


def transform(b: Builder, estimator: Any, x: Columns) -> Columns:
    """Append the stages of a transformer and return its columns. Raises PG404 where Core ML has no model for it."""
    estimator = unwrap(estimator)
    if _name(estimator) not in TRANSFORMERS:
        raise _unknown(estimator)
    return TRANSFORMERS[_name(estimator)](b, estimator, x)


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__.partition('.')[0]}.{type(estimator).__name__}"


def _unknown(estimator: Any) -> Exception:
    return refused(estimator, "Core ML has no model of this kind")
