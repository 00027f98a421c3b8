"""The calls of the source's worker. Light: the parent imports this before its workers start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..validate.engines.handle import ModelHandle
from ..validate.errors import ParityGateError
from ..validate.options import InputLimits, SampleOptions
from ..validate.tasks.types import ModelRun
from ..validate.workers.job_folder import JobFolder
from ..validate.workers.protocol import Task
from .routes.base import Candidate, RouteOptions
from .routes.registry import Route


@dataclass(frozen=True, slots=True)
class Converted:
    """The first candidate that could be made, None without one, and its ``route``; ``failures`` are those before it.

    ``reference`` is the source's run, None where it was run before.
    """

    candidate: Candidate | None
    failures: tuple[tuple[Route, ParityGateError], ...]
    reference: ModelRun | None = None
    route: Route | None = None


@dataclass(frozen=True, slots=True)
class ConvertSource(Task[Converted]):
    """Convert the source by the first of ``routes`` that can, to a file of the name ``destination``.

    ``samples`` None says that the source has been run before, by an earlier call of the job; otherwise it is run first.
    ``condition``: see :class:`~paritygate.validate.tasks.calls.RunReference`.
    ``output`` is where the candidate will be published: no external data may have a name that is taken there.

    Raises what loading and running the source raise, and a route's errors that the user has to correct.
    """

    function: ClassVar[str] = "paritygate.convert.tasks:convert_source"

    job: JobFolder
    model: ModelHandle
    routes: tuple[Route, ...]
    options: RouteOptions
    destination: Path
    output: Path
    limits: InputLimits
    samples: SampleOptions | None
    condition: bool = True
