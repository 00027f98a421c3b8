"""Generalised linear models, computed in double."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..graph import Graph, Slot, Value
from ..proto import Message
from ..refuse import damaged, unsupported
from .base import Source, vector_input

NO_TRANSFORM, LOGIT, PROBIT = 0, 1, 2
"""GLMRegressor.PostEvaluationTransform."""


def glm_regressor(g: Graph, source: Source, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """weights * x + offset for each target, then the inverse link."""
    x = vector_input(g, source, slots)
    body = source.body
    y = _activated(g, linear_scores(g, x, body), body.postEvaluationTransform)
    return {source.description.predictedFeatureName or source.output_names[0]: y}


def linear_scores(g: Graph, x: Value, body: Message) -> Value:
    """One score per row of ``body.weights``. Raises PG402 when rows and offsets don't fit."""
    rows = [list(w.value) for w in body.weights]
    if len({len(r) for r in rows}) != 1 or len(body.offset) not in (0, len(rows)):
        raise damaged("the linear model", "its weights and offsets have unequal lengths")
    scores = g.op("MatMul", g.const(np.array(rows, np.float64)), x)
    return g.op("Add", scores, g.const(list(body.offset), "float64")) if body.offset else scores


def _activated(g: Graph, scores: Value, transform: int) -> Value:
    if transform == NO_TRANSFORM:
        return scores
    if transform == LOGIT:
        return g.op("Sigmoid", scores)
    if transform == PROBIT:
        return normal_distribution(g, scores)
    raise unsupported("the linear model", f"post-evaluation transform {transform} is not known")


def normal_distribution(g: Graph, x: Value) -> Value:
    """The standard normal distribution function. ONNX Runtime has Erf in single precision only."""
    scaled = g.op("Mul", x, g.like(np.sqrt(0.5), x))
    erf = g.cast(g.op("Erf", g.cast(scaled, "float32")), x.dtype)
    return g.op("Mul", g.op("Add", erf, g.like(1, x)), g.like(0.5, x))
