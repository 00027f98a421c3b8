"""From the deviations that were measured to the noise floors that a computed tolerance needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..noise.floor import floor_of, scatter_of
from ..noise.request import Rounding
from ..noise.shakes import SHAKES, last_bit
from .computed import FACTOR
from .evidence import Evidence

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = Sequence[Mapping[str, Array]]
    ByOutput = dict[str, tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Deviations:
    """What was measured, one mapping (output -> array) per sample in each.

    ``noise`` are squared deviations of the candidate's perturbed runs from ``unoptimised``, its outputs without graph
    optimisation; ``shaken`` those of the reference under inputs with another last bit. ``rounding`` says how. ``drift``
    is how far the reference is from its own exact values, where these are known: the candidate may be as far off.
    """

    rounding: Rounding
    noise: Outputs
    unoptimised: Outputs
    shaken: Outputs
    drift: Outputs = ()

    def of(self, numbers: Sequence[int]) -> Deviations:
        """Those of some samples only."""
        noise, unoptimised, shaken = (
            [each[n] for n in numbers] for each in (self.noise, self.unoptimised, self.shaken)
        )
        drift = [self.drift[n] for n in numbers] if self.drift else ()
        return Deviations(self.rounding, noise, unoptimised, shaken, drift)


def evidence_of(
    deviations: Deviations,
    expected: Outputs,
    feeds: Sequence[Feed],
    outputs: Mapping[str, str],
    at_edge: Sequence[bool],
) -> Evidence:
    """Floors and conditions by the reference's outputs; ``outputs`` binds the candidate's names to these.

    ``expected`` are the reference's outputs for the same samples, ``feeds`` the inputs of all samples. ``at_edge``
    tells which samples are at the edge of what the model means. There the last bit of an input says little (a bias of
    1 next to inputs of 1e-6), and the condition sets no limit.
    """
    rounding = deviations.rounding
    bound = {reference: candidate for candidate, reference in outputs.items()}
    jumping = frozenset(reference for reference, candidate in bound.items() if _jumps(candidate, rounding))
    floors = _by_output(
        outputs,
        deviations.noise,
        deviations.unoptimised,
        lambda name, squares, values: floor_of(squares, values, rounding.runs),
    )
    conditions = _by_output(
        bound,
        deviations.shaken,
        expected,
        lambda name, squares, values: scatter_of(squares, values, SHAKES, robust=name in jumping),
    )
    bit = last_bit(feeds)
    steps = max(2 * rounding.unit / bit, 1.0) if bit else 1.0
    limits = [math.inf if edge else steps for edge in at_edge]
    measured = {reference: floors[candidate] for reference, candidate in bound.items() if candidate in floors}
    alike = {name: each for name, each in conditions.items() if _same_shapes(each, measured.get(name, ()))}
    return Evidence(
        {name: _drifted(_together(each, alike.get(name)), name, deviations.drift) for name, each in measured.items()},
        {name: tuple(map(_times, limits, each)) for name, each in alike.items()},
        jumping,
        rounding.runs,
    )


def _same_shapes(conditions: Sequence[Array], floors: Sequence[Array]) -> bool:
    """A candidate that gives another shape fails for that, not here."""
    return [each.shape for each in conditions] == [each.shape for each in floors]


def _times(limit: float, condition: Array) -> Array:
    return np.full(condition.shape, math.inf) if math.isinf(limit) else limit * condition


def _by_output(
    names: Iterable[str], squares: Outputs, values: Outputs, width: Callable[[str, Array, Array], Array]
) -> ByOutput:
    """The ``width`` of each element of the outputs that have squared deviations in every sample."""
    return {
        name: tuple(width(name, each[name], answer[name]) for each, answer in zip(squares, values, strict=True))
        for name in names
        if all(name in each for each in squares)
    }


def _together(floors: tuple[Array, ...], conditions: tuple[Array, ...] | None) -> tuple[Array, ...]:
    """The candidate's rounding and the reference's: a graph tells the one, the reference's condition the other."""
    if conditions is None:
        return floors
    return tuple(np.hypot(floor, each) for floor, each in zip(floors, conditions, strict=True))


def _drifted(floors: tuple[Array, ...], name: str, drift: Outputs) -> tuple[Array, ...]:
    """Floors that let the candidate be as far from the exact value as the reference is, in addition."""
    if not drift or any(name not in each or each[name].shape != floors[n].shape for n, each in enumerate(drift)):
        return floors
    return tuple(floor + each[name] / FACTOR for floor, each in zip(floors, drift, strict=True))


def _jumps(output: str, rounding: Rounding) -> bool:
    """A dictionary's parts are outputs of the graph under its name."""
    return any(name == output or name.startswith(f"{output}/") for name in rounding.jumping)
