"""From the files that a scrutiny left in the job folder to what a computed tolerance needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..noise.floor import floor_of
from ..samples import load_outputs, load_samples
from ..tasks.shaking import SHAKES, last_bit
from ..workers.job import EXPECTED, NOISE, PLAIN, SAMPLES, SHAKEN, Rounding
from .computed import Evidence

if TYPE_CHECKING:
    from ..signature import Array

    Answers = Sequence[Mapping[str, Array]]
    ByOutput = dict[str, tuple[Array, ...]]


def gather(
    folder: Path,
    rounding: Rounding | None,
    outputs: Mapping[str, str],
    compared: Sequence[int],
    degenerate: Sequence[bool] = (),
) -> Evidence:
    """Floors and conditions of the compared samples, by the reference's outputs; ``outputs`` binds the candidate's.

    ``degenerate`` tells which of them are at the edge of what the model means. There the last bit of an input says
    little (a bias of 1 beside inputs of 1e-6), and the condition is no limit.
    """
    if rounding is None or not rounding.runs:
        return Evidence()
    noise, plain, shaken, expected = (
        [answers[number] for number in compared]
        for answers in map(load_outputs, (folder / NOISE, folder / PLAIN, folder / SHAKEN, folder / EXPECTED))
    )
    bound = {theirs: ours for ours, theirs in outputs.items()}
    jumping = frozenset(theirs for theirs, ours in bound.items() if _jumps(ours, rounding))
    candidate = _floors(dict.fromkeys(outputs, False), noise, plain, rounding.runs)
    conditions = _floors({theirs: theirs in jumping for theirs in bound}, shaken, expected, SHAKES)
    bit = last_bit(load_samples(folder / SAMPLES).feeds)
    steps = max(2 * rounding.unit / bit, 1.0) if bit else 1.0
    limits = [math.inf if edge else steps for edge in degenerate or [False] * len(compared)]
    measured = {theirs: candidate[ours] for theirs, ours in bound.items() if ours in candidate}
    alike = {name: each for name, each in conditions.items() if _same_shapes(each, measured.get(name, ()))}
    return Evidence(
        {name: _together(floors, alike.get(name)) for name, floors in measured.items()},
        {name: tuple(map(_times, limits, each)) for name, each in alike.items()},
        jumping,
        rounding.runs,
    )


def _same_shapes(conditions: Sequence[Array], floors: Sequence[Array]) -> bool:
    """A candidate that gives another shape fails for that, not here."""
    return [each.shape for each in conditions] == [each.shape for each in floors]


def _times(limit: float, condition: Array) -> Array:
    return np.full(condition.shape, math.inf) if math.isinf(limit) else limit * condition


def _floors(robust: Mapping[str, bool], squares: Answers, values: Answers, runs: int) -> ByOutput:
    """The floors of the outputs that have squared deviations in every sample."""
    return {
        name: tuple(
            floor_of(each[name], answer[name], runs, robust=jumps) for each, answer in zip(squares, values, strict=True)
        )
        for name, jumps in robust.items()
        if all(name in each for each in squares)
    }


def _together(floors: tuple[Array, ...], conditions: tuple[Array, ...] | None) -> tuple[Array, ...]:
    """The candidate's rounding and the reference's: a graph tells the one, the reference's condition the other."""
    if conditions is None:
        return floors
    return tuple(np.hypot(floor, each) for floor, each in zip(floors, conditions, strict=True))


def _jumps(output: str, rounding: Rounding) -> bool:
    """A dictionary's parts are outputs of the graph under its name."""
    return any(name == output or name.startswith(f"{output}/") for name in rounding.jumping)
