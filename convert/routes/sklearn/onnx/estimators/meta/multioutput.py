"""Several targets: side by side, or one after the other in a chain."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, Output, classifier, declare, regressor
from ...responses import response
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import multioutput

    declare(multioutput.ClassifierChain, classifier_chain, _chain_outputs)
    classifier(multioutput.MultiOutputClassifier, multi_output_classifier)
    regressor(multioutput.MultiOutputRegressor, multi_output_regressor, lambda model: len(model.estimators_))
    regressor(multioutput.RegressorChain, regressor_chain, lambda model: len(model.estimators_))


def multi_output_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """A column of labels from each estimator, and its probabilities as an output of their own."""
    results = [g.call(estimator) for estimator in model.estimators_]
    label = g.concat([result[0].reshape(-1, 1) for result in results])
    return [label, *(result[1] for result in results)] if hasattr(model, "predict_proba") else [label]


def multi_output_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """A column from each estimator."""
    return g.concat([g.call(estimator)[0].reshape(-1, 1) for estimator in model.estimators_])


def _chain_outputs(model: Any) -> list[Output]:
    """Labels, which a chain gives as floating numbers, and the positive classes' scores."""
    count = len(model.estimators_)
    outputs = [Output("label", (count,))]
    if hasattr(model, "predict_proba"):
        outputs.append(Output("probabilities", (count,)))
    elif hasattr(model, "decision_function"):
        outputs.append(Output("scores", (count,)))
    return outputs


def classifier_chain(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """Each estimator takes the features and the labels or scores of those before it."""
    methods = ["predict"]
    methods += [method for method in ("predict_proba", "decision_function") if hasattr(model, method)][:1]
    return _chain(g, model, model.chain_method_, methods)


def regressor_chain(g: EstimatorGraph, model: Any) -> Tensor:
    """Each estimator takes the features and the predictions of those before it."""
    return _chain(g, model, "predict", ["predict"])[0]


def _chain(g: EstimatorGraph, model: Any, passed_on: str, requested: list[str]) -> list[Tensor]:
    """The estimators' responses to each requested method, in the order of the targets."""
    features, columns = g.x, []
    for estimator in model.estimators_:
        responses = {
            method: response(g, estimator, method, features).reshape(-1, 1).cast(np.float64)
            for method in {passed_on, *requested}
        }
        columns.append(responses)
        features = g.concat([features, responses[passed_on]])
    order = np.argsort(model.order_)
    return [g.concat([columns[i][method] for i in order]) for method in requested]
