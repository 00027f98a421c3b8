"""Matrix products in double: principal components, random projections, centred kernels, and linear outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, forward, outlier_detector, transformer
from ...tensors import Tensor

Array = NDArray[Any]


def register() -> None:
    """Register this module's converters."""
    from sklearn import decomposition, linear_model, neighbors, preprocessing, random_projection

    transformer(decomposition.PCA, principal_components)
    transformer(decomposition.IncrementalPCA, principal_components)
    for kind in (
        decomposition.TruncatedSVD,
        neighbors.NeighborhoodComponentsAnalysis,
        random_projection.GaussianRandomProjection,
    ):
        transformer(kind, projected)
    transformer(preprocessing.KernelCenterer, kernel_centerer, lambda model: len(model.K_fit_rows_))
    outlier_detector(linear_model.SGDOneClassSVM, sgd_one_class_svm)
    forward(linear_model.RANSACRegressor, lambda model: model.estimator_)


def _components(model: Any) -> Array:
    return np.asarray(model.components_, np.float64).T


def projected(g: EstimatorGraph, model: Any) -> Tensor:
    """``x @ components_.T``."""
    return g.x @ _components(model)


def principal_components(g: EstimatorGraph, model: Any) -> Tensor:
    """Projected, then centred, then with unit variance if ``whiten``."""
    result = projected(g, model) - np.asarray(model.mean_, np.float64) @ _components(model)
    if not model.whiten:
        return result
    scale = np.sqrt(model.explained_variance_)
    return result / np.maximum(scale, np.finfo(scale.dtype).eps)


def kernel_centerer(g: EstimatorGraph, model: Any) -> Tensor:
    """The kernel matrix as if the features had been centred."""
    means = g.x.sum(keepdims=True) / float(len(model.K_fit_rows_))
    return g.x - model.K_fit_rows_ - means + np.asarray(model.K_fit_all_)


def sgd_one_class_svm(g: EstimatorGraph, model: Any) -> list[Tensor]:
    """1 where the decision value is not negative, else -1."""
    decision = g.x @ np.asarray(model.coef_, np.float64).reshape(-1, 1) - float(np.ravel(model.offset_)[0])
    return [(decision >= 0.0).where(np.int64(1), np.int64(-1), np.int64).reshape(-1), decision]
