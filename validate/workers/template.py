"""The process that warm workers are forked off: it imports a framework once, and never opens a model.

``python -P -m paritygate.validate.workers.template --mask torch,keras --preload numpy`` has a socket as its standard
input. A message there is one line of JSON with three file descriptors: the new worker's standard input, its log, and
a pipe that gets two lines, the worker's process number and, when it has ended, its return code. When the socket
closes, this process ends; its workers end with their own standard input.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from .child import await_order, import_all, parse_arguments
from .kernel import confine, limit_resources
from .supervisor import fork_worker

_BLOCK = 1 << 16
_DESCRIPTORS = 3


def main() -> None:
    """Entry point: import, then fork a worker for each message."""
    options = parse_arguments()
    limit_resources()
    import_all(options)
    gc.collect()
    gc.freeze()  # a collection in a worker would copy every page that holds an object
    _serve(socket.socket(fileno=os.dup(0)))


def _serve(orders: socket.socket) -> None:
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    statuses: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([orders.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, _BLOCK)
            _report(statuses)
        if orders.fileno() in ready:
            message, descriptors = _received(orders)
            if not message:
                return
            _fork(json.loads(message), descriptors, statuses, (orders.fileno(), woken, wake))


def _received(orders: socket.socket) -> tuple[bytes, list[int]]:
    """A whole line and its descriptors; nothing when the other side has closed."""
    message, descriptors, _, _ = socket.recv_fds(orders, _BLOCK, _DESCRIPTORS)
    while message and not message.endswith(b"\n"):
        more = orders.recv(_BLOCK)
        if not more:
            return b"", descriptors
        message += more
    return message, descriptors


def _fork(order: dict[str, Any], descriptors: list[int], statuses: dict[int, int], own: tuple[int, ...]) -> None:
    """Fork a worker, say which it is, and remember where its return code goes."""
    stdin, log, status = descriptors
    worker = os.fork()
    if not worker:
        try:
            for number in (*own, status, *statuses.values()):
                os.close(number)
            _become_worker(order, stdin, log)
        except BaseException:  # noqa: BLE001  # its job may be gone: the log says so, if that is there still
            traceback.print_exc()
        finally:
            os._exit(1)  # an orderly end waits for threads of the libraries, which a fork doesn't have
    os.close(stdin)
    os.close(log)
    statuses[worker] = status
    _write(status, f"{worker}\n")


def _become_worker(order: dict[str, Any], stdin: int, log: int) -> NoReturn:
    """In the new process: what a new Python would have been started with, then the same work."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, target in ((stdin, 0), (log, 1), (log, 2)):
        os.dup2(number, target)
    os.close(stdin)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["variables"])
    tempfile.tempdir = None  # which it has looked up for the template
    os.chdir(order["folder"])
    fork_worker()
    _check_alone()
    confine([Path(folder) for folder in order["writable"]])
    await_order()


def _check_alone() -> None:
    """End where a library has started a thread in the new process: the kernel would not confine that one."""
    threads = Path("/proc/self/task")
    if threads.is_dir() and len(list(threads.iterdir())) > 1:
        print("a library has started a thread before this process was confined", flush=True)
        os._exit(1)


def _report(statuses: dict[int, int]) -> None:
    """Pass on the return codes of workers that have ended."""
    while True:
        try:
            worker, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not worker:
            return
        pipe = statuses.pop(worker)
        _write(pipe, f"{os.waitstatus_to_exitcode(status)}\n")
        os.close(pipe)


def _write(pipe: int, line: str) -> None:
    try:
        os.write(pipe, line.encode())
    except BrokenPipeError:
        return  # nobody wants to know any longer


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        main()
    except Exception:  # noqa: BLE001  # for the log: who waits for a worker is told that the template has ended
        traceback.print_exc()
    finally:
        os._exit(0)  # frameworks take seconds to tear down
