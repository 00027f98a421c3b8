"""Imputers and the indicator of missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import numpy_helper

from ...declare import AS_INPUT, EstimatorGraph, Output, declare, transformer
from ...distances import distances, neighbour_weights
from ...tensors import STRING, Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import impute
    from sklearn.impute._iterative import IterativeImputer

    transformer(IterativeImputer, iterative_imputer)
    transformer(impute.KNNImputer, knn_imputer)
    declare(impute.MissingIndicator, missing_indicator, _mask_output)
    declare(impute.SimpleImputer, simple_imputer, _filled_output)


def _mask_output(model: Any) -> list[Output]:
    return [Output("variable", (len(model.features_),), np.dtype(bool))]


def _filled_output(model: Any) -> list[Output]:
    return [Output("variable", (len(model.get_feature_names_out()),), AS_INPUT)]


def missing(x: Tensor, marker: Any) -> Tensor:
    """Where values are missing: NaN, or the declared marker.

    A tensor of strings holds neither NaN nor None, so that nothing in it is missing unless the marker is a string.
    """
    if x.dtype == STRING:
        return _equals_text(x, marker) if isinstance(marker, str) else _nowhere(x)
    return x.is_nan() if isinstance(marker, float) and np.isnan(marker) else x.equals(marker)


def _equals_text(x: Tensor, text: str) -> Tensor:
    """Equal compares strings only from opset 19 on; a look-up does it in all."""
    return x.lookup({text: 1}, 0).cast(bool)


def _nowhere(x: Tensor) -> Tensor:
    no = numpy_helper.from_array(np.array([False]))
    return x.graph.op("ConstantOfShape", x.shape(), dtype=bool, value=no)


def missing_indicator(g: EstimatorGraph, model: Any) -> Tensor:
    """Where values are missing, in the columns that the indicator reports."""
    return missing((g.raw if g.inputs[0].dtype == STRING else g.x), model.missing_values).columns(model.features_)


def _with_indicator(g: EstimatorGraph, filled: Tensor, model: Any) -> Tensor:
    """The filled columns, then those of the fitted indicator if the imputer has one."""
    if not model.add_indicator:
        return filled
    return g.concat([filled, missing_indicator(g, model.indicator_).cast(filled.dtype)])


def simple_imputer(g: EstimatorGraph, model: Any) -> Tensor:
    """A constant per column in place of missing values; columns without a constant are dropped."""
    x = g.raw if g.inputs[0].dtype == STRING else g.x
    statistics = np.asarray(model.statistics_, object if x.dtype == STRING else np.float64)
    kept = np.array([value == value for value in statistics])
    if model.keep_empty_features or kept.all():
        chosen = x
    else:
        chosen, statistics = x.columns(np.flatnonzero(kept)), statistics[kept]
    return _with_indicator(g, missing(chosen, model.missing_values).where(chosen.like(statistics), chosen), model)


def iterative_imputer(g: EstimatorGraph, model: Any) -> Tensor:
    """Columns predicted from the others, one after the other, in the order of the fit (IterativeImputer.transform)."""
    if model.sample_posterior:
        raise RuntimeError("IterativeImputer(sample_posterior=True) draws at random")
    kept = np.arange(model.n_features_in_) if model.keep_empty_features else np.flatnonzero(~model._is_empty_feature)
    absent = missing(g.x, model.missing_values).columns(kept)
    absent = absent & ~model._is_empty_feature[kept]
    start = filled = g.call(model.initial_imputer_)[0]
    for feature, neighbours, estimator in model.imputation_sequence_:
        predicted = g.call(estimator, filled.columns(neighbours))[0].reshape(-1, 1)
        bounded = predicted.clip(float(model._min_value[feature]), float(model._max_value[feature]))
        unknown = absent & (np.arange(len(kept)) == feature)
        filled = unknown.where(bounded.cast(g.floating).cast(np.float64), filled)
    nothing_known = absent.cast(np.float64).min(axis=1).min(axis=0) > 0.0
    return _with_indicator(g, nothing_known.where(start, filled) if model.n_iter_ else start, model)


def knn_imputer(g: EstimatorGraph, model: Any) -> Tensor:
    """Missing values become the mean of their column over the nearest training rows with one (KNNImputer.transform)."""
    absent = missing(g.x, model.missing_values)
    x = absent.where(np.nan, g.x)
    donors = np.where(model._mask_fit_X, np.nan, model._fit_X)
    apart = distances(x, donors, "nan_euclidean")
    columns = []
    for j, known in enumerate(model._valid_mask):
        if known:
            filled = _imputed(apart, donors[:, j], model)
            columns.append(absent.columns([j]).where(filled, x.columns([j])))
        elif model.keep_empty_features:
            columns.append(x.columns([j]).is_nan().where(0.0, 0.0))
    return _with_indicator(g, g.concat(columns), model)


def _imputed(apart: Tensor, column: np.ndarray[Any, Any], model: Any) -> Tensor:
    """What stands in for a missing value of one column, (n, 1), from the distances to all training rows."""
    givers = np.flatnonzero(~np.isnan(column))
    reach = apart.columns(givers)
    k = min(model.n_neighbors, len(givers))
    distance, indices = reach.is_nan().where(np.inf, reach).smallest(k)
    reached = distance < np.inf
    weights = reached.where(neighbour_weights(reached.where(distance, 1.0), model.weights), 0.0)
    total = weights.sum(keepdims=True)
    mean = (apart.graph.constant(column[givers]).take(indices) * weights).sum(keepdims=True) / total
    return total.equals(0.0).where(float(column[givers].mean()), mean)
