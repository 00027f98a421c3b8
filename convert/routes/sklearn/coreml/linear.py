"""Linear models as generalised linear models: one weighted sum for each target or class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .....validate.coreml.files.proto import Message, module
from .....validate.trees.readers.links import Link
from ..models.arrays import dense
from ..models.families import LINEAR_CLASSIFIERS, LINEAR_REGRESSORS, LOG_LINKED_REGRESSORS
from ..models.linear_boosting import LinearBoosting
from .builder import Builder
from .impute import replaced
from .labels import Labels, add_classifier, add_label_classifier, as_labels, labels_of
from .links import exponentiate
from .trees import label_by_limit
from .wires import DOUBLE, Columns, Outputs, Wire, unsupported

if TYPE_CHECKING:
    from .wires import Floats

REGRESSORS = ("LinearSVR", *LINEAR_REGRESSORS)
CLASSIFIERS = ("LinearDiscriminantAnalysis", "LinearSVC", *LINEAR_CLASSIFIERS)


def linear_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``: one number, or as many as there are targets."""
    return Outputs({"prediction": sum_weighted(b, x, model.coef_, model.intercept_)})


def log_linked_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of a generalised linear model, whose link is the logarithm or the identity."""
    from sklearn._loss.link import LogLink

    total = sum_weighted(b, x, model.coef_, model.intercept_)
    return Outputs({"prediction": exponentiate(b, total) if isinstance(model._base_loss.link, LogLink) else total})


def consensus_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of RANSAC: that of the estimator with the best consensus."""
    if type(model.estimator_).__name__ not in REGRESSORS:
        raise unsupported(model, "its estimator is not linear")
    return linear_regressor(b, model.estimator_, x)


def centred_regressor(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` of partial least squares, whose coefficients are those of the centred features."""
    return Outputs({"prediction": sum_weighted(b, x, model.coef_, model.intercept_ - model._x_mean @ model.coef_.T)})


def linear_classifier(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` with ``predict_proba``, or with ``decision_function`` where the model has no probabilities."""
    labels, vector = labels_of(model), b.vector(x)
    weights, offsets = np.asarray(model.coef_, np.float64), np.broadcast_to(model.intercept_, len(model.coef_))
    if not hasattr(model, "predict_proba"):
        scores = sum_weighted(b, (vector,), weights, offsets)
        return Outputs({"label": _winner(b, vector, weights, offsets, labels), "scores": scores})
    if not hasattr(model, "loss"):
        spec, outputs = add_classifier(b, (vector,), labels)
        _fill_classes(spec.glmClassifier, *_against_the_first(weights, offsets), labels)
        return outputs
    if model.loss == "modified_huber":
        raise unsupported(model, "Core ML has no link for the loss modified_huber, only the logit and the probit")
    return _against_the_rest(b, vector, weights, offsets, labels)


def one_against_the_rest(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba`` of logistic regressions, one for each class. Raises PG404 for other members."""
    if model.multilabel_ or any(type(member).__name__ != "LogisticRegression" for member in model.estimators_):
        raise unsupported(model, "Core ML's linear classifier supports only logistic regressions, of one label")
    weights, offsets = (np.array([getattr(m, n)[0] for m in model.estimators_]) for n in ("coef_", "intercept_"))
    return _against_the_rest(b, b.vector(x), weights, offsets, labels_of(model))


def _against_the_rest(b: Builder, x: Wire, weights: Floats, offsets: Floats, labels: Labels) -> Outputs:
    """Each class by itself, scaled to sum to 1. The scores decide the label: several shares may be rounded to 1."""
    spec, outputs = add_classifier(b, (x,), labels)
    _fill_classes(spec.glmClassifier, weights, offsets, labels)
    if len(weights) == 1:
        return outputs
    return Outputs({**outputs.wires, "label": _winner(b, x, weights, offsets, labels)}, outputs.classes)


def _winner(b: Builder, x: Wire, weights: Floats, offsets: Floats, labels: Labels) -> Wire:
    """The label of the greatest score, by a softmax, which keeps scores apart that a logistic function rounds to 1."""
    spec, label = add_label_classifier(b, (x,), labels)
    _fill_classes(spec.glmClassifier, *_against_the_first(weights, offsets), labels)
    return label


def linear_outlier_detector(b: Builder, model: Any, x: Columns) -> Outputs:
    """``predict``, -1 below zero and else 1, and ``decision_function``."""
    scores = sum_weighted(b, x, model.coef_, -model.offset_)
    label = label_by_limit(b, scores, float(np.nextafter(0.0, -1.0)), as_labels(model, np.array([-1, 1])))
    return Outputs({"label": label, "scores": scores})


def sum_weighted(b: Builder, x: Columns, weights: Any, offsets: Any) -> Wire:
    """``x @ weights.T + offsets``: a number for weights of one target, else a vector.

    Core ML's regressors predict one number, so that each target has a model of its own.
    """
    matrix = np.atleast_2d(dense(weights))
    features, ends = b.vector(x), np.broadcast_to(np.asarray(offsets, np.float64).ravel(), len(matrix))
    totals = tuple(_total(b, features, own, end) for own, end in zip(matrix, ends, strict=True))
    return totals[0] if len(totals) == 1 else b.vector(totals)


def _total(b: Builder, x: Wire, weights: Floats, offset: float) -> Wire:
    total = b.wire("sum", DOUBLE)
    body = b.stage((x,), (total,), predicted=total.name).glmRegressor
    _fill(body, weights[None], np.array([offset]))
    return total


def _fill(body: Message, weights: Floats, offsets: Floats) -> None:
    for own in weights:
        body.weights.add(value=own)
    body.offset.extend(offsets)


def _against_the_first(weights: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """Weights of the scores minus that of the first class, which is then 0 and omitted; the softmax is the same."""
    return (weights, offsets) if len(weights) == 1 else (weights[1:] - weights[0], offsets[1:] - offsets[0])


def _fill_classes(body: Message, weights: Floats, offsets: Floats, labels: Labels) -> None:
    """Weights of each class, or of each but the first."""
    encoding = module("GLMClassifier_pb2").GLMClassifier
    _fill(body, weights, offsets)
    body.classEncoding = encoding.OneVsRest if len(weights) == len(labels.values) else encoding.ReferenceClass
    body.postEvaluationTransform = encoding.Logit
    labels.write(body)


def classify_linearly(b: Builder, model: Any, linear: LinearBoosting, x: Columns) -> Outputs:
    """``predict`` and ``predict_proba`` of an ``XGBClassifier``. Raises PG404 for independent labels."""
    classes = int(model.n_classes_)
    if linear.targets != (classes if classes > 2 else 1) or (classes == 2 and linear.link is not Link.SIGMOID):
        raise unsupported(model, f"Core ML has no linear classifier for the objective {linear.objective}")
    labels = as_labels(model, np.arange(classes))
    spec, outputs = add_classifier(b, (_without_missing(b, model, x),), labels)
    _fill_classes(spec.glmClassifier, *_against_the_first(linear.weights.T, linear.offsets), labels)
    return outputs


def predict_linearly(b: Builder, model: Any, linear: LinearBoosting, x: Columns) -> Outputs:
    """``predict`` of a regressor, a ranker or a Booster. Raises PG404 for other links than these."""
    total = sum_weighted(b, (_without_missing(b, model, x),), linear.weights.T, linear.offsets)
    if linear.link is Link.EXPONENTIAL:
        total = exponentiate(b, total)
    elif linear.link is not Link.IDENTITY:
        raise unsupported(model, f"Core ML's linear regressors can't apply the function {linear.link.name}")
    return Outputs({"prediction": total})


def _without_missing(b: Builder, model: Any, x: Columns) -> Wire:
    """The features with 0 in place of what is missing: NaN, and the estimator's own marker."""
    marker = getattr(model, "missing", np.nan)
    filled = replaced(b, x, np.nan, 0.0)
    return filled if np.isnan(marker) else replaced(b, (filled,), marker, 0.0)


PREDICTORS = {
    **dict.fromkeys(REGRESSORS, linear_regressor),
    **dict.fromkeys(LOG_LINKED_REGRESSORS, log_linked_regressor),
    **dict.fromkeys(CLASSIFIERS, linear_classifier),
    "OneVsRestClassifier": one_against_the_rest,
    "RANSACRegressor": consensus_regressor,
    "SGDOneClassSVM": linear_outlier_detector,
    **dict.fromkeys(("PLSRegression", "PLSCanonical", "CCA"), centred_regressor),
}
