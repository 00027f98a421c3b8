"""A worker's crash, hang or hunger becomes a code; it never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from paritygate.validate.errors import ExitCode, ParityGateError
from paritygate.validate.events import Event, EventReader, EventWriter, ignore
from paritygate.validate.options import Limits
from paritygate.validate.workers.parent import Worker


def worker(folder: Path, limits: Limits | None = None, mask: tuple[str, ...] = ()) -> Worker:
    return Worker(folder, "worker", mask=mask, limits=limits or Limits())


def test_result_comes_back_from_another_process(tmp_path: Path, task: Any) -> None:
    with worker(tmp_path) as running:
        assert running.call(task("os:getpid", {}), ignore) != os.getpid()


@pytest.mark.parametrize(
    ("function", "arguments", "limits", "code", "says"),
    [
        ("os:abort", {}, Limits(), "PG303", "SIGABRT"),
        ("os:_exit", {"status": 7}, Limits(), "PG303", "status 7"),
        ("os:getcwd", {"no_such": 1}, Limits(), "PG303", "TypeError"),
        ("no_such_module:f", {}, Limits(), "PG303", "ModuleNotFoundError"),
        ("subprocess:run", {"args": ["sleep", "60"]}, Limits(seconds=0.5), "PG304", "0.5 s"),
        ("numpy:ones", {"shape": 400_000_000}, Limits(bytes=300 * 2**20), "PG305", "300 MiB"),
    ],
)
def test_failure_becomes_a_code(
    tmp_path: Path, task: Any, function: str, arguments: dict[str, object], limits: Limits, code: str, says: str
) -> None:
    with pytest.raises(ParityGateError, match=says) as caught, worker(tmp_path, limits) as running:
        running.call(task(function, arguments), ignore)
    assert caught.value.code == code
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE


def test_last_lines_of_a_crash_are_shown(tmp_path: Path, task: Any) -> None:
    """faulthandler writes where it stood to the log, then a signal ends the process: a native crash."""
    with pytest.raises(ParityGateError, match="most recent call first"), worker(tmp_path) as running:
        running.call(task("faulthandler:_fatal_error_c_thread", {}), ignore)


def test_masked_module_can_not_be_imported(tmp_path: Path, task: Any) -> None:
    with (
        pytest.raises(ParityGateError, match=r"No module named 'json\.tool'"),
        worker(tmp_path, mask=("json.tool",)) as running,
    ):
        running.call(task("json.tool:main", {}), ignore)


@pytest.mark.parametrize(("mask", "found"), [((), True), (("wave",), False)])
def test_masked_module_looks_as_if_it_was_not_installed(
    tmp_path: Path, task: Any, mask: tuple[str, ...], found: bool
) -> None:
    with worker(tmp_path, mask=mask) as running:
        assert running.call(task("called:is_found", {"name": "wave"}), ignore) is found


def test_leaving_ends_a_busy_worker(tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        process = psutil.Process(running._process.pid)
    assert not process.is_running()


def test_worker_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed can't clean up: its child must notice by itself."""
    script = f"""
import sys, time
from pathlib import Path
from called import Called
from paritygate.validate.events import ignore
from paritygate.validate.options import Limits
from paritygate.validate.workers.parent import Worker
with Worker(Path({str(tmp_path)!r}), "w", mask=(), limits=Limits()) as running:
    print(running._process.pid, flush=True)
    running.call(Called("subprocess:run", {{"args": ["sleep", "60"]}}), ignore)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.5)
        parent.send_signal(signal.SIGKILL)
    child.wait(timeout=10)


def test_events_arrive_once_and_in_order(tmp_path: Path) -> None:
    write, reader, seen = EventWriter(tmp_path), EventReader(tmp_path), []
    write(Event("load model"))
    reader.forward(seen.append)
    write(Event("run samples", 1, 2))
    write(Event("run samples", 2, 2))
    reader.forward(seen.append)
    reader.forward(seen.append)
    assert seen == [Event("load model"), Event("run samples", 1, 2), Event("run samples", 2, 2)]
