"""XGBoost's linear boosters as generalised linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....validate.trees.readers.links import Link
from ..models.linear_boosting import LinearBoosting
from .builder import Builder
from .impute import replaced
from .labels import add_classifier, as_labels
from .linear import against_the_first, fill_classes, sum_weighted
from .links import exponentiate
from .wires import Columns, Outputs, Wire, unsupported


def classify_linearly(b: Builder, model: Any, linear: LinearBoosting, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba`` of an ``XGBClassifier``. Raises PG404 for independent labels."""
    classes = int(model.n_classes_)
    if linear.targets != (classes if classes > 2 else 1) or (classes == 2 and linear.link is not Link.SIGMOID):
        raise unsupported(model, f"Core ML has no linear classifier for the objective {linear.objective}")
    labels = as_labels(model, np.arange(classes))
    spec, outputs = add_classifier(b, (_filled(b, model, x),), labels)
    fill_classes(spec.glmClassifier, *against_the_first(linear.weights.T, linear.offsets), labels)
    return outputs


def predict_linearly(b: Builder, model: Any, linear: LinearBoosting, x: Columns) -> Outputs:
    """``predict`` of a regressor, a ranker or a Booster. Raises PG404 for other links than these."""
    total = sum_weighted(b, (_filled(b, model, x),), linear.weights.T, linear.offsets)
    if linear.link is Link.EXPONENTIAL:
        total = exponentiate(b, total)
    elif linear.link is not Link.IDENTITY:
        raise unsupported(model, f"Core ML's linear regressors can't apply the function {linear.link.name}")
    return Outputs({"prediction": total})


def _filled(b: Builder, model: Any, x: Columns) -> Wire:
    """The features with 0 in place of what is missing: NaN, and the estimator's own marker."""
    marker = getattr(model, "missing", np.nan)
    filled = replaced(b, x, np.nan, 0.0)
    return filled if np.isnan(marker) else replaced(b, (filled,), marker, 0.0)
