"""Bayesian probit regression: every weight is a normal distribution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import damaged, unsupported
from ..files.proto import Message
from ..graph import Graph, Slot, Tensor
from .base import ModelContext, tensor_input
from .links import normal_distribution


def bayesian_probit_regressor(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Phi(mean / sqrt(1 + variance)), where each feature's value selects the weight whose mean and variance are added.

    "optimism" shifts the mean by that many standard deviations. The random sample is rejected: how it is drawn is not
    documented.
    """
    p = context.body
    if p.sampledProbabilityOutputFeatureName in context.output_names:
        raise unsupported(f"output '{p.sampledProbabilityOutputFeatureName}'", "how Core ML draws it is not documented")
    values = g.cast(tensor_input(context, slots, p.regressionInputFeatureName), "int64")
    mean, variance = _moments(g, p, values)
    one = g.like(1, mean)
    spread = g.op("Sqrt", g.op("Add", variance, one))
    results: dict[str, Slot] = {p.meanOutputFeatureName: mean, p.varianceOutputFeatureName: variance}
    results[context.description.predictedFeatureName] = normal_distribution(g, g.op("Div", mean, spread))
    if p.pessimisticProbabilityOutputFeatureName in context.output_names:
        optimism = g.cast(tensor_input(context, slots, p.optimismInputFeatureName), "float64")
        shifted = g.op("Add", mean, g.op("Mul", optimism, g.op("Sqrt", variance)))
        results[p.pessimisticProbabilityOutputFeatureName] = normal_distribution(g, g.op("Div", shifted, spread))
    return {name: results[name] for name in context.output_names if name in results}


def _moments(g: Graph, p: Message, values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the score, each of shape (1,). Values without a weight are ignored."""
    rows = [(f.featureId, w.featureValue, w.featureWeight) for f in p.features for w in f.weights]
    if any(not w.precision > 0 for w in (p.bias, *(r[2] for r in rows))):
        raise damaged("the Bayesian probit regressor", "a precision is not positive")
    ids, wanted = (np.array([r[i] for r in rows], np.int64) for i in (0, 1))
    hits = _hits(g, values, g.const(ids), g.const(wanted))
    totals = []
    for start, numbers in (
        (p.bias.mean, [w.mean for *_, w in rows]),
        (1 / p.bias.precision, [1 / w.precision for *_, w in rows]),
    ):
        chosen = g.op("Where", hits, g.const(numbers, "float64"), g.const(0, "float64"))
        total = g.op("ReduceSum", chosen, g.const([0], "int64"))
        totals.append(g.op("Add", total, g.like(start, total)))
    return totals[0], totals[1]


def _hits(g: Graph, values: Tensor, ids: Tensor, wanted: Tensor) -> Tensor:
    """The selected weights: by a vector of values, or by a matrix of (feature, value)."""
    if values.rank == 2:
        pairs = [g.op("Gather", values, g.const([i], "int64"), axis=1) for i in (0, 1)]
        same = g.op("And", *(g.op("Equal", a, b) for a, b in zip(pairs, (ids, wanted), strict=True)))
        return g.cast(g.op("ReduceMax", g.cast(same, "int32"), g.const([0], "int64"), keepdims=0), "bool")
    return g.op("Equal", g.op("Gather", g.reshape(values, [-1]), ids), wanted)
