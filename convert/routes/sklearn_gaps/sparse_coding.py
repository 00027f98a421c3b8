"""Sparse codes over a dictionary: greedy pursuit, lasso, thresholding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .declare import Conversion, transformer
from .values import Value

Array = NDArray[Any]

_CONVERGED = 1e-13
"""The lasso is iterated until no coefficient moves by more than this share of the greatest correlation."""


def register() -> None:
    """Register this module's converters."""
    from sklearn import decomposition

    transformer(decomposition.DictionaryLearning, dictionary_learning)
    transformer(decomposition.MiniBatchDictionaryLearning, dictionary_learning)
    transformer(decomposition.SparseCoder, sparse_coder, _width)


def _width(model: Any) -> int:
    return int(len(model.dictionary) * (2 if model.split_sign else 1))


def dictionary_learning(g: Conversion, model: Any) -> Value:
    """Codes over the learned atoms."""
    return _coded(g, model, model.components_, model.alpha if model.transform_alpha is None else model.transform_alpha)


def sparse_coder(g: Conversion, model: Any) -> Value:
    """Codes over the given atoms."""
    return _coded(g, model, model.dictionary, model.transform_alpha)


def _coded(g: Conversion, model: Any, atoms: Array, alpha: float | None) -> Value:
    """``sparse_encode``, then the signs split into columns of their own if asked for."""
    atoms = np.asarray(atoms, np.float64)
    penalty = 1.0 if alpha is None else float(alpha)
    positive = model.positive_code
    if model.transform_algorithm == "threshold":
        code = _shrunk(g.x @ atoms.T, penalty, positive)
    elif model.transform_algorithm == "omp":
        count = model.transform_n_nonzero_coefs or min(max(atoms.shape[1] / 10, 1), len(atoms))
        code = orthogonal_matching_pursuit(g, atoms, int(count))
    elif model.transform_algorithm in ("lasso_cd", "lasso_lars"):
        code = lasso(g.x, atoms, penalty, positive)
    else:
        raise RuntimeError(f"transform_algorithm={model.transform_algorithm!r} has no translation to ONNX")
    return g.concat([code.maximum(0.0), -(code.minimum(0.0))]) if model.split_sign else code


def _shrunk(x: Value, penalty: float, positive: bool) -> Value:
    """Soft thresholding."""
    return (x - penalty).maximum(0.0) if positive else x.sign() * (abs(x) - penalty).maximum(0.0)


def lasso(x: Value, atoms: Array, penalty: float, positive: bool) -> Value:
    """The minimum of ``|x - w atoms|^2 / 2 + penalty |w|`` by cyclic coordinate descent, run to convergence.

    Both of scikit-learn's algorithms aim at this minimum, which is unique for atoms in general position.
    """
    gram = atoms @ atoms.T

    def sweep(step: Value, state: Sequence[Value]) -> tuple[Value, Sequence[Value]]:
        w, target, bound = state
        before = w
        for j, unit in enumerate(np.eye(len(atoms))):
            if gram[j, j] > 0:
                old = w.columns([j])
                rest = target.columns([j]) - w @ gram[:, j : j + 1] + old * gram[j, j]
                w = w + (_shrunk(rest, penalty, positive) / gram[j, j] - old) * unit
        moved = abs(w - before).max(axis=1).max(axis=0)
        return moved > bound, (w, target, bound)

    target = x @ atoms.T
    bound = abs(target).max(axis=1).max(axis=0) * _CONVERGED
    return x.graph.loop(100_000, (target * 0.0, target, bound), sweep)[0]


def orthogonal_matching_pursuit(g: Conversion, atoms: Array, count: int) -> Value:
    """``count`` times: take the atom most correlated with the residual, and fit all taken so far anew.

    The taken atoms are made orthonormal on the way (``basis``), and what each basis vector is in terms of atoms is
    kept (``recipe``), so that no system has to be solved. A row stops where scikit-learn stops it: at a residual
    that no atom explains, an atom taken twice, or one that depends on the others (_gram_omp).
    """
    tiny = float(np.finfo(g.floating).eps)
    residual, code, taken = g.x, g.full(np.zeros(len(atoms))), g.full(np.zeros(len(atoms)))
    active = g.full(np.ones(1, bool))
    basis: list[Value] = []
    recipes: list[Value] = []
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
