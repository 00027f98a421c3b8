"""Which function writes which estimator, by library and class."""

from __future__ import annotations

from . import boosters, compose, encoders, forests, gradient_boosting, impute, linear, neighbors, scaling, svm, tables
from .builder import Predict, Transform, Writers

_SKLEARN = "sklearn."

PREDICTORS: dict[str, Predict] = {
    **{_SKLEARN + name: function for module in (compose, encoders, forests, gradient_boosting, linear, neighbors, svm)
       for name, function in module.PREDICTORS.items()},
    **boosters.PREDICTORS,
}  # fmt: skip
"""Estimators that predict."""

TRANSFORMERS: dict[str, Transform] = {
    _SKLEARN + name: function
    for module in (compose, encoders, impute, scaling, tables)
    for name, function in module.TRANSFORMERS.items()
}
"""Estimators that transform."""

WRITERS = Writers(PREDICTORS, TRANSFORMERS)
