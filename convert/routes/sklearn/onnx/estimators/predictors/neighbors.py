"""Estimators based on the nearest rows of the training set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, classifier, label_dtype, labels, outlier_detector, regressor, transformer
from ...distances import distances, nearest, neighbour_weights, within
from ...tensors import Tensor

Array = NDArray[Any]


def register() -> None:
    """Register this module's converters."""
    from sklearn import neighbors

    classifier(neighbors.KNeighborsClassifier, k_neighbors_classifier)
    classifier(neighbors.NearestCentroid, nearest_centroid, nearest_centroid_decision)
    classifier(neighbors.RadiusNeighborsClassifier, radius_neighbors_classifier)
    outlier_detector(neighbors.LocalOutlierFactor, local_outlier_factor)
    regressor(neighbors.KNeighborsRegressor, k_neighbors_regressor, _targets)
    regressor(neighbors.RadiusNeighborsRegressor, radius_neighbors_regressor, _targets)
    transformer(neighbors.KNeighborsTransformer, k_neighbors_transformer, lambda model: model.n_samples_fit_)
    transformer(neighbors.RadiusNeighborsTransformer, radius_neighbors_transformer, lambda model: model.n_samples_fit_)


def k_nearest(x: Tensor, model: Any, k: int) -> tuple[Tensor, Tensor]:
    """Distances and indices (n, k) of the nearest training rows, by the metric of a fitted neighbours estimator."""
    return nearest(x, model._fit_X, k, _metric(model), model.effective_metric_params_)


def _metric(model: Any) -> str:
    if callable(model.effective_metric_):
        raise RuntimeError("a metric that is a Python function has no translation to ONNX")
    return str(model.effective_metric_)


def _targets(model: Any) -> int:
    return 1 if model._y.ndim == 1 else int(model._y.shape[1])


def _classes(model: Any) -> tuple[list[Array], Array]:
    """The classes of each target, and the targets of the training rows as class indices (m, targets)."""
    one = not isinstance(model.classes_, list)
    return [model.classes_] if one else model.classes_, np.reshape(model._y, (len(model._y), -1))


def _side_by_side(chosen: Sequence[Tensor], model: Any) -> Tensor:
    """The labels of several targets as columns; of a single one as they are."""
    if not isinstance(model.classes_, list):
        return chosen[0]
    return chosen[0].graph.concat([label.expand_dims(1) for label in chosen])


def k_neighbors_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """Weighted votes of the k nearest rows."""
    distance, indices = k_nearest(g.x, model, model.n_neighbors)
    weights = neighbour_weights(distance, model.weights).expand_dims(2)
    classes, codes = _classes(model)
    scores = []
    for own, column in zip(classes, codes.T, strict=True):
        votes = (g.constant(np.eye(len(own))[column]).take(indices) * weights).sum(axis=1)
        scores.append(votes / votes.sum(keepdims=True))
    chosen = [labels(score.argmax(), own) for score, own in zip(scores, classes, strict=True)]
    return [_side_by_side(chosen, model), *scores]


def k_neighbors_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """Weighted mean of the targets of the k nearest rows."""
    distance, indices = k_nearest(g.x, model, model.n_neighbors)
    weights = neighbour_weights(distance, model.weights)
    targets = g.constant(np.reshape(model._y, (len(model._y), -1)), np.float64).take(indices)
    return (targets * weights.expand_dims(2)).sum(axis=1) / weights.sum(keepdims=True)


def _radius_weights(g: EstimatorGraph, model: Any) -> Tensor:
    """Weights (n, m) of all training rows, 0 outside of the radius."""
    distance, inside = within(g.x, model._fit_X, model.radius, _metric(model), model.effective_metric_params_)
    return inside.where(neighbour_weights(distance, model.weights), 0.0)


def radius_neighbors_classifier(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """Weighted votes of the rows within the radius; an outlier gets the outlier label."""
    weights = _radius_weights(g, model)
    is_outlier = weights.sum(keepdims=True).equals(0.0)
    classes, codes = _classes(model)
    outliers = model.outlier_label_ or [None] * len(classes)
    chosen, scores = [], []
    for own, column, outlier in zip(classes, codes.T, outliers, strict=True):
        votes = weights @ np.eye(len(own))[column]
        votes = is_outlier.where((own == outlier).astype(np.float64), votes)
        total = votes.sum(keepdims=True)
        scores.append(votes / total.equals(0.0).where(1.0, total))
        known = own if outlier is None or outlier in own else np.append(own, outlier)
        index = scores[-1].argmax()
        if len(known) > len(own):
            index = is_outlier.reshape(-1).where(g.constant(len(own)), index)
        chosen.append(labels(index, known.astype(label_dtype(own))))
    return [_side_by_side(chosen, model), *scores]


def radius_neighbors_regressor(g: EstimatorGraph, model: Any) -> Tensor:
    """Weighted mean of the targets of the rows within the radius, NaN where there is none."""
    weights = _radius_weights(g, model)
    total = weights.sum(keepdims=True)
    targets = np.reshape(model._y, (len(model._y), -1)).astype(np.float64)
    return (weights @ targets) / total.equals(0.0).where(np.nan, total)


def k_neighbors_transformer(g: EstimatorGraph, model: Any) -> Tensor:
    """The graph of the nearest training rows, dense: their distances, or 1 for each."""
    by_distance = model.mode == "distance"
    distance, indices = k_nearest(g.x, model, model.n_neighbors + by_distance)
    values = distance if by_distance else distance * 0.0 + 1.0
    return g.op("ScatterElements", g.full(np.zeros(model.n_samples_fit_)), indices, values, axis=1)


def radius_neighbors_transformer(g: EstimatorGraph, model: Any) -> Tensor:
    """The graph of the training rows within the radius, dense: their distances, or 1 for each."""
    distance, inside = within(g.x, model._fit_X, model.radius, _metric(model), model.effective_metric_params_)
    return inside.where(distance, 0.0) if model.mode == "distance" else inside.cast(np.float64)


def local_outlier_factor(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """How much sparser a row's neighbourhood is than its neighbours' (LocalOutlierFactor.score_samples)."""
    if not model.novelty:
        raise RuntimeError("LocalOutlierFactor predicts new data only with novelty=True")
    distance, indices = k_nearest(g.x, model, model.n_neighbors_)
    reach = distance.maximum(g.constant(model._distances_fit_X_[:, model.n_neighbors_ - 1], np.float64).take(indices))
    density = 1.0 / (reach.mean(keepdims=True) + 1e-10)
    ratios = g.constant(model._lrd, np.float64).take(indices) / density
    scores = -ratios.mean(keepdims=True) - model.offset_
    return [(scores < 0.0).where(-1, 1, dtype=np.int64).reshape(-1), scores]


def nearest_centroid(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """Discriminant scores from scaled distances; with equal priors the plain distances decide the label."""
    scores = _discriminants(g, model)
    equal = np.allclose(model.class_prior_, 1 / len(model.classes_))
    index = distances(g.x, model.centroids_, model.metric).argmin() if equal else scores.argmax()
    chosen = labels(index, model.classes_)
    return [chosen, scores.softmax()] if hasattr(model, "predict_proba") else [chosen]


def nearest_centroid_decision(g: EstimatorGraph, model: Any) -> Tensor:
    """The discriminant scores; of two classes their difference."""
    scores = _discriminants(g, model)
    return scores @ np.array([[-1.0], [1.0]]) if len(model.classes_) == 2 else scores


def _discriminants(g: EstimatorGraph, model: Any) -> Tensor:
    spread = np.where(model.within_class_std_dev_ != 0, model.within_class_std_dev_, 1.0)
    distance = distances(g.x / spread, model.centroids_ / spread, model.metric)
    return 2.0 * np.log(model.class_prior_) - distance * distance
