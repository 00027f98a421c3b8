"""Multi-layer perceptrons in double."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import LABEL, EstimatorGraph, Output, classifier_outputs, declare, labels, regressor
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import neural_network

    declare(neural_network.MLPClassifier, mlp_classifier, _outputs)
    regressor(neural_network.MLPRegressor, mlp_regressor, lambda model: model.n_outputs_)


def _is_multilabel(model: Any) -> bool:
    return bool(model._label_binarizer.y_type_ == "multilabel-indicator")


def _outputs(model: Any) -> list[Output]:
    if not _is_multilabel(model):
        return classifier_outputs(model)
    return [Output(LABEL.name, (model.n_outputs_,), LABEL.dtype), Output("probabilities", (model.n_outputs_,))]


def _activated(x: Tensor, name: str) -> Tensor:
    functions = {
        "exp": x.exp,
        "identity": lambda: x,
        "logistic": x.sigmoid,
        "relu": lambda: x.maximum(0.0),
        "softmax": x.softmax,
        "tanh": x.tanh,
    }
    return functions[name]()


def mlp_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """All layers: weights, bias, activation."""
    x = g.x
    last = len(model.coefs_) - 1
    for i, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        x = _activated(x @ weights + bias, model.out_activation_ if i == last else model.activation)
    return x


def mlp_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """The class of the greatest output; for two classes and for several labels, outputs above one half."""
    outputs = mlp_regressor(g, model)
    above = (outputs > 0.5).cast(np.int64)
    if _is_multilabel(model):
        return [above, outputs]
    if len(model.classes_) == 2:
        return [labels(above.reshape(-1), model.classes_), g.concat([1.0 - outputs, outputs])]
    return [labels(outputs.argmax(), model.classes_), outputs]
