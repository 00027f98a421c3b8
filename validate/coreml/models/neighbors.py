"""k nearest neighbours, by brute force: an index only makes the search faster."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import damaged
from ..graph import Graph, Slot, Tensor
from .base import ModelContext, vector_input
from .classifier import class_labels, classified
from .links import shares


def k_nearest_neighbors_classifier(g: Graph, context: ModelContext, slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """The nearest samples vote for their labels, equally or by 1 / distance; probabilities are shares of the votes.

    The distance is the squared Euclidean one, as the model says. Samples at distance 0 outvote all others.
    """
    body = context.body
    samples = [list(s.vector) for s in body.nearestNeighborsIndex.floatSamples]
    if not samples:
        return _default(g, context)
    labels = class_labels(body)
    if len({len(s) for s in samples}) != 1 or len(labels) != len(samples):
        raise damaged("the nearest neighbours", "samples and labels differ in number")
    x = vector_input(g, context, slots)
    apart = g.op("Sub", g.const(np.array(samples, np.float32).astype(np.float64)), x)
    distances = g.op("ReduceSumSquare", apart, g.const([1], "int64"), keepdims=0)
    count = min(max(int(body.numberOfNeighbors.defaultValue), 1), len(samples))
    nearest, positions = g.ops("TopK", distances, g.const([count], "int64"), outputs=2, largest=0)
    classes, numbers = np.unique(labels, return_inverse=True)
    owners = g.op("Gather", g.const(numbers.astype(np.int64)), positions)
    votes = _votes(g, nearest, body.WhichOneof("WeightingScheme") == "inverseDistanceWeighting")
    cast = g.op("Equal", g.const(np.arange(len(classes))[:, None]), owners)
    totals = g.op("ReduceSum", g.op("Where", cast, votes, g.like(0, votes)), g.const([1], "int64"), keepdims=0)
    return classified(g, context, classes, shares(g, totals))


def _votes(g: Graph, distances: Tensor, by_distance: bool) -> Tensor:
    one = g.like(1, distances)
    if not by_distance:
        return g.op("Expand", one, g.shape_of(distances))
    exact = g.op("Equal", distances, g.like(0, distances))
    any_exact = g.cast(g.op("ReduceMax", g.cast(exact, "int32")), "bool")
    return g.op("Where", any_exact, g.cast(exact, "float64"), g.op("Div", one, distances))


def _default(g: Graph, context: ModelContext) -> dict[str, Slot]:
    """The model's default label, for a model without samples."""
    kind = context.body.WhichOneof("DefaultClassLabel")
    if kind is None:
        raise damaged("the nearest neighbours", "there are neither samples nor a default label")
    label = np.array([getattr(context.body, kind)])
    return classified(g, context, label, g.const([1.0], "float64"))
