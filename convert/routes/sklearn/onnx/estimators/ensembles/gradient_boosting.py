"""scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor, with every loss and any init estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import Conversion, classifier, labels, regressor
from ...tensors import Tensor
from .forests import features, read_tree
from .trees import Ensemble, Tree, add_ensemble


def register() -> None:
    """Register this module's converters."""
    from sklearn import ensemble

    classifier(ensemble.GradientBoostingClassifier, gradient_boosting_classifier, raw_scores)
    regressor(ensemble.GradientBoostingRegressor, raw_scores)


def raw_scores(c: Conversion, model: Any) -> Tensor:
    """The sum of the trees on top of what the init estimator predicts; a regressor's ``predict``."""
    trees = tuple(
        read_tree(estimator, model.learning_rate * estimator.tree_.value[:, :, 0], target)
        for stage in model.estimators_
        for target, estimator in enumerate(stage)
    )
    targets = model.n_trees_per_iteration_
    x = features(c)
    if model.init is None or model.init == "zero":
        base = Tree.constant(model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0])
        return add_ensemble(c, x, Ensemble((base, *trees), targets))
    return add_ensemble(c, x, Ensemble(trees, targets)) + _init_scores(c, x, model)


def gradient_boosting_classifier(c: Conversion, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``."""
    raw = raw_scores(c, model)
    if model.n_trees_per_iteration_ > 1:
        return [labels(raw.argmax(), model.classes_), raw.softmax()]
    positive = (raw * 2.0 if model.loss == "exponential" else raw).sigmoid()
    index = (raw >= 0.0).cast(np.int64).reshape(-1)
    return [labels(index, model.classes_), c.concat([1.0 - positive, positive])]


def _init_scores(c: Conversion, x: Tensor, model: Any) -> Tensor:
    """The init estimator's prediction, taken through the loss' link function."""
    if not hasattr(model, "classes_"):
        return c.call(model.init_, x)[0].reshape(-1, 1)
    tiny = np.finfo(np.float64).eps
    shares = c.call(model.init_, x)[1].clip(tiny, 1 - tiny)
    if model.n_trees_per_iteration_ > 1:
        logarithms = shares.log()
        return logarithms - logarithms.mean(keepdims=True)
    odds = (shares.columns([1]) / (1.0 - shares.columns([1]))).log()
    return odds * 0.5 if model.loss == "exponential" else odds
