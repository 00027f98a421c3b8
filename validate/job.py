"""What a job's processes share: its plan, its files, what each run tells. Light, since the parent imports it first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .engines.base import Facts
from .report import SamplesSummary
from .signature import ClassLabel, ImageInput, Signature

SAMPLES, EXPECTED, ACTUAL = "samples.npz", "expected.npz", "actual.npz"
AGAIN, PAIRED = "again.npz", "paired.npz"


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Where samples come from: a file of the user's, or a generator with a seed and ranges (input -> low, high).

    ``batch_sizes`` None lets the generator choose two or more; for a file, the first one is how it is split. ``images``
    are inputs whose values shall be those that pixels stand for. ``shapes`` (input -> shapes) and ``bounds`` ((input,
    axis) -> lowest and highest length) are all that the candidate will take.
    """

    path: Path | None = None
    seed: int = 0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    batch_sizes: tuple[int, ...] | None = None
    images: Mapping[str, ImageInput] = field(default_factory=dict)
    shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    bounds: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)


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
class Ran:
    """One model's run over all samples: what the model is, and sentences that the user should read."""

    signature: Signature
    facts: Facts
    samples: SamplesSummary
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model's facts and signature."""

    facts: Facts
    signature: Signature


def source_name(source: Any) -> str:
    """A path or factory as it was given; a live object by its class."""
    return str(source) if isinstance(source, str | Path) else type(source).__name__
