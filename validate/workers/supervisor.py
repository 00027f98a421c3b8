"""A worker is two processes: this module forks off the one that works, and the other one sees to it that all ends.

The supervisor does nothing but wait, so that it can end the worker whatever that is doing: when standard input ends,
because paritygate has ended in whatever way; when it is asked to by a signal; and when the worker ends, for the
processes that the worker has started. On Linux it becomes the parent of whatever the worker's processes leave behind,
and the kernel ends the worker if the supervisor itself is killed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from types import FrameType
from typing import NoReturn

from .kernel import become_subreaper, end_with_parent

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_BLOCK = 1 << 16


def fork_worker() -> None:
    """Return in the worker, whose standard input is what the supervisor receives; the supervisor never returns."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (*_ENDING, signal.SIGCHLD):
        signal.signal(number, _note)
    become_subreaper()
    orders, order = os.pipe()
    supervisor, worker = os.getpid(), os.fork()
    if worker:
        os.close(orders)
        end_with_parent(signal.SIGTERM)
        _supervise(worker, order, woken)
    signal.set_wakeup_fd(-1)
    for number in (*_ENDING, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    os.setpgid(0, 0)
    os.dup2(orders, 0)
    for pipe in (orders, order, wake, woken):
        os.close(pipe)


def _note(number: int, frame: FrameType | None) -> None:
    """Python writes the number to the wakeup pipe; nothing else is to be done."""


def _supervise(worker: int, order: int, woken: int) -> NoReturn:
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready and set(os.read(woken, _BLOCK)) & set(_ENDING):
            _end(worker)
        _reap(worker)
        if 0 in ready:
            received = os.read(0, _BLOCK)
            if not received:
                _end(worker)
            _pass_on(order, received)


def _pass_on(order: int, received: bytes) -> None:
    try:
        os.write(order, received)
    except BrokenPipeError:
        return  # the worker has just ended; its status is about to arrive


def _reap(worker: int) -> None:
    """Take the status of what has ended; when it is the worker, end the rest and end as it did."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            os._exit(1)
        if ended is None:
            return
        if ended.si_pid == worker:
            _kill_group(worker)  # before its number is free for others
            _, status = os.waitpid(worker, 0)
            _kill_the_rest()
            _end_as(status)
        os.waitpid(ended.si_pid, 0)


def _end(worker: int) -> NoReturn:
    _kill_group(worker)
    os.waitpid(worker, 0)
    _kill_the_rest()
    os._exit(1)


def _kill_group(worker: int) -> None:
    for kill in (os.killpg, os.kill):  # it may not have made its group yet
        try:
            kill(worker, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS refuses a group of which only the ended one is left
            continue


def _kill_the_rest() -> None:
    """End all that the worker's processes have left behind; the kernel has made them ours, on Linux."""
    while sys.platform == "linux" and _children_left():
        import psutil

        for child in psutil.Process().children(recursive=True):
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue


def _children_left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return False
    return True


def _end_as(status: int) -> NoReturn:
    """With the worker's own exit status, or by the signal that ended it."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        os._exit(code)
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    os._exit(1)
