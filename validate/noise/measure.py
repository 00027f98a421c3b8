"""Runs a perturbed model again and again, as long as time allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.base import Graphed
from ..errors import ParityGateError
from .perturb import Perturbed, Pools, perturbed
from .types import AS_TYPED, Precision

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

    Answers = Sequence[Mapping[str, Array]]

RUNS, FEWEST = 10, 3
"""Perturbed runs, and how many there are however little time is left."""

_ROOM = 16
_FIRST_POOL, _LAST_POOL = 1 << 16, 1 << 28


@dataclass(frozen=True, slots=True)
class Noise:
    """Sums of squared deviations from the unperturbed answers, one mapping (output -> array) per sample.

    ``unit`` is the unit roundoff of the coarsest floating type in the graph, ``jumping`` are the outputs behind an
    operator whose result jumps (see :mod:`.jumps`).
    """

    squares: tuple[Mapping[str, Array], ...]
    runs: int
    unit: float
    jumping: frozenset[str]


def measure_noise(
    model: Graphed,
    answer: Callable[[Any], Answers],
    plain: Answers,
    seconds: float | None = None,
    precision: Precision = AS_TYPED,
) -> Noise | None:
    """How far perturbed runs of ``model`` lie from ``plain``, its unperturbed answers.

    ``answer`` runs a model on all samples. There are :data:`RUNS` runs, fewer when ``seconds`` are over, but never
    fewer than :data:`FEWEST`. None where the graph can't be perturbed.
    """
    start = time.perf_counter()
    pool = _first_pool(plain)
    while pool <= _LAST_POOL:
        opened = _opened(model, pool, precision)
        if opened is None:
            return None
        try:
            return _measured(partial(answer, opened[0]), plain, opened[1], start, seconds)
        except ParityGateError:  # a tensor is larger than the pool of errors
            pool *= 4
    return None


def _first_pool(plain: Answers) -> int:
    """Room for tensors of some times an output's size; where it doesn't do, it is made larger."""
    largest = max((array.size for answer in plain for array in answer.values()), default=1)
    return max(_FIRST_POOL, 1 << int(_ROOM * largest).bit_length())


def _opened(model: Graphed, pool: int, precision: Precision) -> tuple[Graphed, Perturbed] | None:
    made: list[Perturbed | None] = []
    drawn: list[Pools] = []

    def rewrite(graph: onnx.ModelProto) -> onnx.ModelProto:
        about = perturbed(graph, pool, precision)
        made.append(about)
        if about is None:
            return graph
        drawn.append(Pools(about, pool, np.random.default_rng(pool)))
        return about.model

    variant = model.variant(rewrite, optimise=False, more=lambda: drawn[-1]() if drawn else {})
    return (variant, made[-1]) if made[-1] else None


def _measured(
    answer: Callable[[], Answers], plain: Answers, about: Perturbed, start: float, seconds: float | None
) -> Noise:
    squares = [{name: np.zeros(a.shape) for name, a in output.items() if _floating(a)} for output in plain]
    runs = 0
    while runs < RUNS:
        for sums, want, got in zip(squares, plain, answer(), strict=True):
            for name, total in sums.items():
                total += _squared(want[name], got[name])
        runs += 1
        if seconds is not None and runs >= FEWEST and time.perf_counter() - start > seconds:
            break
    return Noise(tuple(squares), runs, about.unit, about.jumping)


def _floating(array: Array) -> bool:
    return array.dtype.kind in "fV"


def _squared(want: Array, got: Array) -> Array:
    """Squared deviations; nothing where a run gave NaN or infinity, which say nothing of a size."""
    if want.shape != got.shape:
        return np.zeros(want.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        squared = (got.astype(np.float64) - want.astype(np.float64)) ** 2
    return np.where(np.isfinite(squared), squared, 0.0)
