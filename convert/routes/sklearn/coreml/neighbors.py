"""The nearest neighbours' vote."""

from __future__ import annotations

from typing import Any

import numpy as np

from .builder import Builder
from .labels import labels_of, probable
from .wires import STRING, Answer, Columns, refused

SPECIFICATION = 4
"""The first version that has nearest neighbours (iOS13)."""


def k_neighbors_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba``; Core ML keeps the samples in single precision.

    Raises PG404 for other metrics than the Euclidean one, and for votes weighted by distance: Core ML's weights are
    those of its own distance, the squared one.
    """
    if model.effective_metric_ not in ("euclidean", "sqeuclidean"):
        raise refused(model, f"Core ML measures Euclidean distances only, not {model.effective_metric_!r} ones")
    if model.weights not in (None, "uniform"):
        raise refused(model, "Core ML weighs votes by squared distances only")
    labels = labels_of(model)
    spec, answer = probable(b, (b.vector(x),), labels, version=SPECIFICATION)
    body, samples = spec.kNearestNeighborsClassifier, _samples(model)
    index = body.nearestNeighborsIndex
    index.numberOfDimensions = samples.shape[1]
    index.squaredEuclideanDistance.SetInParent()
    index.linearIndex.SetInParent()
    for sample in samples:
        index.floatSamples.add(vector=sample)
    body.numberOfNeighbors.defaultValue = model.n_neighbors
    body.numberOfNeighbors.range.minValue = 1
    body.numberOfNeighbors.range.maxValue = len(samples)
    body.uniformWeighting.SetInParent()
    owners = [labels.values[number] for number in np.ravel(model._y)]
    (body.stringClassLabels if labels.kind == STRING else body.int64ClassLabels).vector.extend(owners)
    return answer


def _samples(model: Any) -> Any:
    """The fitted rows. Raises PG404 where single precision takes one for infinite."""
    rows = model._fit_X.toarray() if hasattr(model._fit_X, "toarray") else np.asarray(model._fit_X)
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise refused(model, "its samples don't fit in single precision, in which Core ML keeps them")
    return narrow


PREDICTORS = {"KNeighborsClassifier": k_neighbors_classifier}
