"""XGBoost's boosters and its scikit-learn classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.categories import tabulate
from .......validate.trees.readers.links import Link
from .......validate.trees.readers.xgboost import Boosting, read, rounds_of, targets
from .......validate.trees.tree import SplitTest
from ....models.linear_boosting import read_linear
from ...declare import LABEL, EstimatorGraph, Output, declare, regressor
from ...tensors import Tensor
from .categories import append_code_columns, coded_features
from .links import apply_link, both_classes
from .trees import Ensemble, add_ensemble, single_features


def register() -> None:
    """Register this module's converters."""
    import xgboost

    for kind in (xgboost.XGBClassifier, xgboost.XGBRFClassifier):
        declare(kind, xgb_classifier, _classifier_outputs)
    for kind in (xgboost.XGBRegressor, xgboost.XGBRFRegressor, xgboost.XGBRanker):
        regressor(kind, xgb_regressor, lambda model: targets(model.get_booster()))
    regressor(xgboost.Booster, xgb_booster, targets)


def xgb_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """``predict`` and ``predict_proba``; labels are 0, 1, ... as XGBoost demands."""
    score, link = _scored(g, model, model.get_booster(), rounds_of(model), model.missing)
    if model.n_classes_ > 2:
        return [score.argmax(), score.softmax()]
    share = apply_link(link, score)
    label = (share.cast(np.float32) > 0.5).cast(np.int64)
    is_one_label = targets(model.get_booster()) == 1
    return [label.reshape(-1), both_classes(share)] if is_one_label else [label, share]


def xgb_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict`` of a regressor or a ranker."""
    score, link = _scored(g, model, model.get_booster(), rounds_of(model), model.missing)
    return apply_link(link, score)


def xgb_booster(g: EstimatorGraph, booster: Any) -> Tensor:
    """``Booster.predict``, with all rounds."""
    score, link = _scored(g, booster, booster, None, np.nan)
    return apply_link(link, score)


def _classifier_outputs(model: Any) -> list[Output]:
    """A label and the classes' probabilities; with several labels at once, a label and a probability for each."""
    count = targets(model.get_booster()) if model.n_classes_ == 2 else 1
    several = (count,) if count > 1 else ()
    return [Output("label", several, LABEL.dtype), Output("probabilities", several or (model.n_classes_,))]


def _scored(g: EstimatorGraph, model: Any, booster: Any, rounds: int | None, missing: float) -> tuple[Tensor, Link]:
    """The scores, (n, targets), and what follows them."""

    def marked(x: Tensor) -> Tensor:
        return x if np.isnan(missing) else x.equals(missing).where(np.nan, x)

    if linear := read_linear(booster):
        x = marked(single_features(g))
        return x.is_nan().where(0.0, x).cast(np.float64) @ linear.weights + linear.offsets, linear.link
    boosting = read(booster, rounds)
    x = coded_features(g, model, boosting.features, np.float32, marked)
    return _sum_of_trees(g, x, boosting), boosting.link


def _sum_of_trees(g: EstimatorGraph, x: Tensor, boosting: Boosting) -> Tensor:
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    x = append_code_columns(g, x, tables, x, lambda code: code >= 0.0)
    return add_ensemble(g, x, Ensemble(trees, boosting.targets, SplitTest.BELOW))
