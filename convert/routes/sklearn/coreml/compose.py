"""Estimators made of others: pipelines, unions, tables split by column, averages of regressors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....validate.engines.sklearn.walk import PASSTHROUGH, steps_of
from .builder import Builder
from .linear import weighted
from .scaling import scaled, selector
from .wires import Answer, Columns, width_of

# The registry's two functions are imported where they are called: its tables are made of this module's functions.


def pipeline_before(b: Builder, model: Any, x: Columns) -> tuple[Any, Columns]:
    """A pipeline's last step, and what the others make of ``x``."""
    from .registry import transform

    *steps, last = steps_of(model)
    for step in steps:
        x = transform(b, step, x)
    return last, x


def pipeline(b: Builder, model: Any, x: Columns) -> Columns:
    """What the last step makes of it."""
    from .registry import transform

    for step in steps_of(model):
        x = transform(b, step, x)
    return x


def column_transformer(b: Builder, model: Any, x: Columns) -> Columns:
    """Each part's columns, transformed, in the order of the parts."""
    from .registry import transform

    result: Columns = ()
    for name, part, _ in model.transformers_:
        wanted = list(model._transformer_to_input_indices[name])
        if part != "drop" and wanted:
            chosen = b.select(x, wanted)
            result += chosen if part in PASSTHROUGH else transform(b, part, chosen)
    return result


def feature_union(b: Builder, model: Any, x: Columns) -> Columns:
    """What each part makes of the whole table, times the part's weight."""
    from .registry import transform

    result: Columns = ()
    for name, part in model.transformer_list:
        if part == "drop":
            continue
        found = x if part in PASSTHROUGH else transform(b, part, x)
        weight = (model.transformer_weights or {}).get(name)
        result += found if weight is None else scaled(b, found, None, np.full(width_of(found), float(weight)))
    return result


def voting_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """The mean of the regressors, by their weights."""
    from .registry import predict

    weights = np.ones(len(model.estimators_)) if model.weights is None else np.asarray(model._weights_not_none)
    votes = tuple(predict(b, member, x).outputs["prediction"] for member in model.estimators_)
    return Answer({"prediction": weighted(b, votes, weights[None] / weights.sum(), 0.0)})


def multi_output_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """One regressor for each target."""
    from .registry import predict

    return Answer(
        {"prediction": b.vector(tuple(predict(b, one, x).outputs["prediction"] for one in model.estimators_))}
    )


def feature_eliminator(b: Builder, model: Any, x: Columns) -> Answer:
    """The estimator that was fitted on the features which recursive elimination has left."""
    from .registry import predict

    return predict(b, model.estimator_, selector(b, model, x))


TRANSFORMERS = {"Pipeline": pipeline, "ColumnTransformer": column_transformer, "FeatureUnion": feature_union}
PREDICTORS = {
    "VotingRegressor": voting_regressor,
    "MultiOutputRegressor": multi_output_regressor,
    **dict.fromkeys(("RFE", "RFECV"), feature_eliminator),
}
