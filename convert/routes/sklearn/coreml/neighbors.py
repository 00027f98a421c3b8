"""The nearest neighbours' vote."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..models.arrays import dense
from .builder import Builder
from .labels import add_classifier, labels_of
from .wires import STRING, Columns, Outputs, unsupported

SPECIFICATION = 4
"""The first version that has nearest neighbours (iOS13)."""


def k_neighbors_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba``; Core ML stores the training rows in single precision.

    Raises PG404 for other metrics than the Euclidean one, and for votes weighted by distance: Core ML's weights are
    those of its own distance, the squared one.
    """
    if model.effective_metric_ not in ("euclidean", "sqeuclidean"):
        raise unsupported(model, f"Core ML supports only Euclidean distances, not {model.effective_metric_!r}")
    if model.weights not in (None, "uniform"):
        raise unsupported(model, "Core ML weights votes by squared distances only")
    labels = labels_of(model)
    spec, outputs = add_classifier(b, (b.vector(x),), labels, version=SPECIFICATION)
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
    return outputs


def _samples(model: Any) -> Any:
    """The training rows. Raises PG404 where single precision can't hold one."""
    rows = dense(model._fit_X)
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise unsupported(model, "its training rows exceed single precision, in which Core ML stores them")
    return narrow


PREDICTORS = {"KNeighborsClassifier": k_neighbors_classifier}
