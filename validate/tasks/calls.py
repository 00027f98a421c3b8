"""The calls of workers, one frozen dataclass each. Light: the parent imports this before its workers start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ..engines.handle import ModelHandle
from ..noise.request import Measurements
from ..options import InputLimits, SampleOptions
from ..signature import Signature
from ..workers.job_folder import JobFolder
from ..workers.protocol import Task
from .types import Bindings, Inspection, ModelRun


@dataclass(frozen=True, slots=True)
class RunReference(Task[ModelRun]):
    """Make the samples, run the reference on them, and leave both in the job folder.

    ``comparing`` False leaves out the samples that serve a comparison alone: the outputs are the user's.
    ``condition`` measures, too, how far its outputs move when the last bit of its inputs changes.
    Raises what loading raises, PG2xx for samples that don't fit, PG406 when the model fails on a sample.
    """

    function: ClassVar[str] = "paritygate.validate.tasks.reference:run_reference_task"

    job: JobFolder
    model: ModelHandle
    samples: SampleOptions
    limits: InputLimits = field(default_factory=InputLimits)
    comparing: bool = field(default=True, kw_only=True)
    condition: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class RunCandidate(Task[ModelRun]):
    """Run the candidate on the samples in the job folder; with ``measurements`` measure its rounding noise.

    ``destination`` receives the outputs (None: the job's file for them). With ``reference``, the reference's signature,
    bindings are checked and completed (:func:`.binding.completed`); without it they are taken as they are.
    ``of_estimator`` says that the reference's vectors may be columns here, which is how skl2onnx writes them.

    Raises PG201 for a binding to what isn't there, PG301 when the candidate can't be opened, PG302 when it fails on a
    sample.
    """

    function: ClassVar[str] = "paritygate.validate.tasks.candidate:run_candidate"
    crash_while_loading: ClassVar[str] = "PG301"

    job: JobFolder
    model: ModelHandle
    bindings: Bindings
    measurements: Measurements | None = None
    destination: Path | None = None
    reference: Signature | None = field(default=None, kw_only=True)
    of_estimator: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class InspectModel(Task[Inspection]):
    """Open a model and describe it.

    Raises what loading raises.
    """

    function: ClassVar[str] = "paritygate.validate.tasks.reference:inspect_model"

    model: ModelHandle
