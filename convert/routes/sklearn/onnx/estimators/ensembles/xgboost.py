"""XGBoost's boosters and its scikit-learn classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .......validate.trees.readers.categories import tabulate
from .......validate.trees.readers.xgboost import Boosting, read, rounds_of, targets
from .......validate.trees.tree import SplitTest
from ...declare import LABEL, EstimatorGraph, Output, declare, regressor
from ...tensors import Tensor
from .categories import append_code_columns, with_codes
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
    boosting = read(model.get_booster(), rounds_of(model))
    score = _score(g, boosting, model.missing, model)
    if model.n_classes_ > 2:
        return [score.argmax(), score.softmax()]
    share = apply_link(boosting.link, score)
    label = (share.cast(np.float32) > 0.5).cast(np.int64)
    return [label, share] if boosting.targets > 1 else [label.reshape(-1), both_classes(share)]


def xgb_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """``predict`` of a regressor or a ranker."""
    boosting = read(model.get_booster(), rounds_of(model))
    return apply_link(boosting.link, _score(g, boosting, model.missing, model))


def xgb_booster(g: EstimatorGraph, booster: Any) -> Tensor:
    """``Booster.predict``, with all rounds."""
    boosting = read(booster)
    return apply_link(boosting.link, _score(g, boosting, np.nan, booster))


def _classifier_outputs(model: Any) -> list[Output]:
    """A label and the classes' probabilities; with several labels at once, a label and a probability for each."""
    count = targets(model.get_booster()) if model.n_classes_ == 2 else 1
    several = (count,) if count > 1 else ()
    return [Output("label", several, LABEL.dtype), Output("probabilities", several or (model.n_classes_,))]


def _score(g: EstimatorGraph, boosting: Boosting, missing: float, model: Any) -> Tensor:
    """The sum of the trees, (n, targets)."""
    x = single_features(g)
    if not np.isnan(missing):
        x = x.equals(missing).where(np.nan, x)
    x = with_codes(g, x, boosting.features, model)
    trees, tables = tabulate(boosting.trees, boosting.splits, boosting.features)
    x = append_code_columns(g, x, tables, x, lambda code: code >= 0.0)
    return add_ensemble(g, x, Ensemble(trees, boosting.targets, SplitTest.BELOW))
