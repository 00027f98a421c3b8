"""The last operator of a classifier: probabilities become a label and a dictionary."""

from __future__ import annotations

from ..bind import Array, lowers
from ..graph import Graph, Pairs, Tensor


@lowers("classify")
def classify(g: Graph, *, probabilities: Tensor, classes: Array) -> tuple[Tensor, Pairs]:
    """The class of the greatest probability, and the probability of each."""
    flat = g.reshape(probabilities, [-1])
    labels = g.const(classes)
    best = g.op("ArgMax", flat, axis=0, keepdims=0)
    return g.op("Gather", labels, best), Pairs(labels, flat)
