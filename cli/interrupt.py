"""SIGINT and SIGTERM end a run, also where the exception that they raise is swallowed on its way."""

from __future__ import annotations

import signal
from types import FrameType

_received: list[int] = []


class Interrupted(SystemExit):
    """A signal has come; the exit status is 128 and its number, as a shell has it."""


def install() -> None:
    """Let both signals raise, so that worker processes and job folders are cleaned up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def check() -> None:
    """Raise again if a signal came and somebody (an import, a callback) swallowed what it raised."""
    if _received:
        raise Interrupted(128 + _received[0])


def _stop(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    raise Interrupted(128 + number)
