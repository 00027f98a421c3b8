"""The gate's straight line: work on each entry of a plan, export what was proved, an entry of the document for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ..validate.errors import ParityGateError
from ..validate.events import Event, Listener, ignore
from ..validate.report.document import Entry, Failure
from ..validate.workers.job_folder import temporary_folder
from .plan import Planned
from .work import Produced, Work, perform


class Watcher(Protocol):
    """Is told what happens: the live table, lines, or nothing."""

    def stage(self, entry: Planned, event: Event) -> None:
        """An entry has come to a stage. May be called by several threads."""

    def done(self, entry: Entry) -> None:
        """An entry is finished, its file exported."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works: an executor, and the function that it runs. ``stop`` ends at once what is running.

    ``listens`` says that its workers are threads of this process, which can tell how far they are.
    """

    executor: Executor
    work: Work = perform
    listens: bool = True
    stop: Callable[[], None] = lambda: None


def run_gate(plan: Sequence[Planned], crew: Crew, watcher: Watcher) -> tuple[Entry, ...]:
    """Do all the work of a plan; the entries in its order. Whatever fails becomes an entry, and stops no other one.

    Files are exported by this process alone, when the work on them is done. When this is interrupted, what has been
    exported is complete, and nothing else is.
    """
    found: dict[int, Entry] = {}
    with temporary_folder() as folder:
        futures = {_submitted(crew, planned, folder / str(n), watcher): n for n, planned in enumerate(plan)}
        try:
            for future in as_completed(futures):
                number = futures[future]
                found[number] = _finished(plan[number], _produced(plan[number], future))
                watcher.done(found[number])
        except BaseException:
            crew.stop()
            crew.executor.shutdown(cancel_futures=True)
            raise
    return tuple(found[number] for number in range(len(plan)))


def _submitted(crew: Crew, planned: Planned, folder: Path, watcher: Watcher) -> Future[Produced]:
    listener: Listener = partial(watcher.stage, planned) if crew.listens else ignore
    return crew.executor.submit(crew.work, planned, folder, listener)


def _produced(planned: Planned, future: Future[Produced]) -> Produced:
    """What the work came to; a worker that was lost is an entry's error as well."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001  # whatever an executor raises: it must not stop the other entries
        return Produced(error=Failure("PG341", planned.model, f"the executor lost it: {error}", "Run the gate again."))


def _finished(planned: Planned, produced: Produced) -> Entry:
    """The entry, its file exported if there is one."""
    written, error = "", produced.error
    if produced.artifact is not None:
        try:
            written = export(planned, produced)
        except ParityGateError as refused:
            error = Failure.of(refused)
    report = produced.report if error is None else None
    return Entry(planned.model, planned.target, report, error, written, seconds=produced.seconds)


def export(planned: Planned, produced: Produced) -> str:
    """Bring a proved file to its place, whole or not at all. Returns the place. Raises ParityGateError PG205."""
    from ..convert.export import publish

    assert produced.artifact is not None
    publish(produced.artifact, planned.output, spare=produced.inputs)
    return str(planned.output)
