"""Non-negative factorisations and topic models: their transform is an iteration, which becomes a Loop.

Steps and stopping rules are scikit-learn's. Where its rule looks at the whole batch (NMF), so does the Loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, transformer
from ...tensors import Tensor

_TINY = float(np.finfo(np.float32).eps)
"""EPSILON of sklearn.decomposition._nmf."""

_BETA = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}


def register() -> None:
    """Register this module's converters."""
    from sklearn import decomposition

    transformer(decomposition.NMF, nmf)
    transformer(decomposition.MiniBatchNMF, mini_batch_nmf)
    transformer(decomposition.LatentDirichletAllocation, latent_dirichlet_allocation)


def nmf(g: EstimatorGraph, model: Any) -> Tensor:
    """Weights W that minimise the divergence of ``W @ components_`` from x, by the model's own solver."""
    if model.solver == "mu":
        return _multiplicative_nmf(g, model)
    if model.shuffle:
        raise RuntimeError("NMF(shuffle=True) draws its order of coordinates at random")
    return _coordinate_descent_nmf(g, model)


def _coordinate_descent_nmf(g: EstimatorGraph, model: Any) -> Tensor:
    """Cyclic coordinate descent over the components (sklearn.decomposition._nmf._fit_coordinate_descent)."""
    h = model.components_.astype(np.float64)
    l1, l2 = _regularisation(model)
    gram = h @ h.T + l2 * np.eye(len(h))

    def sweep(step: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        w, target, first = state
        violations = []
        for t, unit in enumerate(np.eye(len(h))):
            gradient = w @ gram[:, t : t + 1] - target.columns([t])
            old = w.columns([t])
            projected = old.equals(0.0).where(gradient.minimum(0.0), gradient)
            violations.append(abs(projected).sum(axis=0))
            if gram[t, t] != 0:
                w = w + ((old - gradient / gram[t, t]).maximum(0.0) - old) * unit
        violation = sum(violations[1:], violations[0])
        first = step.equals(0).where(violation, first)
        return (violation > first * model.tol).reshape(), (w, target, first)

    target = g.x @ h.T - l1
    start = (g.full(np.zeros(len(h))), target, g.constant(np.zeros(1)))
    return g.loop(model.max_iter, start, sweep)[0]


def _multiplicative_nmf(g: EstimatorGraph, model: Any) -> Tensor:
    """Multiplicative updates; the divergence is looked at after every tenth (_fit_multiplicative_update)."""
    h, beta = model.components_.astype(np.float64), _beta(model)
    gamma = 1 / (2 - beta) if beta < 1 else 1 / (beta - 1) if beta > 2 else 1.0

    def update(step: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        x, w, at_start, previous = state
        w = _multiplied(x, w, h, model, gamma)
        if beta < 1:
            w = (w < float(np.finfo(np.float64).eps)).where(0.0, w)
        if model.tol <= 0:
            return step >= 0, (x, w, at_start, previous)
        error = _divergence(x, w, h, beta)
        due = step.graph.op("Mod", step, step.like(10)).equals(9)
        stop = due & ((previous - error) < at_start * model.tol)
        return ~stop, (x, w, at_start, due.where(error, previous))

    w = _uniform_weights(g, len(h))
    error = _divergence(g.x, w, h, beta)
    return g.loop(model.max_iter, (g.x, w, error, error), update)[1]


def mini_batch_nmf(g: EstimatorGraph, model: Any) -> Tensor:
    """Multiplicative updates until the weights change little (MiniBatchNMF._solve_W)."""
    h = model.components_.astype(np.float64)

    def update(step: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        x, w = state
        new = _multiplied(x, w, h, model, model._gamma)
        change = _norm(new - w) / _norm(new)
        return ~(change <= model.tol) if model.tol > 0 else step >= 0, (x, new)

    return g.loop(model._transform_max_iter, (g.x, _uniform_weights(g, len(h))), update)[1]


def _regularisation(model: Any) -> tuple[float, float]:
    """The l1 and l2 penalties on the weights, scaled by the number of features."""
    strength = model.components_.shape[1] * model.alpha_W
    return strength * model.l1_ratio, strength * (1 - model.l1_ratio)


def _beta(model: Any) -> float:
    return float(_BETA.get(model.beta_loss, model.beta_loss))


def _uniform_weights(g: EstimatorGraph, components: int) -> Tensor:
    mean = g.x.mean(axis=0, keepdims=True).mean(axis=1, keepdims=True)
    return g.full(np.zeros(components)) + (mean / float(components)).sqrt()


def _multiplied(x: Tensor, w: Tensor, h: NDArray[Any], model: Any, gamma: float) -> Tensor:
    """One multiplicative update of the weights (_multiplicative_update_w)."""
    beta = _beta(model)
    l1, l2 = _regularisation(model)
    if beta == 2:
        numerator, denominator = x @ h.T, w @ (h @ h.T)
    else:
        product = w @ h
        safe = product.maximum(_TINY)
        numerator = (x * (safe if beta < 2 else product) ** (beta - 2)) @ h.T
        denominator = ((safe if beta < 1 else product) ** (beta - 1)) @ h.T
    denominator = denominator + l1 + w * l2
    ratio = numerator / denominator.equals(0.0).where(_TINY, denominator)
    return w * (ratio if gamma == 1 else ratio**gamma)


def _divergence(x: Tensor, w: Tensor, h: NDArray[Any], beta: float) -> Tensor:
    """Square root of twice the beta-divergence, a scalar (_beta_divergence)."""
    product = w @ h
    if beta == 2:
        return _norm(x - product)
    counts = x > _TINY
    given, made = counts.where(x, 1.0), counts.where(product.maximum(_TINY), 1.0)
    mask = counts.cast(np.float64)
    if beta == 1:
        result = _total(given * mask * (given / made).log()) + _total(product) - _total(given * mask)
    elif beta == 0:
        result = _total(mask * (given / made)) - _total(x * 0.0 + 1.0) - _total((given / made).log())
    else:
        powers = _total(mask * given**beta) + _total(product**beta) * (beta - 1)
        result = (powers - _total(mask * given * made ** (beta - 1)) * beta) / (beta * (beta - 1))
    return (result.maximum(0.0) * 2.0).sqrt()


def _total(value: Tensor) -> Tensor:
    return value.sum(axis=1).sum(axis=0)


def _norm(value: Tensor) -> Tensor:
    return _total(value * value).sqrt()


def latent_dirichlet_allocation(g: EstimatorGraph, model: Any) -> Tensor:
    """Topic proportions by the variational e-step, each document until it changes little (_update_doc_distribution)."""
    words = model.exp_dirichlet_component_.astype(np.float64)
    tiny = float(np.finfo(model.components_.dtype).eps)

    def update(step: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        counts, topics, expectation, active = state
        phi = expectation @ words + tiny
        new = expectation * ((counts / phi) @ words.T) + model.doc_topic_prior_
        change = abs(new - topics).mean(keepdims=True)
        topics, expectation = active.where(new, topics), active.where(_dirichlet_expectation(new), expectation)
        active = active & ~(change < model.mean_change_tol)
        return active.cast(np.float64).max(axis=0).reshape() > 0.0, (counts, topics, expectation, active)

    ones = g.full(np.ones(len(words)))
    start = (g.x, ones, _dirichlet_expectation(ones), g.full(np.ones(1, bool)))
    topics = g.loop(model.max_doc_update_iter, start, update)[1]
    return topics / topics.sum(keepdims=True)


def _dirichlet_expectation(x: Tensor) -> Tensor:
    """``exp(E[log(theta)])`` for theta drawn from a Dirichlet distribution with parameters x."""
    return (_digamma(x) - _digamma(x.sum(keepdims=True))).exp()


def _digamma(x: Tensor) -> Tensor:
    """Digamma for x > 0: six steps of its recurrence, then the asymptotic series that scikit-learn uses."""
    steps = sum((1.0 / (x + float(i)) for i in range(1, 6)), 1.0 / x)
    inverse = 1.0 / (x + 6.0)
    square = inverse * inverse
    series = square * (square * (square * (1 / 252) - 1 / 120) + 1 / 12)
    return (x + 6.0).log() - inverse * 0.5 - series - steps
