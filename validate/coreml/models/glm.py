"""Generalised linear models, computed in double."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Slot, Tensor
from .base import ModelContext, regressed, vector_input
from .classifier import class_labels, classified
from .links import logistic, normal_distribution, shares, softmax_with_reference

NO_TRANSFORM, LOGIT, PROBIT = 0, 1, 2
"""GLMRegressor.PostEvaluationTransform; GLMClassifier's begins with LOGIT."""
REFERENCE_CLASS = 0
"""GLMClassifier.ClassEncoding."""


def glm_regressor(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """weights * x + offset for each target, then the inverse link."""
    x = vector_input(g, context, slots)
    body = context.body
    y = _activated(g, linear_scores(g, x, body), body.postEvaluationTransform)
    return regressed(context, y)


def linear_scores(g: Graph, x: Tensor, body: Message) -> Tensor:
    """One score per row of ``body.weights``. Raises PG402 when rows and offsets don't fit."""
    rows = [list(w.value) for w in body.weights]
    if len({len(r) for r in rows}) != 1 or len(body.offset) not in (0, len(rows)):
        raise damaged("the linear model", "its weights and offsets have different lengths")
    scores = g.op("MatMul", g.const(np.array(rows, np.float64)), x)
    return g.op("Add", scores, g.const(list(body.offset), "float64")) if body.offset else scores


def _activated(g: Graph, scores: Tensor, transform: int) -> Tensor:
    if transform == NO_TRANSFORM:
        return scores
    if transform == LOGIT:
        return logistic(g, scores)
    if transform == PROBIT:
        return normal_distribution(g, scores)
    raise unsupported("the linear model", f"post-evaluation transform {transform} is unknown")


def glm_classifier(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Class probabilities: one score per class except the first (the reference), or one-versus-rest scores.

    Two classes have one score in either encoding, that of the second. One-versus-rest scores are scaled to sum to 1,
    as in scikit-learn; several scores with a reference are a multinomial model, which is defined for Logit only.
    """
    body, labels = context.body, class_labels(context.body)
    scores = linear_scores(g, vector_input(g, context, slots), body)
    rows = len(body.weights)
    if rows not in (len(labels) - 1, len(labels)):
        raise damaged("the linear classifier", f"it has {rows} rows of weights for {len(labels)} classes")
    transform = (LOGIT, PROBIT)[body.postEvaluationTransform]
    if rows == len(labels):
        probabilities = shares(g, _activated(g, scores, transform))
    elif rows == 1:
        second = _activated(g, scores, transform)
        probabilities = g.op("Concat", g.op("Sub", g.like(1, second), second), second, axis=0)
    elif transform == LOGIT and body.classEncoding == REFERENCE_CLASS:
        probabilities = softmax_with_reference(g, scores)
    else:
        raise unsupported(
            "the linear classifier",
            f"{rows} scores for {len(labels)} classes are defined for Logit with ReferenceClass only",
        )
    return classified(g, context, labels, probabilities)
