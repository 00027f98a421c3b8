"""Linear models as generalised linear models: one weighted sum for each target or class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.coreml.files.proto import Message, module
from .builder import Builder
from .labels import Labels, as_labels, labelled, labels_of, probable
from .links import exponential
from .trees import parted
from .wires import DOUBLE, Answer, Columns, Wire, refused

if TYPE_CHECKING:
    from .wires import Floats

REGRESSORS = (
    "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV", "Lasso",
    "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR", "MultiTaskElasticNet",
    "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor", "QuantileRegressor", "Ridge", "RidgeCV",
    "SGDRegressor", "TheilSenRegressor",
)  # fmt: skip
"""Regressors that predict ``x @ coef_.T + intercept_``."""

LOG_LINKED = ("GammaRegressor", "PoissonRegressor", "TweedieRegressor")
"""Regressors that predict the exponential of it (a Tweedie model may not)."""

CLASSIFIERS = (
    "LinearDiscriminantAnalysis", "LinearSVC", "LogisticRegression", "LogisticRegressionCV",
    "PassiveAggressiveClassifier", "Perceptron", "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier",
)  # fmt: skip
"""Classifiers that decide by ``x @ coef_.T + intercept_``."""


def linear_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``: one number, or as many as there are targets."""
    return Answer({"prediction": weighted(b, x, model.coef_, model.intercept_)})


def log_linked_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of a generalised linear model, whose link is the logarithm or the identity."""
    from sklearn._loss.link import LogLink

    total = weighted(b, x, model.coef_, model.intercept_)
    return Answer({"prediction": exponential(b, total) if isinstance(model._base_loss.link, LogLink) else total})


def consensus_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of RANSAC: that of the estimator which agreed best."""
    if type(model.estimator_).__name__ not in REGRESSORS:
        raise refused(model, "its estimator is not linear")
    return linear_regressor(b, model.estimator_, x)


def centred_regressor(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` of partial least squares, whose coefficients are those of the centred features."""
    return Answer({"prediction": weighted(b, x, model.coef_, model.intercept_ - model._x_mean @ model.coef_.T)})


def linear_classifier(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` with ``predict_proba``, or with ``decision_function`` where the model has no probabilities."""
    labels, vector = labels_of(model), b.vector(x)
    weights, offsets = np.asarray(model.coef_, np.float64), np.broadcast_to(model.intercept_, len(model.coef_))
    if not hasattr(model, "predict_proba"):
        scores = weighted(b, (vector,), weights, offsets)
        return Answer({"label": _winner(b, vector, weights, offsets, labels), "scores": scores})
    if not hasattr(model, "loss"):
        spec, answer = probable(b, (vector,), labels)
        _fill_classes(spec.glmClassifier, *_against_the_first(weights, offsets), labels)
        return answer
    if model.loss == "modified_huber":
        raise refused(model, "Core ML's links are the logistic and the normal one, not that of modified_huber")
    return _against_the_rest(b, vector, weights, offsets, labels)


def one_against_the_rest(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict`` and ``predict_proba`` of logistic regressions, one for each class. Raises PG404 for other members."""
    if model.multilabel_ or any(type(member).__name__ != "LogisticRegression" for member in model.estimators_):
        raise refused(model, "Core ML's linear classifier takes logistic regressions of one label only")
    weights, offsets = (np.array([getattr(m, n)[0] for m in model.estimators_]) for n in ("coef_", "intercept_"))
    return _against_the_rest(b, b.vector(x), weights, offsets, labels_of(model))


def _against_the_rest(b: Builder, x: Wire, weights: Floats, offsets: Floats, labels: Labels) -> Answer:
    """Each class by itself, scaled to sum to 1. The label goes by the scores: several shares may be rounded to 1."""
    spec, answer = probable(b, (x,), labels)
    _fill_classes(spec.glmClassifier, weights, offsets, labels)
    if len(weights) == 1:
        return answer
    return Answer({**answer.outputs, "label": _winner(b, x, weights, offsets, labels)}, answer.classes)


def _winner(b: Builder, x: Wire, weights: Floats, offsets: Floats, labels: Labels) -> Wire:
    """The label of the greatest score: of the greatest share in a softmax, which tells all scores apart."""
    spec, label = labelled(b, (x,), labels)
    _fill_classes(spec.glmClassifier, *_against_the_first(weights, offsets), labels)
    return label


def linear_outlier_detector(b: Builder, model: Any, x: Columns) -> Answer:
    """``predict``, -1 below zero and else 1, and ``decision_function``."""
    scores = weighted(b, x, model.coef_, -model.offset_)
    label = parted(b, scores, float(np.nextafter(0.0, -1.0)), as_labels(model, np.array([-1, 1])))
    return Answer({"label": label, "scores": scores})


def weighted(b: Builder, x: Columns, weights: Any, offsets: Any) -> Wire:
    """``x @ weights.T + offsets``: a number if ``weights`` are one row, else a vector, each row by its own model.

    Core ML's regressors predict one number.
    """
    rows = np.atleast_2d(np.asarray(weights.toarray() if hasattr(weights, "toarray") else weights, np.float64))
    features, ends = b.vector(x), np.broadcast_to(np.asarray(offsets, np.float64).ravel(), len(rows))
    totals = tuple(_total(b, features, row, end) for row, end in zip(rows, ends, strict=True))
    return totals[0] if len(totals) == 1 else b.vector(totals)


def _total(b: Builder, x: Wire, weights: Floats, offset: float) -> Wire:
    total = b.wire("sum", DOUBLE)
    body = b.stage((x,), (total,), predicted=total.name).glmRegressor
    _fill(body, weights[None], np.array([offset]))
    return total


def _fill(body: Message, weights: Floats, offsets: Floats) -> None:
    for row in weights:
        body.weights.add(value=row)
    body.offset.extend(offsets)


def _against_the_first(weights: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """Scores less that of the first class, which is then 0 and left out; their softmax is the same."""
    return (weights, offsets) if len(weights) == 1 else (weights[1:] - weights[0], offsets[1:] - offsets[0])


def _fill_classes(body: Message, weights: Floats, offsets: Floats, labels: Labels) -> None:
    """One row for each class, or for each but the first."""
    encoding = module("GLMClassifier_pb2").GLMClassifier
    _fill(body, weights, offsets)
    body.classEncoding = encoding.OneVsRest if len(weights) == len(labels.values) else encoding.ReferenceClass
    body.postEvaluationTransform = encoding.Logit
    labels.write(body)


PREDICTORS = {
    **dict.fromkeys(REGRESSORS, linear_regressor),
    **dict.fromkeys(LOG_LINKED, log_linked_regressor),
    **dict.fromkeys(CLASSIFIERS, linear_classifier),
    "OneVsRestClassifier": one_against_the_rest,
    "RANSACRegressor": consensus_regressor,
    "SGDOneClassSVM": linear_outlier_detector,
    **dict.fromkeys(("PLSRegression", "PLSCanonical", "CCA"), centred_regressor),
}
