"""Kill ``publish`` before every line of the modules that touch files: a fork each, so that thousands take a minute."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from paritygate.cli import interrupt
from paritygate.convert import export
from paritygate.convert.export import check_output, publish
from paritygate.convert.targets import ONNX_MODEL, TARGETS, Target
from paritygate.validate.files import journal, leftovers, marks, output, replace

from .models import KINDS, State, candidate, empty, state_of
from .outcome import Kill

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TRACED = frozenset(str(module.__file__) for module in (export, journal, leftovers, marks, output, replace, shutil))
_DONE = 99


def target_of(kind: str) -> Target:
    """What OUTPUT of this kind is."""
    return ONNX_MODEL if kind != "mlpackage" else next(target for target in TARGETS if target.marker)


def kills_at_lines(
    folder: Path,
    stride: int = 1,
    kinds: Collection[str] = KINDS,
    signals: Collection[int] = SIGNALS,
    traced: Collection[str] = TRACED,
) -> Iterator[Kill]:
    """Every kind and signal, before every ``stride``-th line that is run in the files ``traced``."""
    for kind in kinds:
        for number in map(signal.Signals, signals):
            line, ended = 1, False
            while not ended:
                place = empty(folder) / "out" / KINDS[kind]
                kill, ended = _kill_at(place, kind, number, line, traced)
                if not ended:
                    yield kill
                line += stride


def _kill_at(place: Path, kind: str, number: signal.Signals, line: int, traced: Collection[str]) -> tuple[Kill, bool]:
    """One kill; and whether ``publish`` was through before that line."""
    place.parent.mkdir()
    jobs = place.parent.parent / "jobs"
    publish(candidate(jobs / "old", kind, 2, place), place)
    old = state_of(place)
    new = candidate(jobs / "new", kind, 3, place)
    status = _in_fork(lambda: _published(new, place, _killer(number, line, traced)))
    killed = state_of(place)
    again = _in_fork(lambda: _again(jobs, kind, place))
    return Kill(
        kind,
        f"line, {number.name}",
        where=str(line),
        output="old" if killed == old else _named(killed.content, old),
        left=state_of(place).beside if os.waitstatus_to_exitcode(again) == _DONE else ("the next run failed",),
    ), os.waitstatus_to_exitcode(status) == _DONE


def _named(content: str | None, old: State) -> str:
    if content is None:
        return "missing"
    return "old" if content == old.content else "new"


def _published(new: Path, place: Path, tracer: Callable[..., Any]) -> None:
    interrupt.install()
    sys.settrace(tracer)
    publish(new, place)
    sys.settrace(None)


def _again(jobs: Path, kind: str, place: Path) -> None:
    """The next run: it looks at OUTPUT as every run does, and writes a third model."""
    check_output(place, target_of(kind))
    publish(candidate(jobs / "third", kind, 4, place), place)


def _killer(number: signal.Signals, line: int, traced: Collection[str]) -> Callable[..., Any]:
    seen = 0

    def local(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        nonlocal seen
        seen += event == "line"
        if event == "line" and seen == line:
            os.kill(os.getpid(), number)
        return local

    def enter(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        return local if frame.f_code.co_filename in traced else None

    return enter


def _in_fork(work: Callable[[], None]) -> int:
    """Do the work in a child of this process and return how that ended."""
    child = os.fork()
    if not child:
        status = _DONE
        try:
            work()
        except SystemExit:
            status = 1
        except BaseException:  # noqa: BLE001  # nothing may leave the fork
            traceback.print_exc()
            status = 2
        os._exit(status)
    return os.waitpid(child, 0)[1]
