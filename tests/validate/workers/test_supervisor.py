"""Nothing outlives paritygate: not a worker, not what a worker has started, however which of them ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.events import ignore
from paritygate.validate.limits import Limits
from paritygate.validate.workers.parent import Worker

PARENT = """
import signal, sys
from pathlib import Path
from called import Called
from paritygate.validate.events import ignore
from paritygate.validate.limits import Limits
from paritygate.validate.workers.parent import Worker
# A job in the background of a shell ignores the one signal, a job under nohup the other.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
with Worker(Path(sys.argv[1]), "w", mask=(), limits=Limits()) as running:
    print("started", flush=True)
    running.call(Called(*eval(sys.argv[2])), ignore)
    print("ended", flush=True)
    input()
"""
BUSY = ("subprocess:run", {"args": ["sleep", "60"]})
SPINNING = ("re:match", {"pattern": "(a+)+$", "string": "a" * 60 + "b"})
"""Python's matcher holds the interpreter's lock for ages: no thread of the worker's own can notice anything."""


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def sleepers(seconds: str) -> list[psutil.Process]:
    """The processes that ``families`` has started, known by their odd number of seconds."""
    return [p for p in psutil.process_iter(["cmdline"]) if seconds in (p.info["cmdline"] or [])]


@pytest.fixture
def parent(tmp_path: Path) -> Any:
    def start(call: tuple[str, dict[str, Any]]) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
        command = [sys.executable, "-c", PARENT, str(tmp_path), repr(call)]
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(running)
        assert running.stdout is not None
        running.stdout.readline()
        process = psutil.Process(running.pid)
        assert within(20, lambda: len(process.children(recursive=True)) >= 2)
        time.sleep(0.5)  # until the worker has its task
        return running, process.children(recursive=True)

    started: list[subprocess.Popen[str]] = []
    yield start
    for running in started:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("call", [BUSY, SPINNING], ids=["sleeping", "spinning"])
def test_workers_end_with_their_parent(call: Any, number: signal.Signals, parent: Any) -> None:
    running, family = parent(call)
    running.send_signal(number)
    running.wait()
    assert within(10, lambda: not alive(family))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_worker_ends_with_its_supervisor(parent: Any) -> None:
    running, family = parent(SPINNING)
    supervisor = next(process for process in family if process.ppid() == running.pid)
    supervisor.kill()
    assert within(10, lambda: not alive(family))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has started a process")
@pytest.mark.parametrize("how", ["the worker ends", "the parent is killed"])
def test_what_a_worker_has_started_ends_too(how: str, tmp_path: Path, parent: Any, task: Any) -> None:
    seconds = f"{600 + os.getpid() % 1000}.{'1' if how == 'the worker ends' else '2'}"
    if how == "the worker ends":
        with Worker(tmp_path, "worker", mask=(), limits=Limits()) as running:
            running.call(task("called:families", {"seconds": seconds}), ignore)
    else:
        process, _ = parent(("called:families", {"seconds": seconds}))
        process.kill()
    assert within(10, lambda: not sleepers(seconds))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV])
@pytest.mark.parametrize("whose", ["supervisor", "worker"])
def test_a_worker_that_dies_before_it_is_asked_is_a_crash(
    whose: str, number: signal.Signals, tmp_path: Path, task: Any
) -> None:
    with Worker(tmp_path, "w", mask=(), limits=Limits()) as running:
        supervisor = psutil.Process(running._process.pid)
        assert within(20, lambda: bool(supervisor.children()))
        (supervisor if whose == "supervisor" else supervisor.children()[0]).send_signal(number)
        running._process.wait(20)
        with pytest.raises(ParityGateError) as caught:
            running.call(task("os:getpid", {}), ignore)
    assert caught.value.code == "PG303"
    assert "its last lines" in caught.value.cause


def test_a_worker_whose_input_ends_ends(tmp_path: Path) -> None:
    """It must not take the missing line for the current folder, and what lies there for its task."""
    (tmp_path / "request.pickle").write_bytes(b"cos\nsystem\n(S'touch MARK'\ntR.")
    command = [sys.executable, "-P", "-m", "paritygate.validate.workers.child"]
    for given in (b"", b"\n", b".", b"no/such/folder"):
        done = subprocess.run(command, input=given, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert done.returncode != 0
        assert [path.name for path in tmp_path.iterdir()] == ["request.pickle"]
