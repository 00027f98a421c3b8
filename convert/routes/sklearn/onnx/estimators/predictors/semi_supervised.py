"""Estimators that learn from labelled and unlabelled rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, classifier, forward, labels
from ...tensors import Tensor
from ..transformers.kernels import kernel
from .neighbors import k_nearest


def register() -> None:
    """Register this module's converters."""
    from sklearn import semi_supervised

    classifier(semi_supervised.LabelPropagation, label_propagation)
    classifier(semi_supervised.LabelSpreading, label_propagation)
    forward(semi_supervised.SelfTrainingClassifier, lambda model: model.estimator_)


def label_propagation(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The label distributions of the training rows, weighted by the kernel or over the nearest."""
    if callable(model.kernel):
        raise RuntimeError("a kernel that is a Python function has no translation to ONNX")
    if model.kernel == "knn":
        _, indices = k_nearest(g.x, model.nn_fit, model.n_neighbors)
        shares = g.constant(model.label_distributions_, np.float64).take(indices).sum(axis=1)
    else:
        shares = kernel(g.x, model.X_, "rbf", {"gamma": model.gamma}) @ model.label_distributions_
    shares = shares / shares.sum(keepdims=True)
    return [labels(shares.argmax(), model.classes_), shares]
