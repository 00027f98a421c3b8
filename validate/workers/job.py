"""What a job's processes share: its plan, its files, what each run tells. Light, since the parent imports it first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engines.base import Facts
from ..report.types import SamplesSummary
from ..signature import ClassLabel, ImageInput, Signature

SAMPLES, EXPECTED, ACTUAL = "samples.npz", "expected.npz", "actual.npz"
AGAIN, PAIRED = "again.npz", "paired.npz"
SHAKEN = "shaken.npz"
"""Squared deviations of the reference's answers to inputs whose last bit was changed."""

PLAIN, NOISE = "plain.npz", "noise.npz"
"""The candidate's answers without graph optimisation, and the squared deviations of its perturbed runs from them."""

SECOND_OPINION = "opinion.npz"


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Where samples come from: a file of the user's, or a generator with a seed and ranges (input -> low, high).

    ``batch_sizes`` None lets the generator choose two or more; for a file, the first one is how it is split. ``images``
    are inputs whose values shall be those that pixels stand for. ``shapes`` (input -> shapes) and ``bounds`` ((input,
    axis) -> lowest and highest length) are all that the candidate will take. ``search`` seconds are spent on looking
    for inputs on which the two models part.
    """

    path: Path | None = None
    seed: int = 0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    batch_sizes: tuple[int, ...] | None = None
    images: Mapping[str, ImageInput] = field(default_factory=dict)
    shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    bounds: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    search: float = 0.0


@dataclass(frozen=True, slots=True)
class Bindings:
    """How a candidate's features and the reference's belong together.

    ``inputs`` and ``outputs`` map candidate names to reference names where the two differ; equal names bind themselves.
    ``classes`` tells which class each column of the reference's scores stands for, by the candidate's dictionary that
    holds them under those names. ``images`` are the candidate's inputs that take pixels.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[ClassLabel, ...]] = field(default_factory=dict)
    images: Mapping[str, ImageInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scrutiny:
    """What is asked of a candidate beside its answers: its noise, for at most so many ``seconds`` (None: no limit).

    ``second_opinion`` lets onnx.reference run it, too.
    """

    seconds: float | None = None
    second_opinion: bool = False


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a candidate has in a coarser type than its reference, so that it was rounded before any arithmetic.

    ``answers`` is the coarsest floating dtype that the reference takes or gives: a candidate that computes in a finer
    one is no better than its reference.
    """

    inputs: bool = False
    constants: bool = False
    answers: str = "float64"


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a candidate's noise was measured: see :class:`.noise.measure.Noise`. ``runs`` is 0 where it couldn't be.

    ``notes`` are sentences for the user.
    """

    runs: int = 0
    unit: float = 0.0
    jumping: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """One model's run over all samples: what the model is, and sentences that the user should read.

    ``rounding`` is None unless it was asked for, and where the model has no graph.
    """

    signature: Signature
    facts: Facts
    samples: SamplesSummary
    notes: tuple[str, ...] = ()
    rounding: Rounding | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model's facts and signature."""

    facts: Facts
    signature: Signature


def source_name(source: Any) -> str:
    """A path or factory as it was given; a live object by its class."""
    return str(source) if isinstance(source, str | Path) else type(source).__name__
