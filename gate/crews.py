"""Who does the work: threads of this process, whose models run on warm workers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..validate.events import Listener
from ..validate.workers.job_folder import temporary_folder
from ..validate.workers.launch import launching
from ..validate.workers.warm import Warm
from .plan import Planned
from .run import Crew
from .work import Produced, perform


@contextmanager
def local_crew(jobs: int) -> Iterator[Crew]:
    """``jobs`` threads. Each framework is imported once, by a process that all workers for it are forked off."""
    with temporary_folder() as folder, Warm(folder) as warm, ThreadPoolExecutor(jobs) as executor:
        yield Crew(executor, partial(_perform, warm), stop=warm.stop)


def _perform(warm: Warm, entry: Planned, folder: Path, on_event: Listener) -> Produced:
    with launching(warm):
        return perform(entry, folder, on_event)
