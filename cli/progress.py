"""Progress on standard error: live on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paritygate.validate.events import Event, Listener, ignore
from paritygate.validate.text import printable

from . import interrupt


@contextmanager
def progress(*, silent: bool) -> Iterator[Listener]:
    """A listener for the run's events."""
    if silent:
        yield _checked(ignore)
    elif sys.stderr.isatty():
        with _live() as listener:
            yield _checked(listener)
    else:
        yield _checked(_plain(lambda line: print(line, file=sys.stderr, flush=True)))


def _checked(listener: Listener) -> Listener:
    """No stage begins after an interrupt."""

    def listen(event: Event) -> None:
        interrupt.check()
        listener(event)

    return listen


def _plain(write: Callable[[str], None]) -> Listener:
    """A line when a stage begins; samples are counted only when the last one is done."""
    seen: set[str] = set()

    def listen(event: Event) -> None:
        stage = printable(event.stage)
        if event.total and event.done == event.total:
            write(f"paritygate: {stage} ({event.total})")
        elif not event.total and stage not in seen:
            seen.add(stage)
            write(f"paritygate: {stage}")

    return listen


@contextmanager
def _live() -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[counted]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("start", total=None, counted="")

        def listen(event: Event) -> None:
            bars.tasks[task].total = event.total or None  # update() would take None for "as before"
            counted = f"{event.done}/{event.total}" if event.total else ""
            bars.update(task, description=printable(event.stage), completed=event.done, counted=counted)

        yield listen
