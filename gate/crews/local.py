"""Who does the work: threads of this process, whose models run on warm workers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ...validate.events import Listener
from ...validate.workers.job_folder import temporary_folder
from ...validate.workers.launch import launching
from ...validate.workers.warm import Warm
from ..plan import Planned
from ..run import Crew
from ..work import Produced, perform


@contextmanager
def crew_for(executor: str, jobs: int, output: Path) -> Iterator[Crew]:
    """The crew that ``--executor`` names: "" for this machine. Raises ParityGateError as :mod:`.cluster` does."""
    if not executor:
        with local_crew(jobs) as crew:
            yield crew
        return
    from .cluster import Address, cluster_crew

    with cluster_crew(Address.parse(executor), output) as crew:
        yield crew


@contextmanager
def local_crew(jobs: int) -> Iterator[Crew]:
    """``jobs`` threads. Each framework is imported once, by a process that all workers for it are forked off."""
    with temporary_folder() as folder, Warm(folder) as warm, ThreadPoolExecutor(jobs) as executor:

        def stop() -> None:
            warm.stop()
            executor.shutdown(cancel_futures=True)

        yield Crew(executor, partial(_perform, warm), stop=stop, window=jobs + 1)


def _perform(warm: Warm, entry: Planned, folder: Path, on_event: Listener) -> Produced:
    with launching(warm):
        return perform(entry, folder, on_event)
