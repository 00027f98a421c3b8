"""scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor, with every loss and any init estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.forests import boosted_trees, boosting_base, boosting_link
from ...declare import EstimatorGraph, classifier, regressor
from ...tensors import Tensor
from .links import classify
from .trees import Ensemble, add_ensemble, single_features


def register() -> None:
    """Register this module's converters."""
    from sklearn import ensemble

    classifier(ensemble.GradientBoostingClassifier, gradient_boosting_classifier, raw_scores)
    regressor(ensemble.GradientBoostingRegressor, raw_scores)


def raw_scores(g: EstimatorGraph, model: Any) -> Tensor:
    """The sum of the trees on top of what the init estimator predicts; a regressor's ``predict``."""
    trees, base, targets = tuple(boosted_trees(model)), boosting_base(model), model.n_trees_per_iteration_
    x = single_features(g)
    if base is not None:
        return add_ensemble(g, x, Ensemble((base, *trees), targets))
    return add_ensemble(g, x, Ensemble(trees, targets)) + _init_scores(g, x, model)


def gradient_boosting_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``."""
    link, slope = boosting_link(model)
    return classify(raw_scores(g, model), link, model.classes_, slope=slope, zero_is_second=True)


def _init_scores(g: EstimatorGraph, x: Tensor, model: Any) -> Tensor:
    """The init estimator's prediction, on the scale of the scores."""
    if not hasattr(model, "classes_"):
        return g.call(model.init_, x)[0].reshape(-1, 1)
    tiny = np.finfo(np.float64).eps
    shares = g.call(model.init_, x)[1].clip(tiny, 1 - tiny)
    if model.n_trees_per_iteration_ > 1:
        logarithms = shares.log()
        return logarithms - logarithms.mean(keepdims=True)
    odds = (shares.columns([1]) / (1.0 - shares.columns([1]))).log()
    return odds * 0.5 if model.loss == "exponential" else odds
