"""XGBoost's, LightGBM's and CatBoost's trees, alone or behind their scikit-learn classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..onnx.estimators.ensembles import lightgbm as lgbm
from ..onnx.estimators.ensembles import xgboost as xgb
from ..onnx.estimators.ensembles.catboost import INDEPENDENT_CLASSES, SEVERAL_LABELS, loss_of
from ..onnx.estimators.ensembles.catboost import trees_of as catboost_trees
from ..onnx.estimators.ensembles.categories import FIRST, MISSING, OTHER, SetSplit, tabulate
from ..onnx.estimators.ensembles.trees import BELOW, Tree
from ..onnx.values import Value
from .builder import Builder
from .labels import Labels, as_labels, labels_of
from .links import exponential
from .single import single
from .tables import Table, looked_up
from .trees import LOGISTIC, PLAIN, SOFTMAX, sorted_out, summed
from .wires import INT64, Answer, Columns, refused, width_of

EXPONENTIAL = "exponential"

_TRANSFORMS: dict[Callable[..., Any], str] = {
    Value.exp: EXPONENTIAL,
    Value.sigmoid: LOGISTIC,
    Value.softmax: SOFTMAX,
    lgbm.same: PLAIN,
    xgb.same: PLAIN,
}
"""What an objective makes of a score, as the tables of the way to ONNX have it -> Core ML's transform."""


def xgb_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``; labels are 0, 1, ... as XGBoost demands."""
    boosting = xgb.read(model.get_booster(), xgb.rounds_of(model))
    transform = SOFTMAX if model.n_classes_ > 2 else _xgb_transform(model, boosting)
    if transform not in (SOFTMAX, LOGISTIC) or (boosting.targets > 1) != (transform == SOFTMAX):
        raise refused(model, f"{boosting.objective} with {boosting.targets} scores is no classifier of Core ML's")
    labels = as_labels(model, np.arange(model.n_classes_))
    trees, features = _xgb_trees(b, boosting, x, model.missing)
    return sorted_out(b, features, trees, boosting.targets, labels, transform=transform)


def xgb_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of a regressor or a ranker."""
    return _xgb_predicted(b, model, xgb.read(model.get_booster(), xgb.rounds_of(model)), x, model.missing)


def xgb_booster(b: Builder, booster: Any, x: Columns) -> Answer:
    """``Booster.predict``, with all rounds."""
    return _xgb_predicted(b, booster, xgb.read(booster), x, np.nan)


def _xgb_predicted(b: Builder, model: Any, boosting: xgb.Boosting, x: Columns, missing: float) -> Answer:
    transform = _xgb_transform(model, boosting)
    trees, features = _xgb_trees(b, boosting, x, missing)
    return _predicted(b, model, features, trees, boosting.targets, transform)


def _xgb_transform(model: Any, boosting: xgb.Boosting) -> str:
    return _transform(model, boosting.objective, xgb.OBJECTIVES[boosting.objective].output)


def _xgb_trees(b: Builder, boosting: xgb.Boosting, x: Columns, missing: float) -> tuple[list[Tree], Columns]:
    """The trees, which compare single precision with ``<``, and their features."""
    if not np.isnan(missing):
        vector = b.vector(x)
        filled = b.wire("filled", vector.kind, vector.width)
        body = b.stage((vector,), (filled,)).imputer
        body.imputedDoubleArray.vector.extend([np.nan] * vector.width)
        body.replaceDoubleValue = missing
        x = (filled,)
    trees, features = _tabulated(b, x, boosting.trees, boosting.splits, first_code=0.0)
    return single(trees, BELOW), features


def lgbm_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``."""
    boosting = lgbm.read(model.booster_)
    transform, slope = _lgbm_output(model, boosting)
    if transform not in (SOFTMAX, LOGISTIC) or (boosting.targets > 1) != (transform == SOFTMAX):
        raise refused(model, f"its objective {' '.join(boosting.objective)} is no classifier of Core ML's")
    trees, features = _lgbm_trees(b, model, boosting, x, slope)
    return sorted_out(b, features, trees, boosting.targets, labels_of(model), transform=transform)


def lgbm_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of a regressor or a ranker."""
    return lgbm_booster(b, model.booster_, x)


def lgbm_booster(b: Builder, booster: Any, x: Columns) -> Answer:
    """``Booster.predict``, up to the best round after early stopping."""
    boosting = lgbm.read(booster)
    transform, slope = _lgbm_output(booster, boosting)
    trees, features = _lgbm_trees(b, booster, boosting, x, slope)
    return _predicted(b, booster, features, trees, boosting.targets, transform)


def _lgbm_output(model: Any, boosting: lgbm.Boosting) -> tuple[str, float]:
    """The transform, and a factor before it."""
    if not boosting.objective:
        return PLAIN, 1.0
    name, *options = boosting.objective
    if "sqrt" in options:
        raise refused(model, "Core ML has no square behind a tree ensemble (reg_sqrt)")
    slope = next((float(option.partition(":")[2]) for option in options if option.startswith("sigmoid:")), 1.0)
    return _transform(model, name, lgbm.OUTPUTS.get(name)), slope


def _lgbm_trees(
    b: Builder, model: Any, boosting: lgbm.Boosting, x: Columns, slope: float
) -> tuple[tuple[Tree, ...], Columns]:
    """The trees, which compare doubles, and their features."""
    if len(boosting.zero_missing):
        raise refused(model, "it takes zero for missing (zero_as_missing), which no branch of Core ML's does")
    first_code = float(np.nextafter(-1.0, 0.0))  # LightGBM cuts the fraction off: what lies above -1 is code 0
    trees = tuple(replace(tree, value=tree.value * slope / boosting.rounds) for tree in boosting.trees)
    return _tabulated(b, x, trees, boosting.splits, first_code)


def catboost_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``."""
    loss, labels = loss_of(model), labels_of(model)
    if loss in (*SEVERAL_LABELS, *INDEPENDENT_CLASSES):
        raise refused(model, f"Core ML has no classifier with probabilities that don't sum to 1 ({loss})")
    if (model.get_probability_threshold() or 0.5) != 0.5:
        raise refused(model, "its label goes by another threshold than 0.5")
    trees = catboost_trees(model)
    targets = trees[-1].value.shape[1]
    transform = SOFTMAX if targets > 1 else LOGISTIC
    return sorted_out(b, x, single(trees), targets, labels, transform=transform)


def catboost_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of a regressor, a ranker or a plain CatBoost: the score, or what the loss makes of it."""
    kind = model._get_default_prediction_type()
    if kind == "RMSEWithUncertainty":
        raise refused(model, "Core ML has no variance beside a prediction")
    trees = catboost_trees(model)
    transform = EXPONENTIAL if kind == "Exponent" else PLAIN
    return _predicted(b, model, x, single(trees), trees[-1].value.shape[1], transform)


def _predicted(b: Builder, model: Any, x: Columns, trees: Sequence[Tree], targets: int, transform: str) -> Answer:
    if transform == SOFTMAX:  # a classifier without names for its classes
        labels = Labels(INT64, tuple(range(targets)))
        shares = sorted_out(b, x, trees, targets, labels, transform=SOFTMAX).outputs["probabilities"]
        return Answer({"prediction": shares}, {"prediction": labels.values})
    if transform == EXPONENTIAL:
        return Answer({"prediction": exponential(b, summed(b, x, trees, targets))})
    if transform == LOGISTIC and targets > 1:
        raise refused(model, "Core ML's logistic transform is for one score")
    return Answer({"prediction": summed(b, x, trees, targets, transform=transform)})


def _transform(model: Any, objective: str, output: Callable[..., Any] | None) -> str:
    if output not in _TRANSFORMS:
        raise refused(model, f"Core ML has no transform for the objective {objective}")
    return _TRANSFORMS[output]


def _tabulated(
    b: Builder, x: Columns, trees: Sequence[Tree], splits: Sequence[SetSplit], first_code: float
) -> tuple[tuple[Tree, ...], Columns]:
    """Trees whose splits on sets of codes test columns of tables, which stand behind the features."""
    changed, tables = tabulate(trees, splits, width_of(x))
    if not tables:
        return changed, x
    rows = []
    for table in tables.values():
        codes = np.arange(len(table) - FIRST, dtype=np.float64)
        keys, ends = codes.copy(), np.nextafter(codes + 1.0, -np.inf)
        keys[:1] = first_code
        rows.append(Table(keys.tolist(), table[FIRST:], table[OTHER], table[MISSING], ends.tolist()))
    return changed, (*x, looked_up(b, b.select(x, list(tables)), rows))


PREDICTORS = {
    **dict.fromkeys(("xgboost.XGBClassifier", "xgboost.XGBRFClassifier"), xgb_classifier),
    **dict.fromkeys(("xgboost.XGBRegressor", "xgboost.XGBRFRegressor", "xgboost.XGBRanker"), xgb_regressor),
    "xgboost.Booster": xgb_booster,
    "lightgbm.LGBMClassifier": lgbm_classifier,
    **dict.fromkeys(("lightgbm.LGBMRegressor", "lightgbm.LGBMRanker"), lgbm_regressor),
    "lightgbm.Booster": lgbm_booster,
    "catboost.CatBoostClassifier": catboost_classifier,
    **dict.fromkeys(("catboost.CatBoostRegressor", "catboost.CatBoostRanker", "catboost.CatBoost"), catboost_regressor),
}
