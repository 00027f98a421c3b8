"""Runs a perturbed model repeatedly, as long as time allows, and adds up how far its outputs scatter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.base import Graphed
from .error_pools import POOL, ErrorDraws
from .moderation import directions_of, drawn, fewest, widening
from .perturb import PerturbedModel, perturb
from .plan import BRIEF_RUNS, Plan, carried, spread, work_of
from .precision import AS_TYPED, Precision

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

    Outputs = Sequence[Mapping[str, Array]]

MOST_RUNS, FEWEST_RUNS = 10, 3
"""Perturbed runs of most models, and how many are made however little time the user gives."""

ENOUGH = 30
"""Degrees of freedom of a brief measurement: with fewer, one difference in a thousand would be a false alarm."""

_FEWER = ((3e11, 4), (3e10, 6))
"""Above so many products of a parameter and a position, so many runs: large models don't get all of them."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How far perturbed runs scatter.

    ``squares`` are sums of squared deviations from the unperturbed outputs, one mapping (output -> array) per sample.
    ``roundoff`` is the unit roundoff of the coarsest floating type in the graph, ``discontinuous`` are the outputs
    after a discontinuous operator (see :mod:`.discontinuities`). ``directions`` says, per sample, in how many
    independent directions each output deviates.
    """

    squares: tuple[Mapping[str, Array], ...]
    runs: int
    roundoff: float
    discontinuous: frozenset[str]
    directions: tuple[Mapping[str, float], ...] = ()


def planned_runs(parameters: int | None, feeds: Sequence[Mapping[str, Array]]) -> int:
    """How many perturbed runs a model of so many ``parameters`` gets on samples: it depends on no clock."""
    work = sum(work_of(parameters, feed) for feed in feeds)
    return next((runs for limit, runs in _FEWER if work > limit), MOST_RUNS)


def measure_noise(
    model: Graphed,
    run: Callable[[Any], Outputs],
    unperturbed: Outputs,
    seconds: float | None = None,
    precision: Precision = AS_TYPED,
    runs: int = MOST_RUNS,
) -> Noise:
    """How far perturbed runs of ``model`` deviate from its ``unperturbed`` outputs.

    ``run`` runs a model on all samples. There are ``runs`` of them, fewer once ``seconds`` have passed, but at least
    :data:`FEWEST_RUNS`. Raises ParityGateError PG316 where nothing can be perturbed, and what ``run`` raises.
    """
    return _noise_of(_open_perturbed(model, precision), run, unperturbed, seconds, runs)


def _noise_of(
    opened: tuple[Graphed, PerturbedModel],
    run: Callable[[Any], Outputs],
    unperturbed: Outputs,
    seconds: float | None,
    runs: int,
) -> Noise:
    variant, perturbed = opened
    found = _squares(partial(run, variant), unperturbed, runs, time.perf_counter(), seconds)
    directions = tuple({name: directions_of(drawn) for name, drawn in each.items()} for each in found.drawn)
    return Noise(found.squares, found.runs, perturbed.roundoff, perturbed.discontinuous, directions)


def measure_planned(
    model: Graphed,
    run: Callable[[Any, Sequence[int]], Outputs],
    unperturbed: Outputs,
    plan: Plan,
    seconds: float | None = None,
    precision: Precision = AS_TYPED,
    runs: int = MOST_RUNS,
) -> Noise:
    """The same, perturbed on the samples of a plan only; ``run`` takes the numbers of the samples to run.

    Where few runs, or those of other samples, can't tell the deviations, all runs are made.
    """

    opened = _open_perturbed(model, precision)  # once: opening a session again costs as much as several runs

    def measured(numbers: Sequence[int], most: int) -> Noise:
        some = [unperturbed[number] for number in numbers]
        return _noise_of(opened, lambda m: run(m, numbers), some, seconds, most)

    noise = _widened(measured(plan.measured, runs))
    known = dict(zip(plan.measured, noise.squares, strict=True))
    known |= _briefly(plan.brief, measured, unperturbed, noise)
    told = carried(plan.donors, known, unperturbed)
    if told is None:
        told = dict(zip(plan.left, _widened(measured(plan.left, noise.runs)).squares, strict=True))
    known |= told
    known |= {number: _same_everywhere(known[number]) for number in plan.flat}
    return replace(noise, squares=tuple(known[number] for number in sorted(known)))


def _widened(noise: Noise) -> Noise:
    """The deviations, greater where few runs of elements that move together say little of them."""
    squares = tuple(
        {name: total * widening(noise.runs * directions[name]) ** 2 for name, total in each.items()}
        for each, directions in zip(noise.squares, noise.directions, strict=True)
    )
    return replace(noise, squares=squares)


def _same_everywhere(squares: Mapping[str, Array]) -> Mapping[str, Array]:
    """The deviations of a constant image: its rounding error is the same at all places, and no average lessens it.

    The simulated ones are drawn for each place. On an EfficientNet they were 1.5 to 8 times too small.
    """
    return {name: total * _SAME_ERROR**2 for name, total in squares.items()}


_SAME_ERROR = 8.0


def _briefly(
    numbers: Sequence[int], measured: Callable[[Sequence[int], int], Noise], outputs: Outputs, noise: Noise
) -> dict[int, Mapping[str, Array]]:
    """The deviations of the samples that get few runs, as sums over those of ``noise``.

    By all runs where few can't tell them: where magnitude says little, or where elements move together.
    """
    if not numbers:
        return {}
    few, runs = measured(numbers, BRIEF_RUNS), noise.runs
    grown = [{name: total * (runs / few.runs) for name, total in squares.items()} for squares in few.squares]
    together = fewest([*noise.directions, *few.directions])
    brief = all(BRIEF_RUNS * count >= ENOUGH for count in together.values())
    told = {n: spread(squares, outputs[n]) if brief else None for n, squares in zip(numbers, grown, strict=True)}
    untold = [n for n, squares in told.items() if squares is None]
    rest = dict(zip(untold, _widened(measured(untold, runs)).squares, strict=True)) if untold else {}
    return {n: rest[n] if squares is None else squares for n, squares in told.items()}


def _open_perturbed(model: Graphed, precision: Precision) -> tuple[Graphed, PerturbedModel]:
    perturbed: list[PerturbedModel] = []
    draws: list[ErrorDraws] = []

    def rewrite(graph: onnx.ModelProto) -> onnx.ModelProto:
        made = perturb(graph, POOL, precision)
        perturbed.append(made)
        draws.append(ErrorDraws(made.pools, POOL, np.random.default_rng(0)))
        return made.model

    variant = model.variant(rewrite, optimise=False, more=lambda: draws[-1]())
    return variant, perturbed[-1]


@dataclass(frozen=True, slots=True)
class _Summed:
    """Sums of squared deviations over so many runs, and some elements of each run's deviations."""

    squares: tuple[Mapping[str, Array], ...]
    runs: int
    drawn: tuple[Mapping[str, list[Array]], ...]


def _squares(
    run: Callable[[], Outputs], unperturbed: Outputs, runs: int, start: float, seconds: float | None
) -> _Summed:
    squares = tuple(
        {name: np.zeros(a.shape) for name, a in outputs.items() if _is_floating(a)} for outputs in unperturbed
    )
    kept: tuple[dict[str, list[Array]], ...] = tuple({name: [] for name in sums} for sums in squares)
    for done in range(1, runs + 1):
        for sums, some, plain, perturbed in zip(squares, kept, unperturbed, run(), strict=True):
            for name, total in sums.items():
                deviation = _deviation(plain[name], perturbed[name])
                total += deviation**2
                some[name].append(drawn(deviation))
        if seconds is not None and done >= FEWEST_RUNS and time.perf_counter() - start > seconds:
            return _Summed(squares, done, kept)
    return _Summed(squares, runs, kept)


def _is_floating(array: Array) -> bool:
    return array.dtype.kind in "fV"  # V: bfloat16


def _deviation(plain: Array, perturbed: Array) -> Array:
    """Zero where a run gave NaN or infinity, from which no size can be learned."""
    if plain.shape != perturbed.shape:
        return np.zeros(plain.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        deviation = perturbed.astype(np.float64) - plain.astype(np.float64)
        return np.where(np.isfinite(deviation**2), deviation, 0.0)
