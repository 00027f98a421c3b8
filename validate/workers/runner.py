"""Where a task runs: in a worker process, or right here for a live object."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from ..engines.registry import HEAVY, Format
from ..errors import ParityGateError
from .events import Event, EventWriter, Listener
from .parent import Limits, Worker
from .protocol import Request, call_task


class Runner(Protocol):
    """Something that runs one task: a worker process, or this process for a live object."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def call(self, task: str, arguments: dict[str, Any], on_event: Listener) -> Any:
        """Run a task and return its result."""


class InProcess:
    """Runs a task right here: a live object can't travel to another process unharmed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def call(self, task: str, arguments: dict[str, Any], on_event: Listener) -> Any:
        """Run a task and return its result; the limits of workers don't hold here."""
        return call_task(Request(task, arguments | {"on_event": on_event}))


class InWorker:
    """A :class:`.parent.Worker` whose events come back through a file."""

    def __init__(
        self, folder: Path, name: str, row: Format, limits: Limits, preload: tuple[str, ...], also: tuple[str, ...]
    ) -> None:
        self._events = EventWriter(folder / name)
        self._start = Event(f"start {row.title}")
        self._worker = Worker(folder, name, mask=masked(row, also), preload=preload, limits=limits)

    def __enter__(self) -> Self:
        self._worker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.__exit__(kind, error, trace)

    def call(self, task: str, arguments: dict[str, Any], on_event: Listener) -> Any:
        """Run a task in the child and return its result."""
        on_event(self._start)
        return self._worker.call(task, arguments | {"on_event": self._events}, on_event)


def masked(row: Format, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The heavy modules that a worker for this format must not import, unless it needs them for something else."""
    return tuple(name for name in HEAVY if name not in row.needs + row.may_use + also)


def runner_for(source: Any, row: Format, folder: Path, name: str, limits: Limits, also: tuple[str, ...] = ()) -> Runner:
    """A worker for whatever can be named by a path or factory, this process for a live object.

    ``also`` are heavy modules that it may import beside what its format needs.
    """
    if not isinstance(source, str | Path):
        return InProcess()
    preload = ("paritygate.validate.tasks.reference", *row.needs, row.engine)
    return InWorker(folder, name, row, limits, preload, also)


@contextmanager
def job_folder(keep: Path | None) -> Iterator[Path]:
    """A private folder for one job, removed at the end whatever happens; ``keep`` stays. Raises PG201."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="paritygate-") as name:
            yield Path(name)
        return
    if keep.exists() and any(keep.iterdir()):
        raise ParityGateError("PG201", str(keep), "the folder for --keep is not empty", "Name a new folder.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep
