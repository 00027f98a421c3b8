"""Matrix factorisations whose transform is one product. The iterative ones are in factorisation and sparse_coding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...declare import EstimatorGraph, transformer
from ...tensors import Tensor


def register() -> None:
    """Register this module's converters."""
    from sklearn import decomposition, neural_network, random_projection

    transformer(decomposition.FactorAnalysis, factor_analysis)
    transformer(decomposition.FastICA, fast_ica)
    transformer(decomposition.SparsePCA, sparse_pca)
    transformer(decomposition.MiniBatchSparsePCA, sparse_pca)
    transformer(neural_network.BernoulliRBM, bernoulli_rbm)
    transformer(random_projection.SparseRandomProjection, sparse_random_projection)


def factor_analysis(g: EstimatorGraph, model: Any) -> Tensor:
    """Posterior mean of the factors (FactorAnalysis.transform)."""
    weighted = model.components_ / model.noise_variance_
    covariance = np.linalg.inv(np.eye(len(model.components_)) + weighted @ model.components_.T)
    return (g.x - model.mean_) @ (weighted.T @ covariance)


def fast_ica(g: EstimatorGraph, model: Any) -> Tensor:
    """Unmixing; without whitening nothing was centred."""
    centred = g.x - model.mean_ if model.whiten else g.x
    return centred @ model.components_.T


def sparse_pca(g: EstimatorGraph, model: Any) -> Tensor:
    """Ridge regression on the components, whose normal equations are constant."""
    components = model.components_
    normal = components @ components.T + model.ridge_alpha * np.eye(len(components))
    return (g.x - model.mean_) @ np.linalg.solve(normal, components).T


def bernoulli_rbm(g: EstimatorGraph, model: Any) -> Tensor:
    """Probability of each hidden unit given the visible ones."""
    return (g.x @ model.components_.T + model.intercept_hidden_).sigmoid()


def sparse_random_projection(g: EstimatorGraph, model: Any) -> Tensor:
    """Product with a matrix that scikit-learn keeps sparse."""
    return g.x @ model.components_.T.toarray()
