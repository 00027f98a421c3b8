"""Parent side of the isolation: start a worker, give it a task, wait, and report how it ended."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import ParityGateError
from ..events import EventReader, EventWriter, Listener
from ..files.output import check_space
from ..files.replace import remove
from ..limits import Limits
from .crash import LastStage, crash_of_model
from .environment import worker_environment
from .launch import Order, start
from .protocol import REPLY, REQUEST, Request, Task, read_reply

Result = TypeVar("Result")

_POLL_SECONDS = 0.1
"""Between two looks at a worker's memory, which read all of /proc: at 0.02 s they took a tenth of the CPU."""

_LOG_LINES = 12
_END_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a worker may reach: the folders that it may write to (none: all), and further variables by name."""

    writable: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()


class Worker:
    """A child process that runs one task. Use as a context manager: leaving it ends the child, come what may.

    Starting is separate from calling, so that a worker can import its engine while another one works.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        mask: tuple[str, ...],
        preload: tuple[str, ...] = (),
        limits: Limits,
        confinement: Confinement = Confinement(),
        ahead: tuple[str, ...] = (),
    ) -> None:
        self._folder = folder.absolute() / name
        self._folder.mkdir()
        self._temporary = self._folder / "tmp"
        self._temporary.mkdir()
        self._name = name
        self._order = Order(
            mask,
            preload,
            self._folder,
            self.log,
            confinement.writable,
            worker_environment(os.environ, self._temporary, confinement.variables),
            confinement.variables,
            ahead,
        )
        self._limits = limits

    def __enter__(self) -> Self:
        self._process = start(self._order)
        self._deadline = None if self._limits.seconds is None else time.monotonic() + self._limits.seconds
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # which ends the supervisor, and it all the others
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode == -signal.SIGKILL:
            _kill_session(self._process.pid)
        remove(self._temporary)

    @property
    def log(self) -> Path:
        """Where the child's standard output and error go."""
        return self._folder / "log.txt"

    def call(self, task: Task[Result], on_event: Listener) -> Result:
        """Run one task and return its result.

        Raises the task's own ParityGateError; PG303 when the child dies or hits a bug, PG304 and PG305 at its limits;
        ``task.crash_while_loading`` when native code crashed while it opened the model.
        """
        request = Request(task, EventWriter(self._folder), str(Path.cwd()))
        (self._folder / REQUEST).write_bytes(pickle.dumps(request))
        self._send(f"{self._folder}\n")
        events, last = EventReader(self._folder), LastStage(on_event)
        while self._process.poll() is None:
            self._check_limits()
            events.forward(last)
            self._pause()
        events.forward(last)
        if not (self._folder / REPLY).is_file():
            status = self._process.wait()
            raise crash_of_model(status, last.event, task.crash_while_loading) or self._died(status)
        result: Result = self._result()
        return result

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(os.fsencode(line))
        except BrokenPipeError:
            self._process.wait()  # it died before it got its task; _result says how

    def _pause(self) -> None:
        try:
            self._process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return

    def _check_limits(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise ParityGateError(
                "PG304",
                self._name,
                f"not finished after {self._limits.seconds:g} s",
                "Raise --timeout (0: no limit).",
            )
        if self._limits.bytes is not None and _resident(self._process.pid) > self._limits.bytes:
            grown = f"grew beyond {self._limits.bytes / 2**20:.0f} MiB"
            raise ParityGateError("PG305", self._name, grown, "Raise --memory-limit (0: no limit).")

    def _result(self) -> Any:
        reply = read_reply(self._folder / REPLY)
        if reply.error is not None:
            raise reply.error from WorkerTracebackError(reply.bug)
        if reply.bug:
            last_line = reply.bug.strip().splitlines()[-1]
            raise ParityGateError(
                "PG303", self._name, f"unexpected error: {last_line}", "Run again with --debug and report it."
            ) from WorkerTracebackError(reply.bug)
        return reply.result

    def _died(self, status: int) -> ParityGateError:
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        check_space(self._folder)  # a full disk explains a worker that couldn't even say why
        lines = self.log.read_text(errors="replace").strip().splitlines()[-_LOG_LINES:]
        last = "\n    ".join(lines) or "(it printed nothing)"
        hint = "The system may have run out of memory." if status == -signal.SIGKILL else ""
        return ParityGateError("PG303", self._name, f"the worker was {how}; its last lines:\n    {last}", hint)


class WorkerTracebackError(Exception):
    """Carries a worker's traceback as text, so that ``--debug`` can show it."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _kill_session(session: int) -> None:
    """End what a worker has left whose supervisor was killed, which would have done it."""
    import psutil

    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session and pid != session:
                os.kill(pid, signal.SIGKILL)


def _resident(pid: int) -> int:
    """Resident bytes of what a supervisor has started, which itself holds nothing; 0 when it has just ended."""
    import psutil

    try:
        return sum(p.memory_info().rss for p in psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return 0
