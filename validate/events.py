"""Progress: what a worker tells its parent while it works, one line a step in a file of the job folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Event:
    """A stage has begun (``total`` 0), or ``done`` of its ``total`` samples are done."""

    stage: str
    done: int = 0
    total: int = 0


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener for whoever doesn't want to be told."""


class EventWriter:
    """Appends events to a file; the worker's end. Picklable, so that it travels within a request."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "events.txt"

    def __call__(self, event: Event) -> None:
        """Append one event."""
        with self._file.open("a") as file:
            file.write(f"{event.done}\t{event.total}\t{event.stage}\n")


class EventReader:
    """Reads what was appended since the last look; the parent's end."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "events.txt"
        self._position = 0

    def forward(self, listener: Listener) -> None:
        """Pass every complete new line on."""
        if not self._file.is_file():
            return
        with self._file.open(errors="replace") as file:
            file.seek(self._position)
            while (line := file.readline()).endswith("\n"):
                self._position = file.tell()
                if event := _event(line.rstrip("\n")):
                    listener(event)


def _event(line: str) -> Event | None:
    """One line of the file; None for one that no writer of ours has written."""
    done, _, rest = line.partition("\t")
    total, _, stage = rest.partition("\t")
    return Event(stage, int(done), int(total)) if done.isdecimal() and total.isdecimal() else None
