"""Sparse codes over a dictionary: greedy pursuit, lasso, thresholding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...declare import EstimatorGraph, transformer
from ...tensors import Tensor

Array = NDArray[Any]

_PATH_ENDS = 1e-13
"""lasso_lars follows the path of solutions to its exact end; coordinate descent reaches it with this tolerance."""


def register() -> None:
    """Register this module's converters."""
    from sklearn import decomposition

    transformer(decomposition.DictionaryLearning, dictionary_learning)
    transformer(decomposition.MiniBatchDictionaryLearning, dictionary_learning)
    transformer(decomposition.SparseCoder, sparse_coder, _width)


def _width(model: Any) -> int:
    return int(len(model.dictionary) * (2 if model.split_sign else 1))


def dictionary_learning(g: EstimatorGraph, model: Any) -> Tensor:
    """Codes over the learned atoms."""
    return _coded(g, model, model.components_, model.alpha if model.transform_alpha is None else model.transform_alpha)


def sparse_coder(g: EstimatorGraph, model: Any) -> Tensor:
    """Codes over the given atoms."""
    return _coded(g, model, model.dictionary, model.transform_alpha)


def _coded(g: EstimatorGraph, model: Any, atoms: Array, alpha: float | None) -> Tensor:
    """``sparse_encode``, with separate columns for the signs if ``split_sign``."""
    atoms = np.asarray(atoms, np.float64)
    penalty = 1.0 if alpha is None else float(alpha)
    positive = model.positive_code
    if model.transform_algorithm == "threshold":
        code = _shrunk(g.x @ atoms.T, penalty, positive)
    elif model.transform_algorithm == "omp":
        count = model.transform_n_nonzero_coefs or min(max(atoms.shape[1] / 10, 1), len(atoms))
        code = orthogonal_matching_pursuit(g, atoms, int(count))
    elif model.transform_algorithm in ("lasso_cd", "lasso_lars"):
        tolerance = 1e-8 if model.transform_algorithm == "lasso_cd" else _PATH_ENDS
        limit = model.transform_max_iter if model.transform_algorithm == "lasso_cd" else 100_000
        code = lasso(g.x, atoms, penalty, positive, tolerance, limit)
    else:
        raise RuntimeError(f"transform_algorithm={model.transform_algorithm!r} has no translation to ONNX")
    return g.concat([code.maximum(0.0), -(code.minimum(0.0))]) if model.split_sign else code


def _shrunk(x: Tensor, penalty: float, positive: bool) -> Tensor:
    """Soft thresholding."""
    return (x - penalty).maximum(0.0) if positive else x.sign() * (abs(x) - penalty).maximum(0.0)


def lasso(x: Tensor, atoms: Array, penalty: float, positive: bool, tolerance: float, limit: int) -> Tensor:
    """The minimum of ``|x - w atoms|^2 / 2 + penalty |w|`` by cyclic coordinate descent over the atoms.

    Order, screening and stopping rule are those of scikit-learn (enet_coordinate_descent_gram), for each row.
    """
    gram = atoms @ atoms.T

    def sweep(step: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        w, target, energy, kept, running = state
        before = w
        for j in np.flatnonzero(np.diag(gram)):
            old = w.columns([j])
            rest = target.columns([j]) - w @ gram[:, j : j + 1] + old * gram[j, j]
            change = _shrunk(rest, penalty, positive) / gram[j, j] - old
            w = w + (kept.columns([j]) & running).where(change, 0.0) * np.eye(len(atoms))[j]
        settled = abs(w - before).max(keepdims=True) <= abs(w).max(keepdims=True) * tolerance
        gap, screened = _dual_gap(w, target, energy, gram, penalty, positive)
        running = running & ~(settled & (gap <= energy * tolerance))
        kept = kept & (screened | ~(settled & running))
        return running.cast(np.float64).max(axis=0).reshape() > 0.0, (kept.where(w, 0.0), target, energy, kept, running)

    target, energy = x @ atoms.T, (x * x).sum(keepdims=True)
    gap, kept = _dual_gap(target * 0.0, target, energy, gram, penalty, positive)
    start = (target * 0.0, target, energy, kept, gap > energy * tolerance)
    return x.graph.loop(limit, start, sweep)[0]


def _dual_gap(
    w: Tensor, target: Tensor, energy: Tensor, gram: Array, penalty: float, positive: bool
) -> tuple[Tensor, Tensor]:
    """Upper bound of each row's distance from the minimum (n, 1), and the atoms that it may contain (n, atoms)."""
    made = w @ gram
    pull = target - made
    strongest = (pull if positive else abs(pull)).max(keepdims=True)
    explained = energy - (w * target).sum(keepdims=True)
    residual = explained + (w * (made - target)).sum(keepdims=True)
    scale = (strongest > penalty).where(penalty / strongest, 1.0)
    gap = residual * (scale * scale + 1.0) * 0.5 + abs(w).sum(keepdims=True) * penalty - scale * explained
    length = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    slack = (1.0 - abs(pull) / strongest.maximum(penalty)) / length
    return gap, (slack <= (abs(gap) * 2.0).sqrt() / penalty) & (np.diag(gram) > 0)


def orthogonal_matching_pursuit(g: EstimatorGraph, atoms: Array, count: int) -> Tensor:
    """``count`` times: take the atom most correlated with the residual, and refit all atoms taken so far.

    The taken atoms are made orthonormal on the way (``basis``), and what each basis vector is in terms of atoms is
    kept (``recipe``), so that no system has to be solved. A row stops where scikit-learn stops it: at a residual
    that no atom explains, an atom taken twice, or one that depends on the others (_gram_omp).
    """
    tiny = float(np.finfo(g.floating).eps)
    residual, code, taken = g.x, g.full(np.zeros(len(atoms))), g.full(np.zeros(len(atoms)))
    active = g.full(np.ones(1, bool))
    basis: list[Tensor] = []
    recipes: list[Tensor] = []
    for _ in range(count):
        correlation = abs(residual @ atoms.T)
        chosen = correlation.argmax()
        vector, recipe = g.constant(atoms).take(chosen), g.constant(np.eye(len(atoms))).take(chosen)
        again = (recipe * taken).sum(keepdims=True) > 0.0
        taken = taken + recipe
        if basis:
            known, made_of = g.concat(basis), g.concat(recipes)
            shares = known @ vector.expand_dims(2)
            vector, recipe = vector - (known * shares).sum(axis=1), recipe - (made_of * shares).sum(axis=1)
        length = (vector * vector).sum(keepdims=True)
        active = active & ~again & (length > tiny) & (correlation.max(keepdims=True) ** 2.0 >= tiny)
        scale = active.where(1.0 / length.sqrt(), 0.0)
        vector, recipe = active.where(vector, 0.0) * scale, active.where(recipe, 0.0) * scale
        weight = (vector * g.x).sum(keepdims=True)
        residual, code = residual - vector * weight, code + recipe * weight
        basis.append(vector.expand_dims(1))
        recipes.append(recipe.expand_dims(1))
    return code
