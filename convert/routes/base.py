"""What a step of a route is: a function from a loaded model to a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...validate.engines.base import Model
from ...validate.signature import ClassLabel, ImageInput
from ...validate.tasks.types import Bindings
from ...validate.workers.job_folder import JobFolder
from ..options import Precision

FP32, FP16, MIXED = Precision


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """What a route may be asked for.

    ``opset`` None means that of an ONNX source, else at most :data:`..targets.DEFAULT_OPSET`. ``precision`` is for
    routes to Core ML; ONNX is narrowed behind its routes (:mod:`.onnx.half`). All else is for Core ML:
    ``deployment_target`` (``iOS15``, ``macOS13``, ...; None: the oldest that will do), ``images`` (inputs of the source
    that become images), ``class_labels`` (names for the classes of the only output), ``ranges`` (bounds of an input's
    dynamic axis: (input, axis) -> lowest and highest length), ``shapes`` (input -> its shapes).
    ``evidence`` is the job with the samples and the source's outputs, for a route that searches for a precision.
    """

    opset: int | None = None
    deployment_target: str | None = None
    precision: Precision = Precision.FP32
    images: Mapping[str, ImageInput] = field(default_factory=dict)
    class_labels: tuple[ClassLabel, ...] = ()
    ranges: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    shapes: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    evidence: JobFolder | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A converted model, not yet proved.

    ``path`` is the main file; whatever else belongs to it (external data) is in the same folder.
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

    @property
    def bindings(self) -> Bindings:
        """The same for whoever runs the candidate."""
        return Bindings(self.inputs, self.outputs, self.classes, self.images)


class Step(Protocol):
    """The one function of a step's module."""

    def __call__(self, model: Model, destination: Path, options: RouteOptions) -> Candidate:
        """Convert ``model`` to the file ``destination``. Raises ParityGateError PG404, PG405 or PG408."""
