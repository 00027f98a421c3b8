"""Predictors that ignore the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, label_dtype, regressor
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import dummy

    classifier(dummy.DummyClassifier, dummy_classifier)
    regressor(dummy.DummyRegressor, dummy_regressor, lambda model: model.n_outputs_)


def dummy_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """One label and one row of probabilities for every row."""
    if model.strategy in ("stratified", "uniform"):
        raise RuntimeError(f"DummyClassifier(strategy={model.strategy!r}) predicts at random")
    several = isinstance(model.classes_, list)
    classes, priors = (model.classes_, model.class_prior_) if several else ([model.classes_], [model.class_prior_])
    shares = [np.asarray(prior, np.float64) for prior in priors]
    if model.strategy == "constant":
        shares = [(own == value) * 1.0 for own, value in zip(classes, np.ravel(model.constant), strict=True)]
    elif model.strategy == "most_frequent":
        shares = [np.eye(len(prior))[prior.argmax()] for prior in shares]
    chosen = np.array([own[share.argmax()] for own, share in zip(classes, shares, strict=True)])
    label = g.full((chosen if several else chosen[0]), label_dtype(model.classes_))
    return [label, *map(g.full, shares)]


def dummy_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """One prediction for every row."""
    return g.full(np.ravel(model.constant_).astype(np.float64))
