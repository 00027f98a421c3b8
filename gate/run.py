"""The gate's straight line: work on each entry of a plan, export what was proved, an entry of the document for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ..validate.errors import ParityGateError
from ..validate.events import Event, Listener, ignore
from ..validate.files.replace import remove
from ..validate.report.document import Entry, Failure
from ..validate.report.environment import sha256_of
from ..validate.workers.job_folder import temporary_folder
from .cache.memory import Memory
from .plan import Planned
from .work import Produced, Work, perform


class Watcher(Protocol):
    """Is told what happens: the live table, lines, or nothing."""

    def start(self, plan: Sequence[Planned], expected: Mapping[tuple[str, str], float]) -> None:
        """What is going to be done, and the seconds that a model and target took last, where that is known."""

    def stage(self, entry: Planned, event: Event) -> None:
        """An entry has come to a stage. May be called by several threads."""

    def done(self, entry: Entry) -> None:
        """An entry is finished, its file exported."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works: an executor, and the function that it runs. ``stop`` ends at once what is running, and what waits.

    ``listens`` says that its workers are threads of this process, which can tell how far they are. ``window`` entries
    are given to it ahead. ``staging`` is where proved files wait for their export, None for a temporary folder.
    """

    executor: Executor
    work: Work = perform
    listens: bool = True
    stop: Callable[[], None] = lambda: None
    window: int = 2
    staging: Path | None = None


def run_gate(plan: Sequence[Planned], crew: Crew, memory: Memory, watcher: Watcher) -> tuple[Entry, ...]:
    """Do all the work of a plan; the entries in its order. Whatever fails becomes an entry, and stops no other one.

    Files are exported by this process alone, when the work on them is done. When this is interrupted, what has been
    exported is complete, and nothing else is.
    """
    found: dict[int, Entry] = {}
    watcher.start(plan, memory.expected(plan))
    with _staging(crew.staging) as folder:
        try:
            for number, produced in _all_produced(plan, crew, memory, watcher, folder):
                found[number] = _finished(plan[number], produced)
                watcher.done(found[number])
        except BaseException:
            crew.stop()
            raise
    return tuple(found[number] for number in range(len(plan)))


@contextmanager
def _staging(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        with temporary_folder() as temporary:
            yield temporary
        return
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove(folder)


def _all_produced(
    plan: Sequence[Planned], crew: Crew, memory: Memory, watcher: Watcher, folder: Path
) -> Iterator[tuple[int, Produced]]:
    """What each entry's work came to, by its number, as it is known or done. A few are given to the executor ahead."""
    futures: dict[Future[Produced], int] = {}
    for number, planned in enumerate(plan):
        place = folder / str(number)
        known = memory.recall(planned, place)
        if known is not None:
            yield number, known
            continue
        while len(futures) >= crew.window:
            yield from _done(futures, plan, memory)
        futures[_submitted(crew, planned, place, watcher)] = number
    while futures:
        yield from _done(futures, plan, memory)


def _done(
    futures: dict[Future[Produced], int], plan: Sequence[Planned], memory: Memory
) -> Iterator[tuple[int, Produced]]:
    """Wait until some are done, and take them off the list."""
    for future in wait(futures, return_when=FIRST_COMPLETED).done:
        number = futures.pop(future)
        produced = _produced(plan[number], future)
        _remember(memory, plan[number], produced)
        yield number, produced


def _submitted(crew: Crew, planned: Planned, folder: Path, watcher: Watcher) -> Future[Produced]:
    listener: Listener = partial(watcher.stage, planned) if crew.listens else ignore
    try:
        return crew.executor.submit(crew.work, planned, folder, listener)
    except (OSError, RuntimeError) as error:  # a file that can't be sent, an executor that was shut down elsewhere
        refused: Future[Produced] = Future()
        refused.set_exception(error)
        return refused


def _remember(memory: Memory, planned: Planned, produced: Produced) -> None:
    """A cache that can't be written to is a pity, and nothing more."""
    try:
        memory.remember(planned, produced)
    except OSError as error:
        print(f"paritygate: not cached: {error}", file=sys.stderr)


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
        except OSError as refused:
            error = Failure("PG205", str(planned.output), f"it can't be written: {refused}")
    report = produced.report if error is None else None
    return Entry(planned.model, planned.target, report, error, written, produced.cached, produced.seconds)


def export(planned: Planned, produced: Produced) -> str:
    """Bring a proved file to its place, whole or not at all. Returns the place. Raises ParityGateError PG205.

    A file from the cache that is there already, byte for byte, isn't written again.
    """
    assert produced.artifact is not None
    if not (produced.cached and _is_there(produced.artifact, planned.output)):
        _publish(planned, produced, produced.artifact)
    return str(planned.output)


def _publish(planned: Planned, produced: Produced, artifact: Path) -> None:
    from ..convert.export import check_output, publish, use_free_data_name
    from ..convert.targets import choose_target

    planned.output.parent.mkdir(parents=True, exist_ok=True)
    check_output(planned.output, choose_target(planned.output, planned.options.target.to), produced.inputs)
    use_free_data_name(artifact, planned.output)
    publish(artifact, planned.output, spare=produced.inputs)


def _is_there(artifact: Path, output: Path) -> bool:
    """Whether ``output`` is the same file or package. With external data beside it, it is written again."""
    if output.is_symlink() or output.is_dir() != artifact.is_dir() or not output.exists():
        return False
    return len(list(artifact.parent.iterdir())) == 1 and sha256_of(output) == sha256_of(artifact)
