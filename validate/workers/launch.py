"""How a worker's process starts: a new Python by default, or a copy of one that has imported its framework already.

The process that starts is the same either way: one that supervises, and one that works (:mod:`.supervisor`).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """A process to start: what it may not and what it shall import, where it starts and logs, where it may write.

    ``writable`` is empty for the user's own code, which isn't confined; ``variables`` are its environment, among them
    those that the user ``passed`` by name. ``ahead`` is what a process that serves many workers imports as well.
    """

    mask: tuple[str, ...]
    preload: tuple[str, ...]
    folder: Path
    log: Path
    writable: tuple[Path, ...]
    variables: Mapping[str, str]
    passed: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()

    @property
    def imports(self) -> list[str]:
        """The arguments that say what to import."""
        return ["--mask", ",".join(self.mask), "--preload", ",".join(self.preload)]


class Process(Protocol):
    """What a parent needs of a started process; ``subprocess.Popen`` is one."""

    pid: int
    returncode: int | None
    stdin: IO[bytes] | None

    def poll(self) -> int | None:
        """The return code; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """The return code, when it has ended. Raises subprocess.TimeoutExpired."""

    def kill(self) -> None:
        """End it at once."""


class Launcher(Protocol):
    """Something that starts processes."""

    def start(self, order: Order) -> Process:
        """Start one; its standard input is a pipe."""


class Cold:
    """Starts a new Python for each worker."""

    def start(self, order: Order) -> Process:
        """Start ``python -P -m paritygate.validate.workers.child``."""
        command = [sys.executable, "-P", "-m", "paritygate.validate.workers.child", *order.imports]
        command += [part for path in order.writable for part in ("--writable", str(path))]
        with order.log.open("wb") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=order.folder,
                env=dict(order.variables),
                start_new_session=True,
                bufsize=0,
            )


_COLD: Launcher = Cold()
_LAUNCHER: ContextVar[Launcher] = ContextVar("launcher", default=_COLD)


def start(order: Order) -> Process:
    """Start a process as this context does it."""
    return _LAUNCHER.get().start(order)


@contextmanager
def launching(launcher: Launcher) -> Iterator[None]:
    """Let ``launcher`` start the processes of this context (of this thread)."""
    token = _LAUNCHER.set(launcher)
    try:
        yield
    finally:
        _LAUNCHER.reset(token)
