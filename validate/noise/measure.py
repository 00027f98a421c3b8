"""Runs a perturbed model repeatedly, as long as time allows, and adds up how far its outputs scatter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.base import Graphed
from ..errors import ParityGateError
from .error_pools import ErrorDraws
from .perturb import PerturbedModel, perturb
from .precision import AS_TYPED, Precision

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

    Outputs = Sequence[Mapping[str, Array]]

MOST_RUNS, FEWEST_RUNS = 10, 3
"""Perturbed runs, and how many are made however little time is left."""

_POOL_PER_ELEMENT = 16  # room for inner tensors that are larger than the largest output
_FIRST_POOL, _LAST_POOL = 1 << 16, 1 << 28


@dataclass(frozen=True, slots=True)
class Noise:
    """How far perturbed runs scatter.

    ``squares`` are sums of squared deviations from the unperturbed outputs, one mapping (output -> array) per sample.
    ``roundoff`` is the unit roundoff of the coarsest floating type in the graph, ``discontinuous`` are the outputs
    after a discontinuous operator (see :mod:`.discontinuities`).
    """

    squares: tuple[Mapping[str, Array], ...]
    runs: int
    roundoff: float
    discontinuous: frozenset[str]


def measure_noise(
    model: Graphed,
    run: Callable[[Any], Outputs],
    unperturbed: Outputs,
    seconds: float | None = None,
    precision: Precision = AS_TYPED,
) -> Noise | None:
    """How far perturbed runs of ``model`` deviate from its ``unperturbed`` outputs.

    ``run`` runs a model on all samples. There are :data:`MOST_RUNS` runs, fewer once ``seconds`` have passed, but at
    least :data:`FEWEST_RUNS`. None where the graph can't be perturbed.
    """
    start = time.perf_counter()
    pool_size = _first_pool(unperturbed)
    while pool_size <= _LAST_POOL:
        opened = _open_perturbed(model, pool_size, precision)
        if opened is None:
            return None
        try:
            return _measure(partial(run, opened[0]), unperturbed, opened[1], start, seconds)
        except ParityGateError:  # a tensor has more elements than the pool has errors
            pool_size *= 4
    return None


def _first_pool(unperturbed: Outputs) -> int:
    """A pool for tensors of several times the size of the largest output; it is enlarged where that isn't enough."""
    largest = max((array.size for outputs in unperturbed for array in outputs.values()), default=1)
    return max(_FIRST_POOL, 1 << int(_POOL_PER_ELEMENT * largest).bit_length())


def _open_perturbed(model: Graphed, pool_size: int, precision: Precision) -> tuple[Graphed, PerturbedModel] | None:
    perturbed: list[PerturbedModel | None] = []
    draws: list[ErrorDraws] = []

    def rewrite(graph: onnx.ModelProto) -> onnx.ModelProto:
        made = perturb(graph, pool_size, precision)
        perturbed.append(made)
        if made is None:
            return graph
        draws.append(ErrorDraws(made.pools, pool_size, np.random.default_rng(pool_size)))
        return made.model

    variant = model.variant(rewrite, optimise=False, more=lambda: draws[-1]() if draws else {})
    return (variant, perturbed[-1]) if perturbed[-1] else None


def _measure(
    run: Callable[[], Outputs], unperturbed: Outputs, about: PerturbedModel, start: float, seconds: float | None
) -> Noise:
    squares = [{name: np.zeros(a.shape) for name, a in outputs.items() if _is_floating(a)} for outputs in unperturbed]
    runs = 0
    while runs < MOST_RUNS:
        for sums, plain, perturbed in zip(squares, unperturbed, run(), strict=True):
            for name, total in sums.items():
                total += _squared_deviation(plain[name], perturbed[name])
        runs += 1
        if seconds is not None and runs >= FEWEST_RUNS and time.perf_counter() - start > seconds:
            break
    return Noise(tuple(squares), runs, about.roundoff, about.discontinuous)


def _is_floating(array: Array) -> bool:
    return array.dtype.kind in "fV"  # V: bfloat16


def _squared_deviation(plain: Array, perturbed: Array) -> Array:
    """Zero where a run gave NaN or infinity, from which no size can be learned."""
    if plain.shape != perturbed.shape:
        return np.zeros(plain.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        squared = (perturbed.astype(np.float64) - plain.astype(np.float64)) ** 2
    return np.where(np.isfinite(squared), squared, 0.0)
