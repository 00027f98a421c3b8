"""What a route is: one way from a loaded source model to a target file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...validate.engines.base import Model
from ...validate.signature import ClassLabel, ImageInput

FP32, FP16, MIXED = "fp32", "fp16", "mixed"


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """What a user may ask of a conversion.

    ``opset`` None means the newest that ONNX Runtime supports officially. All else is for Core ML:
    ``deployment_target`` (``iOS15``, ``macOS13``, ...; None: the oldest that will do), ``precision`` (``fp32``,
    ``fp16`` or ``mixed``), ``images`` (inputs of the source that become images), ``class_labels`` (names for the
    classes of the only output), ``ranges`` (bounds of an input's dynamic axis: (input, axis) -> lowest and highest
    length) and ``shapes`` (input -> the only shapes it shall take). ``evidence`` is the folder with the samples and the
    original's answers (see :mod:`paritygate.validate.workers.job`), for a route that looks for the right precision.
    """

    opset: int | None = None
    deployment_target: str | None = None
    precision: str = FP32
    images: Mapping[str, ImageInput] = field(default_factory=dict)
    class_labels: tuple[ClassLabel, ...] = ()
    ranges: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    evidence: Path | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A converted model, not yet proved.

    ``path`` is the main file; whatever else belongs to it (external data) lies beside it in the same folder.
    ``inputs`` and ``outputs`` bind *candidate* names to *source* names; nothing is ever paired by position or
    likeness. ``notes`` are sentences for the user (a dtype that the conversion narrows, an opset raised).
    ``classes`` tells for each output of the candidate that is a dictionary which class each column of the source's
    output stands for: dictionaries have no order of their own. ``images`` are the candidate's inputs that take pixels.
    """

    path: Path
    route: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    notes: tuple[str, ...] = field(default=())
    classes: Mapping[str, tuple[ClassLabel, ...]] = field(default_factory=dict)
    images: Mapping[str, ImageInput] = field(default_factory=dict)


class Route(Protocol):
    """A route module's one function."""

    def __call__(self, model: Model, destination: Path, options: ConvertOptions) -> Candidate:
        """Convert ``model`` to the file ``destination``. Raises ParityGateError PG404, PG405 or PG408."""
