"""Naive Bayes classifiers: sums of log-likelihoods in double."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, classifier, labels
from ...estimator_graph import Function
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import naive_bayes

    for kind, likelihood in (
        (naive_bayes.BernoulliNB, bernoulli),
        (naive_bayes.CategoricalNB, categorical),
        (naive_bayes.ComplementNB, complement),
        (naive_bayes.GaussianNB, gaussian),
        (naive_bayes.MultinomialNB, multinomial),
    ):
        classifier(kind, _classifier(likelihood))


def _classifier(likelihood: Callable[[EstimatorGraph, Any], Tensor]) -> Function:
    def convert(g: EstimatorGraph, model: Any) -> list[Tensor]:
        joint = likelihood(g, model)
        return [labels(joint.argmax(), model.classes_), joint.softmax()]

    return convert


def bernoulli(g: EstimatorGraph, model: Any) -> Tensor:
    """Log-likelihood of each feature being on or off; numpy compares in the features' own dtype."""
    off = np.log(1 - np.exp(model.feature_log_prob_))
    seen = g.x if model.binarize is None else (g.x > float(g.floating.type(model.binarize))).cast(np.float64)
    return seen @ (model.feature_log_prob_ - off).T + (model.class_log_prior_ + off.sum(axis=1))


def categorical(g: EstimatorGraph, model: Any) -> Tensor:
    """Log-probabilities of each feature's category, looked up."""
    codes = g.x.cast(np.int64)
    parts = [g.constant(_centred(table).T).take(codes.columns(j)) for j, table in enumerate(model.feature_log_prob_)]
    return sum(parts[1:], parts[0]) + model.class_log_prior_


def complement(g: EstimatorGraph, model: Any) -> Tensor:
    """Weights of the complement classes."""
    joint = g.x @ _centred(model.feature_log_prob_).T
    return joint + model.class_log_prior_ if len(model.classes_) == 1 else joint


def gaussian(g: EstimatorGraph, model: Any) -> Tensor:
    """Normal log-densities with a variance for each class and feature, the square written out."""
    precision = 1 / model.var_
    constant = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2 * np.pi * model.var_), axis=1)
    middle = model.theta_.mean(axis=0)
    moved, centres = g.x - middle, model.theta_ - middle
    quadratic = (moved * moved) @ (precision.T * -0.5) + moved @ (centres * precision).T
    return quadratic + (constant - 0.5 * np.sum(centres**2 * precision, axis=1))


def multinomial(g: EstimatorGraph, model: Any) -> Tensor:
    """Counts times log-probabilities."""
    return g.x @ _centred(model.feature_log_prob_).T + model.class_log_prior_


def _centred(logs: NDArray[Any]) -> NDArray[Any]:
    """Logarithms minus their mean over the classes: joint ones shift equally, and keep more digits in float32."""
    with np.errstate(invalid="ignore"):  # a probability of 0 stays -inf
        return np.where(np.isfinite(logs).all(axis=0), logs - logs.mean(axis=0), logs)
