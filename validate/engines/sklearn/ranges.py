"""The range of an estimator's training data, from the statistics that it stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_SEEN = ("_fit_X", "X_train_", "X_fit_", "support_vectors_", "cluster_centers_", "subcluster_centers_", "centroids_",
         "means_", "theta_", "quantiles_")  # fmt: skip
"""Attributes that hold rows of the training data, or similar rows."""


def range_of(estimator: Any, width: int) -> tuple[Floats, Floats]:
    """Lower and upper bound of each of the ``width`` columns, NaN if unknown."""
    found = _known_range(estimator)
    if found is None:
        rows = next((np.asarray(rows) for rows in map(vars(estimator).get, _SEEN) if _is_table(rows, width)), None)
        if rows is not None and len(rows) > 1:
            low, high = rows.min(axis=0), rows.max(axis=0)
            found = low - (high - low) / 4, high + (high - low) / 4
    low, high = found or (np.nan, np.nan)
    if _positive_only(estimator):
        low = np.fmax(low, 0.0)
    if hasattr(estimator, "skewedness"):
        low = np.fmax(low, 1e-3 - estimator.skewedness)
    return np.broadcast_to(low, width), np.broadcast_to(high, width)


def _is_table(rows: Any, width: int) -> bool:
    return isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.shape[1] == width and rows.dtype.kind == "f"


def _known_range(estimator: Any) -> tuple[Any, Any] | None:
    """The range of a preprocessing step's training data, from its own statistics."""
    if hasattr(estimator, "data_min_"):
        return estimator.data_min_, estimator.data_max_
    if hasattr(estimator, "max_abs_"):
        return -estimator.max_abs_, estimator.max_abs_
    if hasattr(estimator, "bin_edges_"):
        return np.array([edges[0] for edges in estimator.bin_edges_]), np.array([e[-1] for e in estimator.bin_edges_])
    if hasattr(estimator, "bsplines_"):
        ends = [(spline.t[spline.k], spline.t[-spline.k - 1]) for spline in estimator.bsplines_]
        return np.array([low for low, _ in ends]), np.array([high for _, high in ends])
    if hasattr(estimator, "X_thresholds_"):
        return estimator.X_min_, estimator.X_max_
    if hasattr(estimator, "lambdas_"):
        ends = estimator.inverse_transform(np.array([[-2.0], [2.0]]).repeat(len(estimator.lambdas_), axis=1))
        return ends[0], ends[1]
    centre = next((vars(estimator).get(name) for name in ("mean_", "center_") if name in vars(estimator)), None)
    scale = vars(estimator).get("scale_")
    if centre is None or np.shape(centre) != np.shape(scale):
        return None
    return centre - 3 * np.asarray(scale), centre + 3 * np.asarray(scale)


def allows_nan(estimator: Any) -> bool:
    """Whether the estimator takes NaN."""
    tags = _input_tags(estimator)
    return bool(tags and tags.allow_nan)


def _positive_only(estimator: Any) -> bool:
    tags = _input_tags(estimator)
    return bool(tags and tags.positive_only)


def _input_tags(estimator: Any) -> Any:
    from sklearn.utils import get_tags

    return get_tags(estimator).input_tags if hasattr(estimator, "__sklearn_tags__") else None
