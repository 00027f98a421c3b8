"""How a gate is watched on standard error: a live table on a terminal, a line per entry elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paritygate.validate.events import Event
from paritygate.validate.report.document import Entry, Status
from paritygate.validate.text import printable

if TYPE_CHECKING:
    from rich.table import Table

    from paritygate.gate.plan import Planned

_MARKS = {Status.PASS: "green", Status.FAIL: "red", Status.INCONCLUSIVE: "yellow", Status.ERROR: "red"}
_REFRESHES = 4
_OTHER_LINES = 6
"""Lines of the terminal that aren't rows: head, rules, the count, the prompt."""


@dataclass
class Row:
    """What is known of one entry while a gate runs. ``expected`` is what it took last, in seconds."""

    entry: Planned
    expected: float | None = None
    stage: str = ""
    began: float | None = None
    done: Entry | None = None

    @property
    def seconds(self) -> str:
        """The time it took; or has taken, and what is left if that is known."""
        if self.done is not None:
            return "cached" if self.done.cached else f"{self.done.seconds:.1f} s"
        if self.began is None:
            return ""
        passed = time.monotonic() - self.began
        left = "" if self.expected is None else f", about {max(0.0, self.expected - passed):.0f} s left"
        return f"{passed:.0f} s{left}"


@dataclass
class Watch:
    """Remembers what happens, for whoever shows it. Entries tell their stages from several threads."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    finished: list[Entry] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, plan: Sequence[Planned], expected: Mapping[tuple[str, str], float]) -> None:
        """What is going to be done."""
        self.rows = {(p.model, p.target): Row(p, expected.get((p.model, p.target))) for p in plan}

    def stage(self, entry: Planned, event: Event) -> None:
        """An entry has come to a stage."""
        row = self.rows[entry.model, entry.target]
        with self.lock:
            row.began = row.began or time.monotonic()
            row.stage = f"{event.stage} {event.done}/{event.total}" if event.total else event.stage

    def done(self, entry: Entry) -> None:
        """An entry is finished."""
        with self.lock:
            self.rows[entry.model, entry.target].done = entry
            self.finished.append(entry)

    def counts(self) -> str:
        """``12 of 30 done: 11 pass, 1 fail``."""
        counted = Counter(entry.status for entry in self.finished)
        said = ", ".join(f"{counted[status]} {status.value}" for status in Status if counted[status])
        return f"{len(self.finished)} of {len(self.rows)} done{': ' if said else ''}{said}"


class Lines(Watch):
    """Writes a line when an entry is finished."""

    def done(self, entry: Entry) -> None:
        """An entry is finished."""
        super().done(entry)
        took = "cached" if entry.cached else f"{entry.seconds:.1f} s"
        number = f"[{len(self.finished)}/{len(self.rows)}]"
        said = f"paritygate: {number} {entry.status.value} {entry.model} -> {entry.target} ({took})"
        print(printable(said), file=sys.stderr, flush=True)


@contextmanager
def watching(*, silent: bool) -> Iterator[Watch]:
    """What is told to a gate."""
    if silent:
        yield Watch()
    elif sys.stderr.isatty():
        with _live() as watch:
            yield watch
    else:
        yield Lines()


@contextmanager
def _live() -> Iterator[Watch]:
    from rich.console import Console
    from rich.live import Live

    watch, console = Watch(), Console(stderr=True)

    def render() -> Table:
        return table_of(watch, console.height - _OTHER_LINES)

    with Live(get_renderable=render, console=console, refresh_per_second=_REFRESHES, transient=True):
        yield watch


def table_of(watch: Watch, most: int) -> Table:
    """A row per model and target: those that run, then those that didn't pass, then the others, as many as fit."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, caption=watch.counts(), caption_justify="left")
    for name in ("model", "target", "stage", "verdict", "time"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    with watch.lock:
        shown = sorted(watch.rows.values(), key=_urgency)[: max(1, most)]
        order = {id(row): number for number, row in enumerate(watch.rows.values())}
        for row in sorted(shown, key=lambda row: order[id(row)]):
            status = row.done.status if row.done else None
            verdict = Text(status.value if status else "", style=_MARKS[status] if status else "")
            stage = "" if row.done else row.stage
            texts = (row.entry.model, row.entry.target, stage)
            table.add_row(*(Text(printable(text)) for text in texts), verdict, row.seconds)
    return table


def _urgency(row: Row) -> int:
    """0 for what runs, then what didn't pass, what waits, and what passed."""
    if row.done is None:
        return 0 if row.began is not None else 2
    return 3 if row.done.status is Status.PASS else 1
