"""Transformers that keep the width of their input, rounded step by step as numpy rounds them.

A tree behind a scaler tells neighbouring float32 numbers apart, so that a scaler must give the very same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...declare import EstimatorGraph, transformer
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import preprocessing

    for kind, function in (
        (preprocessing.StandardScaler, standard_scaler),
        (preprocessing.MinMaxScaler, min_max_scaler),
        (preprocessing.MaxAbsScaler, max_abs_scaler),
        (preprocessing.RobustScaler, robust_scaler),
        (preprocessing.Binarizer, binarizer),
    ):
        transformer(kind, function, lambda model: model.n_features_in_)
    transformer(preprocessing.PolynomialFeatures, polynomial_features)


def _features(g: EstimatorGraph) -> Tensor:
    """The features as scikit-learn converts them: floating ones in their own width, integers in double."""
    widths = {value.dtype for value in g.inputs}
    return g.inputs[0] if len(g.inputs) == 1 and widths <= {np.dtype(np.float32)} else g.x


def _in_place(x: Tensor, step: Callable[[Tensor], Tensor]) -> Tensor:
    """``x op= doubles`` as numpy does it: computed in double, stored in the width of ``x``."""
    return step(x.cast(np.float64)).cast(x.dtype)


def standard_scaler(g: EstimatorGraph, model: Any) -> Tensor:
    """Mean and scale are rounded to the width of the features before they are applied."""
    x = _features(g)
    if model.with_mean:
        x = x - model.mean_
    return x / model.scale_ if model.with_std else x


def min_max_scaler(g: EstimatorGraph, model: Any) -> Tensor:
    """Scaled, then shifted, then clipped if ``clip``."""
    x = _in_place(_features(g), lambda x: x * model.scale_)
    x = _in_place(x, lambda x: x + model.min_)
    return x.clip(*model.feature_range) if model.clip else x


def max_abs_scaler(g: EstimatorGraph, model: Any) -> Tensor:
    """Divided by the greatest absolute value, clipped if ``clip``."""
    x = _in_place(_features(g), lambda x: x / model.scale_)
    return x.clip(-1.0, 1.0) if model.clip else x


def robust_scaler(g: EstimatorGraph, model: Any) -> Tensor:
    """Centred on the median, divided by the range of the quantiles."""
    x = _features(g)
    if model.with_centering:
        x = _in_place(x, lambda x: x - model.center_)
    return _in_place(x, lambda x: x / model.scale_) if model.with_scaling else x


def binarizer(g: EstimatorGraph, model: Any) -> Tensor:
    """1 above the threshold, else 0."""
    x = _features(g)
    return (x > model.threshold).cast(x.dtype)


def polynomial_features(g: EstimatorGraph, model: Any) -> Tensor:
    """Products of features; each of degree d is a feature times a product of degree d - 1, all d in one step."""
    x = _features(g)
    columns, products = [], x
    place: dict[tuple[int, ...], int] = {(j,): j for j in range(model.n_features_in_)}
    for degree, terms in _terms(model).items():
        if degree > 1:
            shorter = [place[term[1:]] for term in terms]
            products = products.columns(shorter) * x.columns([term[0] for term in terms])
            place = {term: j for j, term in enumerate(terms)}
        if degree >= model._min_degree:
            columns.append(products)
    if model.include_bias:
        columns.insert(0, x.columns([0]).equals(np.nan).cast(x.dtype) + 1.0)
    return g.concat(columns)


def _terms(model: Any) -> dict[int, list[tuple[int, ...]]]:
    """The terms of every degree from 1 on, each as the features that it multiplies, in scikit-learn's order."""
    found = model._combinations(model.n_features_in_, 1, model._max_degree, model.interaction_only, False)
    terms: dict[int, list[tuple[int, ...]]] = {}
    for term in found:
        terms.setdefault(len(term), []).append(term)
    return terms
