"""Where a task runs: in a worker process, or in this process for a live object."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from ..engines.handle import ModelHandle
from ..engines.libraries import HEAVY
from ..engines.registry import TORCH_FACTORY, RuntimeEntry
from ..events import Event, Listener
from ..limits import Limits
from .job_folder import JobFolder
from .parent import Confinement, Worker
from .protocol import Task

Result = TypeVar("Result")

_TASKS = ("paritygate.validate.tasks.reference", "paritygate.validate.tasks.candidate")


class Runner(Protocol):
    """Something that runs one task: a worker process, or this process for a live object."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def call(self, task: Task[Result], on_event: Listener) -> Result:
        """Run a task and return its result."""


class InProcess:
    """Runs a task in this process: a live object can't travel to another process unharmed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def call(self, task: Task[Result], on_event: Listener) -> Result:
        """Run a task and return its result; the limits of workers don't apply."""
        return task.run(on_event)


class InWorker:
    """A :class:`.parent.Worker` that says which runtime it starts."""

    def __init__(self, worker: Worker, runtime: RuntimeEntry) -> None:
        self._worker = worker
        self._start = Event(f"start {runtime.title}")

    def __enter__(self) -> Self:
        self._worker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.__exit__(kind, error, trace)

    def call(self, task: Task[Result], on_event: Listener) -> Result:
        """Run a task in the child and return its result."""
        on_event(self._start)
        return self._worker.call(task, on_event)


def masked(runtime: RuntimeEntry, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The heavy modules that a worker for this runtime must not import, unless it needs them for something else."""
    return tuple(name for name in HEAVY if name not in runtime.needs + runtime.may_use + also)


def runner_for(
    model: ModelHandle,
    job: JobFolder,
    name: str,
    limits: Limits,
    also: tuple[str, ...] = (),
    *,
    variables: tuple[str, ...] = (),
    writable: tuple[Path, ...] = (),
) -> Runner:
    """A worker for whatever can be named by a path or factory, this process for a live object.

    ``also`` are heavy modules that it may import in addition to what its runtime needs, ``variables`` those of the
    environment that it gets in addition to the usual ones, ``writable`` folders that it may write to, as the job's.
    """
    if model.live:
        return InProcess()
    runtime = model.runtime
    preload = (*_TASKS, *runtime.needs, runtime.engine)
    confinement = Confinement(() if _is_users_code(model) else (job.path.absolute(), *writable), variables)
    mask = masked(runtime, also)
    ahead = tuple(module for module in runtime.ahead if module not in mask)
    worker = Worker(job.path, name, mask=mask, preload=preload, limits=limits, confinement=confinement, ahead=ahead)
    return InWorker(worker, runtime)


def _is_users_code(model: ModelHandle) -> bool:
    """Whether the user has named code or called a file trusted: that may write where the user may."""
    return model.format is TORCH_FACTORY or model.load.trust
