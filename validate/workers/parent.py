"""Parent side of the isolation: start a worker, give it a task, wait, and say what became of it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..errors import ParityGateError
from ..events import EventReader, EventWriter, Listener
from ..options import Limits
from .crash import LastStage, crash_of_model
from .protocol import REPLY, REQUEST, Reply, Request, Task

Result = TypeVar("Result")

_POLL_SECONDS = 0.02
_LOG_LINES = 12


class Worker:
    """A child process that runs one task. Use as a context manager: leaving it ends the child, come what may.

    Starting is separate from calling, so that a worker can import its engine while another one works.
    """

    def __init__(
        self, folder: Path, name: str, *, mask: tuple[str, ...], preload: tuple[str, ...] = (), limits: Limits
    ) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self._name = name
        self._command = [sys.executable, "-m", "paritygate.validate.workers.child"]
        self._command += ["--mask", ",".join(mask), "--preload", ",".join(preload)]
        self._limits = limits

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"TF_CPP_MIN_LOG_LEVEL": "3"} | os.environ,
                start_new_session=True,
            )
        self._deadline = None if self._limits.seconds is None else time.monotonic() + self._limits.seconds
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    @property
    def log(self) -> Path:
        """Where the child's standard output and error go."""
        return self._folder / "log.txt"

    def call(self, task: Task[Result], on_event: Listener) -> Result:
        """Run one task and return its result.

        Raises the task's own ParityGateError; PG303 when the child dies or hits a bug, PG304 and PG305 at its limits;
        ``task.crash_while_loading`` when native code crashed while it opened the model.
        """
        (self._folder / REQUEST).write_bytes(pickle.dumps(Request(task, EventWriter(self._folder))))
        self._send(f"{self._folder}\n")
        events, last = EventReader(self._folder), LastStage(on_event)
        while self._process.poll() is None:
            self._check_limits()
            events.forward(last)
            self._pause()
        events.forward(last)
        if not (self._folder / REPLY).is_file():
            raise crash_of_model(self._process.returncode, last.event, task.crash_while_loading) or self._died()
        result: Result = self._result()
        return result

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.wait()  # it died before it was asked; _result says how

    def _pause(self) -> None:
        try:
            self._process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return

    def _check_limits(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise ParityGateError(
                "PG304", self._name, f"not finished after {self._limits.seconds:g} s", "Raise --timeout."
            )
        if self._limits.bytes is not None and _resident(self._process.pid) > self._limits.bytes:
            raise ParityGateError(
                "PG305", self._name, f"grew beyond {self._limits.bytes / 2**20:.0f} MiB", "Raise --memory-limit."
            )

    def _result(self) -> Any:
        reply: Reply = pickle.loads((self._folder / REPLY).read_bytes())
        if reply.error is not None:
            raise reply.error from WorkerTracebackError(reply.bug)
        if reply.bug:
            last_line = reply.bug.strip().splitlines()[-1]
            raise ParityGateError(
                "PG303", self._name, f"unexpected error: {last_line}", "Run again with --debug and report it."
            ) from WorkerTracebackError(reply.bug)
        return reply.result

    def _died(self) -> ParityGateError:
        status = self._process.returncode
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        lines = self.log.read_text(errors="replace").strip().splitlines()[-_LOG_LINES:]
        last = "\n    ".join(lines) or "(it printed nothing)"
        hint = "The system may have run out of memory." if status == -signal.SIGKILL else ""
        return ParityGateError("PG303", self._name, f"the worker was {how}; its last lines:\n    {last}", hint)


class WorkerTracebackError(Exception):
    """Carries a worker's traceback as text, so that ``--debug`` can show it."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _resident(pid: int) -> int:
    """Resident bytes of a process and its children; 0 when it has just ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0
