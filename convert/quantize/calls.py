"""The calls of the worker that quantises. Light: the parent imports this before the worker starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ...validate.engines.handle import ModelHandle
from ...validate.tasks.types import Bindings, ModelRun
from ...validate.workers.job_folder import JobFolder
from ...validate.workers.protocol import Task
from ..options import Quantize


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a model whose weights can be quantised: its name in the file, its operator, and how many weights."""

    name: str
    kind: str
    weights: int

    def __str__(self) -> str:
        return f"{self.kind} ({self.name})"


@dataclass(frozen=True, slots=True)
class Quantiser:
    """What is quantised, and how. ``model`` is the proved float32 candidate.

    ``job`` has the samples, which also calibrate, and the reference's outputs. ``prepared`` is the form of the model in
    which its layers have names; the quantiser writes it.
    """

    job: JobFolder
    model: ModelHandle
    method: Quantize
    prepared: Path


@dataclass(frozen=True, slots=True)
class QuantizedRun:
    """What came of it: all layers that can be quantised, in the order in which they run, and the model's run."""

    layers: tuple[Layer, ...]
    run: ModelRun


@dataclass(frozen=True, slots=True)
class RunQuantized(Task[QuantizedRun]):
    """Write the model to ``destination`` with all layers quantised but those ``kept``, and run it on the samples.

    ``layers`` are those found by an earlier call, which has prepared the model. ``output`` is where the file may be
    published: no external data may have a name that is taken there.

    Raises ParityGateError PG415 where nothing can be quantised, and what running a candidate raises.
    """

    function: ClassVar[str] = "paritygate.convert.quantize.tasks:run_quantized"
    crash_while_loading: ClassVar[str] = "PG301"

    quantiser: Quantiser
    bindings: Bindings
    destination: Path
    output: Path
    kept: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureCosts(Task[Mapping[str, float]]):
    """For each layer the outputs' signal-to-noise ratio, in dB, where it is the only one that is quantised.

    The least over all outputs, on the user's samples. Raises PG415.
    """

    function: ClassVar[str] = "paritygate.convert.quantize.tasks:measure_costs"

    quantiser: Quantiser
    layers: tuple[Layer, ...]
    bindings: Bindings
