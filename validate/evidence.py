"""From the files that a scrutiny left in the job folder to what a computed tolerance needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .computed import Evidence
from .job import NOISE, PLAIN, SHAKEN, Rounding
from .noise.floor import floor_of
from .samples import load_outputs
from .stability import SHAKE

if TYPE_CHECKING:
    from .signature import Array

    Answers = Sequence[Mapping[str, Array]]


def gather(folder: Path, rounding: Rounding | None, outputs: Mapping[str, str], compared: Sequence[int]) -> Evidence:
    """Floors and conditions of the compared samples, by the reference's outputs; ``outputs`` binds the candidate's."""
    if rounding is None or not rounding.runs:
        return Evidence()
    noise, plain, shaken = (_picked(load_outputs(folder / name), compared) for name in (NOISE, PLAIN, SHAKEN))
    bound = {theirs: ours for ours, theirs in outputs.items()}
    floors = {
        theirs: tuple(
            floor_of(squares[ours], values[ours], rounding.runs) for squares, values in zip(noise, plain, strict=True)
        )
        for theirs, ours in bound.items()
        if all(ours in squares for squares in noise)
    }
    steps = 2 * rounding.unit / SHAKE
    conditions = {
        theirs: tuple(steps * moved[theirs] for moved in shaken)
        for theirs in bound
        if all(theirs in moved for moved in shaken)
    }
    jumping = frozenset(theirs for theirs, ours in bound.items() if _jumps(ours, rounding))
    return Evidence(floors, conditions, jumping, rounding.runs)


def _picked(answers: Answers, compared: Sequence[int]) -> Answers:
    return [answers[number] for number in compared]


def _jumps(output: str, rounding: Rounding) -> bool:
    """A dictionary's parts are outputs of the graph under its name."""
    return any(name == output or name.startswith(f"{output}/") for name in rounding.jumping)
