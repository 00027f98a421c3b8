"""What a proof of trees found, as plain values. Light: reports import it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """The first difference of two trees, and an input that tells them apart.

    ``tree`` and ``node`` are the reference's, counted from 0; ``part`` is what differs there ("leaf", "threshold",
    "feature", "missing direction", "shape"), ``reference`` and ``candidate`` its two values. ``inputs`` are
    (column, value) of the features on which the two paths depend; the others are 0. ``sums`` are both ensembles' exact
    sums for that input, in the column that differs most.
    """

    ensemble: str
    tree: int
    node: int
    part: str
    reference: float | str
    candidate: float | str
    inputs: tuple[tuple[int, float], ...]
    sums: tuple[float, float]
    column: int = 0


@dataclass(frozen=True, slots=True)
class TreesProof:
    """How many of the reference's ``trees`` are proved equal to the candidate's for every input in ``domain``.

    ``differing`` trees have a difference, of which ``differences`` show the first few. ``rounding`` says how the leaves
    compare ("identical", "rounded to float32"). ``whole`` means that the trees read the model's own columns; otherwise
    the proof is of the part from the trees' inputs to their sums. ``outside`` says what is left to samples.
    ``reached`` of the reference's ``leaves`` were reached by the samples; None where that isn't known.
    """

    trees: int
    proved: int
    differing: int
    domain: str
    rounding: str
    whole: bool
    leaves: int
    reached: int | None = None
    differences: tuple[TreeDifference, ...] = ()
    outside: tuple[str, ...] = ()
