"""Class labels, and how scores become a label and a dictionary; shared by all classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import damaged
from ..files.proto import Message
from ..graph import Graph, Pairs, Slot, Tensor
from .base import ModelContext

if TYPE_CHECKING:
    from ...signature import Array


def class_labels(body: Message) -> Array:
    """The labels of a classifier's ``ClassLabels`` field, strings or integers. Raises PG402 if there are none."""
    kind = body.WhichOneof("ClassLabels")
    if kind is None:
        raise damaged("the classifier", "it has no class labels")
    labels: list[Any] = list(getattr(body, kind).vector)
    return np.array(labels, dtype=None if kind == "stringClassLabels" else np.int64)


def classified(g: Graph, context: ModelContext, labels: Array, probabilities: Tensor) -> dict[str, Slot]:
    """The label of the greatest probability and the dictionary, under their names in the description."""
    flat = g.reshape(probabilities, [-1])
    classes = g.const(labels)
    best = g.op("ArgMax", flat, axis=0, keepdims=1)
    results: dict[str, Slot] = {context.description.predictedFeatureName: g.op("Gather", classes, best)}
    if context.description.predictedProbabilitiesName:
        results[context.description.predictedProbabilitiesName] = Pairs(classes, flat)
    return results
