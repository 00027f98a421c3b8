"""Questions from one worker to another, as files of a folder that both know: ``0.ask.npz``, ``0.told.npz``, ...

The frameworks of two models can't share a process, and a search must ask both, again and again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ParityGateError
from ..samples import load_outputs, save_outputs

if TYPE_CHECKING:
    from ..signature import Array, Feed

    Outputs = list[dict[str, Array]]

_CLOSED = "closed"
_POLL_SECONDS = 0.002


class ClosedError(Exception):
    """Nobody answers any more."""


def close(folder: Path) -> None:
    """End the conversation: whoever waits for a question or an answer stops."""
    (folder / _CLOSED).touch()


class Asker:
    """Asks for outputs, one question at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked = 0

    def __call__(self, feeds: Sequence[Feed]) -> Outputs | None:
        """The other model's outputs; None where it fails on one of the feeds. Raises ClosedError."""
        question, answer = (self._folder / f"{self._asked}.{kind}.npz" for kind in ("ask", "told"))
        self._asked += 1
        _write(feeds, question)
        _wait_for(answer, self._folder)
        outputs = load_outputs(answer)
        answer.unlink()
        return outputs or None


def answer_all(folder: Path, run: Callable[[Sequence[Feed]], Outputs]) -> int:
    """Answer every question with what ``run`` makes of the feeds, until the folder is closed; how many there were."""
    answered = 0
    while True:
        question = folder / f"{answered}.ask.npz"
        try:
            _wait_for(question, folder)
        except ClosedError:
            return answered
        feeds = load_outputs(question)
        question.unlink()
        try:
            outputs = run(feeds)
        except ParityGateError:
            outputs = []  # a feed that a search made up may well be one that the model refuses
        _write(outputs, folder / f"{answered}.told.npz")
        answered += 1


def _write(runs: Sequence[Mapping[str, Array]], path: Path) -> None:
    partial = path.with_suffix(".partial")
    save_outputs(runs, partial)
    partial.rename(path)


def _wait_for(path: Path, folder: Path) -> None:
    while not path.is_file():
        if (folder / _CLOSED).exists():
            raise ClosedError
        time.sleep(_POLL_SECONDS)
