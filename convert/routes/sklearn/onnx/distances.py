"""Distances between rows of the input and the rows that a model stores, in double."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tensors import Tensor

Array = NDArray[Any]


def euclidean_squared(x: Tensor, rows: Array) -> Tensor:
    """Squared Euclidean distances (n, m) through ``|x|^2 - 2 x.y + |y|^2``.

    Both sides are first shifted by the rows' mean, so that little cancels. Integral rows are not shifted: their sums
    are exact in double, and equal distances stay equal.
    """
    rows = np.asarray(rows, np.float64)
    middle = np.zeros(rows.shape[1]) if np.array_equal(rows, np.round(rows)) else rows.mean(axis=0)
    moved, rows = x - middle, rows - middle
    squares = (moved * moved).sum(keepdims=True) + (rows**2).sum(axis=1) - (moved * 2.0) @ rows.T
    return squares.maximum(0.0)


def distances(x: Tensor, rows: Array, metric: str, parameters: Mapping[str, Any] | None = None) -> Tensor:
    """Distances (n, m) by the name of a metric of scikit-learn. Raises RuntimeError for one that has no translation."""
    parameters = parameters or {}
    rows = np.asarray(rows, np.float64)
    if metric == "minkowski" and parameters.get("w") is None:
        metric = {1: "manhattan", 2: "euclidean", np.inf: "chebyshev"}.get(parameters.get("p", 2), metric)
    if metric == "precomputed":
        return x
    if metric in ("euclidean", "l2"):
        return euclidean_squared(x, rows).sqrt()
    if metric == "sqeuclidean":
        return euclidean_squared(x, rows)
    if metric == "cosine":
        return (1.0 - unit_rows(x) @ unit_rows_of(rows).T).clip(0.0, 2.0)
    if metric == "seuclidean":
        deviation = np.sqrt(parameters["V"])
        return euclidean_squared(x / deviation, rows / deviation).sqrt()
    if metric == "mahalanobis":
        whiten = np.linalg.cholesky(_precision(parameters))
        return euclidean_squared(x @ whiten, rows @ whiten).sqrt()
    if metric not in ROW_DISTANCES:
        raise RuntimeError(f"the metric {metric!r} has no translation to ONNX")
    accepted = parameters if metric == "minkowski" else {}
    return x.graph.scan(x, lambda row: ROW_DISTANCES[metric](row, rows, **accepted))


def nearest(x: Tensor, rows: Array, k: int, metric: str, parameters: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Distances to the ``k`` nearest rows in ascending order, and these rows' indices, both (n, k).

    Euclidean distances are computed again from the differences, so that a row's distance to itself is exactly 0.
    """
    found, indices = distances(x, rows, metric, parameters).smallest(k)
    if not _is_euclidean(metric, parameters):
        return found, indices
    difference = x.expand_dims(1) - x.graph.constant(rows, np.float64).take(indices)
    return (difference * difference).sum(axis=2).sqrt(), indices


def within(x: Tensor, rows: Array, radius: float, metric: str, parameters: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Distances (n, m), exactly 0 for equal rows, and where they are within ``radius``."""
    if _is_euclidean(metric, parameters):
        metric, parameters = "exact euclidean", {}
    found = distances(x, rows, metric, parameters)
    return found, found <= radius


def neighbour_weights(distance: Tensor, weights: Any) -> Tensor:
    """The neighbours' weights; if any has distance 0, only those count (sklearn.neighbors._base._get_weights)."""
    if weights in (None, "uniform"):
        return distance * 0.0 + 1.0
    if weights != "distance":
        raise RuntimeError("weights that are a Python function have no translation to ONNX")
    here = distance.equals(0.0).cast(np.float64)
    return (here.max(keepdims=True) > 0.0).where(here, 1.0 / distance)


def _is_euclidean(metric: str, parameters: Mapping[str, Any]) -> bool:
    plain = metric == "minkowski" and parameters.get("p", 2) == 2 and parameters.get("w") is None
    return plain or metric in ("euclidean", "l2")


def unit_rows(x: Tensor) -> Tensor:
    """Rows scaled to Euclidean length 1; rows of zeros stay zeros."""
    length = (x * x).sum(keepdims=True).sqrt()
    return x / length.equals(0.0).where(1.0, length)


def unit_rows_of(rows: Array) -> Array:
    """:func:`unit_rows` of constants."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length == 0, 1, length)


def _precision(parameters: Mapping[str, Any]) -> Array:
    return np.asarray(parameters["VI"]) if "VI" in parameters else np.linalg.inv(parameters["V"])


def _euclidean(row: Tensor, rows: Array) -> Tensor:
    difference = row - rows
    return (difference * difference).sum().sqrt()


def _manhattan(row: Tensor, rows: Array) -> Tensor:
    return abs(row - rows).sum()


def _chebyshev(row: Tensor, rows: Array) -> Tensor:
    return abs(row - rows).max()


def _minkowski(row: Tensor, rows: Array, p: float, w: Array | None = None) -> Tensor:
    terms = abs(row - rows) ** p
    return (terms if w is None else terms * w).sum() ** (1 / p)


def _canberra(row: Tensor, rows: Array) -> Tensor:
    scale = abs(row) + np.abs(rows)
    return (abs(row - rows) / scale.equals(0.0).where(1.0, scale)).sum()


def _bray_curtis(row: Tensor, rows: Array) -> Tensor:
    """As sklearn.metrics.DistanceMetric has it; scipy's differs where coordinates are negative."""
    return abs(row - rows).sum() / (abs(row) + np.abs(rows)).sum()


def _hamming(row: Tensor, rows: Array) -> Tensor:
    return (~row.equals(rows)).cast(np.float64).mean()


def _nan_euclidean(row: Tensor, rows: Array) -> Tensor:
    """Distance over the coordinates that both rows have, scaled up to all coordinates (nan_euclidean_distances)."""
    present = (~row.is_nan()).cast(np.float64) * ~np.isnan(rows)
    difference = row.is_nan().where(0.0, row) - np.nan_to_num(rows)
    count = present.sum()
    mean = (difference * difference * present).sum() / count.equals(0.0).where(np.nan, count)
    return (mean * float(rows.shape[1])).sqrt()


ROW_DISTANCES: dict[str, Callable[..., Tensor]] = {
    "exact euclidean": _euclidean,
    "manhattan": _manhattan,
    "cityblock": _manhattan,
    "l1": _manhattan,
    "chebyshev": _chebyshev,
    "infinity": _chebyshev,
    "minkowski": _minkowski,
    "canberra": _canberra,
    "braycurtis": _bray_curtis,
    "hamming": _hamming,
    "nan_euclidean": _nan_euclidean,
}
"""Metrics that are computed row by row, so that no tensor of (n, m, features) is ever needed."""
