"""What the death of a worker says about the model that it worked on: the stage that it was in tells."""

from __future__ import annotations

import signal

from ..errors import ParityGateError
from ..events import Event, Listener

LOADING, RUNNING = "load ", "run samples"
"""How the stages begin in which a model is opened and run (see :mod:`paritygate.validate.tasks`)."""

_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
"""Signals that native code ends itself by. Any other one came from outside."""


class LastStage:
    """A listener that remembers the last event on its way to another listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.event = Event("")

    def __call__(self, event: Event) -> None:
        """Remember the event and pass it on."""
        self.event = event
        self._listener(event)


def crash_of_model(status: int, last: Event, loading_code: str) -> ParityGateError | None:
    """The error for a worker that native code ended, by its return code; None if the model isn't known to be the cause.

    A crash while the model is opened is damage of its file: ``loading_code``. A crash in a sample is PG303.
    """
    if -status not in _CRASHES:
        return None
    how = signal.Signals(-status).name
    if last.stage.startswith(LOADING):
        return ParityGateError(
            loading_code,
            last.stage.removeprefix(LOADING),
            f"the file is damaged: the library that reads it crashed ({how})",
            "Save the model again. The crash was in a process of its own; nothing else was affected.",
        )
    if last.stage == RUNNING and last.done < last.total:
        return ParityGateError(
            "PG303",
            f"sample {last.done}",
            f"the library that runs the model crashed ({how}) on sample {last.done} of {last.total}, counted from 0",
            "The model or the sample is damaged: try other samples, or save the model again.",
        )
    return None
