"""Estimators made of others: pipelines, unions, tables split by column, averages of regressors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....validate.engines.sklearn.walk import PASSTHROUGH, steps_of
from .builder import Builder
from .linear import sum_weighted
from .scaling import scale_columns, select_columns
from .wires import Columns, Outputs, width_of


def predicting_pipeline(b: Builder, model: Any, x: Columns) -> Outputs:
    """The outputs of the last step; the transformed table if the last step doesn't predict."""
    if not hasattr(model, "predict"):
        return Outputs({"transformed": b.vector(pipeline(b, model, x))})
    *steps, last = steps_of(model)
    for step in steps:
        x = b.transform(step, x)
    return b.predict(last, x)


def pipeline(b: Builder, model: Any, x: Columns) -> Columns:
    """The table that the last step gives."""
    for step in steps_of(model):
        x = b.transform(step, x)
    return x


def column_transformer(b: Builder, model: Any, x: Columns) -> Columns:
    """Each part's columns, transformed, in the order of the parts."""
    result: Columns = ()
    for name, part, _ in model.transformers_:
        wanted = list(model._transformer_to_input_indices[name])
        if part != "drop" and wanted:
            chosen = b.select(x, wanted)
            result += chosen if part in PASSTHROUGH else b.transform(part, chosen)
    return result


def feature_union(b: Builder, model: Any, x: Columns) -> Columns:
    """The table of each part, times the part's weight."""
    result: Columns = ()
    for name, part in model.transformer_list:
        if part == "drop":
            continue
        found = x if part in PASSTHROUGH else b.transform(part, x)
        weight = (model.transformer_weights or {}).get(name)
        result += found if weight is None else scale_columns(b, found, None, np.full(width_of(found), float(weight)))
    return result


def voting_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """The weighted mean of the regressors."""
    weights = np.ones(len(model.estimators_)) if model.weights is None else np.asarray(model._weights_not_none)
    votes = tuple(b.predict(member, x).wires["prediction"] for member in model.estimators_)
    return Outputs({"prediction": sum_weighted(b, votes, weights[None] / weights.sum(), 0.0)})


def multi_output_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """One regressor for each target."""
    predictions = tuple(b.predict(member, x).wires["prediction"] for member in model.estimators_)
    return Outputs({"prediction": b.vector(predictions)})


def feature_eliminator(b: Builder, model: Any, x: Columns) -> Outputs:
    """The estimator that was fitted on the features left by recursive elimination."""
    return b.predict(model.estimator_, select_columns(b, model, x))


TRANSFORMERS = {"Pipeline": pipeline, "ColumnTransformer": column_transformer, "FeatureUnion": feature_union}
PREDICTORS = {
    "Pipeline": predicting_pipeline,
    "VotingRegressor": voting_regressor,
    "MultiOutputRegressor": multi_output_regressor,
    **dict.fromkeys(("RFE", "RFECV"), feature_eliminator),
}
