"""How fitted estimators nest: which ones read the user's own columns, and which one is last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PASSTHROUGH = ("passthrough", None)
"""What takes the place of a step that does nothing."""

_INNER = ("best_estimator_", "regressor_", "estimators_", "estimator_", "calibrated_classifiers_", "estimator")
"""Attributes in which a meta-estimator stores fitted estimators, in order of precedence."""


def is_passthrough(part: Any) -> bool:
    """Whether a part of a ColumnTransformer does nothing; scikit-learn may fit a FunctionTransformer in its place."""
    return part in PASSTHROUGH or (type(part).__name__ == "FunctionTransformer" and part.func is None)


def steps_of(pipeline: Any) -> list[Any]:
    """A Pipeline's steps, without those that do nothing."""
    return [step for _, step in pipeline.steps if step not in PASSTHROUGH]


def unwrap(estimator: Any) -> Any:
    """The estimator that a search over hyper-parameters chose or that is frozen, or the estimator itself."""
    if type(estimator).__name__ == "FrozenEstimator":
        return unwrap(estimator.estimator)
    return unwrap(estimator.best_estimator_) if hasattr(estimator, "best_estimator_") else estimator


def final_step(estimator: Any) -> Any:
    """The last estimator: a pipeline's last step, the one chosen by a search, or the estimator itself."""
    from sklearn.pipeline import Pipeline

    chosen = unwrap(estimator)
    steps = steps_of(chosen) if isinstance(chosen, Pipeline) else []
    return final_step(steps[-1]) if steps else chosen


def inner(estimator: Any) -> list[Any]:
    """The fitted estimators directly inside of a meta-estimator; empty for any other."""
    for attribute in _INNER:
        found = list(_flat(vars(estimator).get(attribute))) if hasattr(estimator, "__dict__") else []
        if found:
            return found
    return []


def readers(estimator: Any) -> list[Any]:
    """The estimators that read X as the user passes it: first steps, members of unions and ensembles.

    A ColumnTransformer is one reader, whatever its parts: only it knows the columns.
    """
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(estimator, Pipeline):
        steps = steps_of(estimator)
        return readers(steps[0]) if steps else []
    if isinstance(estimator, FeatureUnion):
        return [reader for _, part in estimator.transformer_list if part != "drop" for reader in readers(part)]
    members = inner(estimator)
    return [reader for member in members for reader in readers(member)] if members else [estimator]


def everything(estimator: Any) -> Iterator[Any]:
    """The estimator and all estimators inside of it, depth first; each once per occurrence."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    yield estimator
    if isinstance(estimator, Pipeline):
        parts = steps_of(estimator)
    elif isinstance(estimator, FeatureUnion):
        parts = [part for _, part in estimator.transformer_list if part not in ("drop", *PASSTHROUGH)]
    elif isinstance(estimator, ColumnTransformer):
        parts = [part for _, part, _ in estimator.transformers_ if part not in ("drop", *PASSTHROUGH)]
    else:
        parts = inner(estimator)
    for part in parts:
        yield from everything(part)


def _flat(value: Any) -> Iterator[Any]:
    """The estimators in a value that is one, or a (nested) list or array of them."""
    import numpy as np

    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        for item in value:
            yield from _flat(item)
    elif hasattr(value, "calibrators"):  # a member of a CalibratedClassifierCV, not an estimator itself
        yield from _flat(value.estimator)
    elif hasattr(value, "predict") or hasattr(value, "transform"):
        yield value
