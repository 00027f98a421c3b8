"""LightGBM's boosters and its scikit-learn classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.errors import ParityGateError
from .......validate.trees.readers.categories import tabulate
from .......validate.trees.readers.lightgbm import ALMOST_ZERO, Boosting, read
from ...declare import EstimatorGraph, classifier, labels, regressor
from ...tensors import Tensor
from .categories import append_code_columns, coded_features
from .links import apply_link, both_classes
from .trees import Ensemble, add_ensemble, exact_type


def register() -> None:
    """Register this module's converters."""
    import lightgbm

    classifier(lightgbm.LGBMClassifier, lgbm_classifier, lgbm_scores)
    for kind in (lightgbm.LGBMRegressor, lightgbm.LGBMRanker):
        regressor(kind, lgbm_regressor)
    regressor(lightgbm.Booster, lgbm_booster, lambda booster: booster.num_model_per_iteration())


def lgbm_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``."""
    boosting = read(model.booster_)
    if not boosting.objective:
        raise ParityGateError("PG404", "LightGBM", "a classifier with a custom objective gives no probabilities")
    share = _prediction(g, boosting, model)
    shares = share if boosting.targets > 1 else both_classes(share)
    return [labels(shares.argmax(), model.classes_), shares]


def lgbm_scores(g: EstimatorGraph, model: Any) -> Tensor:
    """``decision_function`` (which LightGBM has since 4.7): the score before the objective, (n, targets)."""
    return _score(g, read(model.booster_), model)


def lgbm_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict`` of a regressor or a ranker."""
    return lgbm_booster(g, model.booster_)


def lgbm_booster(g: EstimatorGraph, booster: Any) -> Tensor:
    """``Booster.predict``, up to the best round after early stopping."""
    return _prediction(g, read(booster), booster)


def _prediction(g: EstimatorGraph, boosting: Boosting, model: Any) -> Tensor:
    """What the booster predicts for the score; with a custom objective the score itself."""
    link, slope = boosting.link()
    score = _score(g, boosting, model)
    return apply_link(link, score * slope if slope != 1.0 else score)


def _score(g: EstimatorGraph, boosting: Boosting, model: Any) -> Tensor:
    """The sum (or the mean) of the trees, (n, targets)."""
    x = raw = coded_features(g, model, boosting.features, exact_type(g.inputs))
    if len(boosting.zero_missing):
        limit = np.full((1, boosting.features), -1.0)
        limit[0, boosting.zero_missing] = ALMOST_ZERO
        x = (abs(raw) <= limit).where(np.nan, raw)
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    x = append_code_columns(g, x, tables, raw, lambda code: code > -1.0)
    return add_ensemble(g, x, Ensemble(trees, boosting.targets)) / boosting.rounds
