"""Workers that needn't import their framework: each is forked off a process that has, and that runs nothing else.

That process (:mod:`.template`) never opens a model, so that no model can change what the next one finds: a worker is
new, confined to its own job's folder, and gone after its task, as one that was started cold. The user's own code, and
workers with variables of the user's, are started cold.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ..errors import ParityGateError
from .environment import worker_environment
from .launch import Cold, Order, Process

_END_SECONDS = 5.0
_START_SECONDS = 120.0
"""How long a template may take to import its framework and fork a worker: then the worker starts cold."""


class WarmProcess:
    """A process that a template has forked off; its number and its return code come through a pipe."""

    def __init__(self, status: IO[bytes], stdin: IO[bytes]) -> None:
        self._status = status
        self.stdin: IO[bytes] | None = stdin
        self.returncode: int | None = None
        if not select.select([status], [], [], _START_SECONDS)[0]:
            raise EOFError("the template doesn't answer")
        self.pid = self._number()

    def _number(self) -> int:
        """The next line of the pipe. Raises EOFError when the template has ended."""
        line = self._status.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the template has ended")
        return int(line)

    def poll(self) -> int | None:
        """The return code; None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """The return code, when it has ended. Raises subprocess.TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return code

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            try:
                self.returncode = self._number()
            except EOFError:  # the template was killed, and its workers with it
                self.returncode = -signal.SIGKILL
            self._status.close()
        return self.returncode


class Template:
    """A process with a framework imported, and the socket that it takes orders from."""

    def __init__(self, order: Order, folder: Path) -> None:
        imports = replace(order, preload=(*order.preload, *order.ahead)).imports
        command = [sys.executable, "-P", "-m", "paritygate.validate.workers.template", *imports]
        self._orders, theirs = socket.socketpair()
        with theirs, (folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=worker_environment(os.environ, folder),
                start_new_session=True,
            )
        self._lock = threading.Lock()

    def fork(self, order: Order) -> Process:
        """A new worker. Raises OSError or EOFError when the template has ended."""
        stdin, ours = os.pipe()
        status, theirs = os.pipe()
        content = {
            "variables": dict(order.variables),
            "folder": str(order.folder),
            "writable": list(map(str, order.writable)),
        }
        with self._lock, order.log.open("wb") as log:
            pipes = os.fdopen(status, "rb", buffering=0), os.fdopen(ours, "wb", buffering=0)
            try:
                message = json.dumps(content).encode() + b"\n"
                sent = socket.send_fds(self._orders, [message], [stdin, log.fileno(), theirs])
                self._orders.sendall(message[sent:])
            finally:
                os.close(stdin)
                os.close(theirs)
            return WarmProcess(*pipes)

    def close(self) -> None:
        """End it. Its workers end by themselves."""
        self._orders.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Warm:
    """Starts workers off templates, one for each set of imports. Threads may share it. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[tuple[str, ...], Template] = {}
        self._running: set[Process] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for template in self._templates.values():
            template.close()

    def start(self, order: Order) -> Process:
        """Start a worker. Raises ParityGateError PG340 after :meth:`stop`."""
        process = self._forked(order) if order.writable and not order.passed else Cold().start(order)
        with self._lock:
            self._running = {each for each in self._running if each.poll() is None} | {process}
        if self._stopped:
            process.kill()
            raise ParityGateError("PG340", "gate", "it was interrupted")
        return process

    def stop(self) -> None:
        """End all workers at once, and start no other."""
        self._stopped = True
        with self._lock:
            for process in self._running:
                process.kill()

    def _forked(self, order: Order) -> Process:
        """From the template for these imports, which is renewed once if it has died; else cold."""
        failed = None
        for _ in range(2):
            template = self._template(order, failed)
            try:
                return template.fork(order)
            except (OSError, EOFError):
                failed = template
        return Cold().start(order)

    def _template(self, order: Order, failed: Template | None) -> Template:
        """The one that serves these imports; a new one in the place of one that failed, or where there is none."""
        key = (*order.imports, *order.ahead)
        with self._lock:
            template = self._templates.get(key)
            if template is None or template is failed:
                if template is not None:
                    template.close()
                folder = self._folder / f"template{len(self._templates)}"
                folder.mkdir(exist_ok=True)
                template = self._templates[key] = Template(order, folder)
            return template
