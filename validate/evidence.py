"""From the files that a scrutiny left in the job folder to what a computed tolerance needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .computed import Evidence
from .job import EXPECTED, NOISE, PLAIN, SAMPLES, SHAKEN, Rounding
from .noise.floor import floor_of
from .samples import load_outputs, load_samples
from .stability import SHAKES, last_bit

if TYPE_CHECKING:
    from .signature import Array

    Answers = Sequence[Mapping[str, Array]]
    ByOutput = dict[str, tuple[Array, ...]]


def gather(folder: Path, rounding: Rounding | None, outputs: Mapping[str, str], compared: Sequence[int]) -> Evidence:
    """Floors and conditions of the compared samples, by the reference's outputs; ``outputs`` binds the candidate's."""
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
    return Evidence(
        {
            theirs: _together(candidate[ours], conditions.get(theirs))
            for theirs, ours in bound.items()
            if ours in candidate
        },
        {theirs: tuple(steps * each for each in floors) for theirs, floors in conditions.items()},
        jumping,
        rounding.runs,
    )


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
    if conditions is None or any(a.shape != b.shape for a, b in zip(floors, conditions, strict=True)):
        return floors
    return tuple(np.hypot(floor, each) for floor, each in zip(floors, conditions, strict=True))


def _jumps(output: str, rounding: Rounding) -> bool:
    """A dictionary's parts are outputs of the graph under its name."""
    return any(name == output or name.startswith(f"{output}/") for name in rounding.jumping)
