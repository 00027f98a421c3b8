"""Embeddings of new rows by those of the training set."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, transformer
from ...distances import within
from ...tensors import Tensor
from ..predictors.neighbors import k_nearest
from .kernels import project


def register() -> None:
    """Register this module's converters."""
    from sklearn import manifold

    transformer(manifold.Isomap, isomap)
    transformer(manifold.LocallyLinearEmbedding, locally_linear_embedding)


def isomap(g: EstimatorGraph, model: Any) -> Tensor:
    """Shortest paths through the training set's graph, embedded by kernel PCA."""
    paths = np.asarray(model.dist_matrix_, np.float64)
    if model.n_neighbors is not None:
        distance, indices = k_nearest(g.x, model.nbrs_, model.nbrs_.n_neighbors)
        lengths = (g.constant(paths).take(indices) + distance.expand_dims(2)).min(axis=1)
    else:
        nearby = model.nbrs_
        distance, inside = within(
            g.x, nearby._fit_X, nearby.radius, nearby.effective_metric_, nearby.effective_metric_params_
        )
        first_step = inside.where(distance, np.inf)
        lengths = g.scan(first_step, lambda row: (row.reshape(-1, 1) + paths).min(axis=0))
    return project(lengths * lengths * -0.5, model.kernel_pca_)


def locally_linear_embedding(g: EstimatorGraph, model: Any) -> Tensor:
    """The neighbours' embeddings, weighted so that they reconstruct the row (barycenter_weights)."""
    k = model.n_neighbors
    _, indices = k_nearest(g.x, model.nbrs_, k)
    offsets = g.constant(model.nbrs_._fit_X, np.float64).take(indices) - g.x.expand_dims(1)
    gram = offsets @ offsets.transpose(0, 2, 1)
    trace = (gram * np.eye(k)).sum(axis=2).sum(axis=1).reshape(-1, 1, 1)
    penalty = (trace > 0.0).where(trace * model.reg, model.reg)
    weights = solve_for_ones(gram + penalty * np.eye(k), k)
    weights = weights / weights.sum(axis=1, keepdims=True)
    return (g.constant(model.embedding_, np.float64).take(indices) * weights).sum(axis=1)


def solve_for_ones(matrix: Tensor, k: int) -> Tensor:
    """Solve ``matrix @ w = 1`` for each of a stack of positive definite matrices (n, k, k): w is (n, k, 1).

    Gauss-Jordan elimination, unrolled; positive definite matrices need no pivots.
    """
    right = (matrix * 0.0).sum(axis=2, keepdims=True) + 1.0
    system = matrix.graph.concat([matrix, right], axis=2)
    for j, unit in enumerate(np.eye(k)):
        pivot_row = system.take([j], axis=1) / system.take([j], axis=1).take([j], axis=2)
        others = system * (1 - unit)[:, None]
        system = others - others.take([j], axis=2) * pivot_row + pivot_row * unit[:, None]
    return system.take([k], axis=2)
