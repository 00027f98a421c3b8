"""Workers that are forked off a template: as isolated as those that start cold, and nothing outlives its task."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.events import ignore
from paritygate.validate.options import Limits
from paritygate.validate.workers.launch import launching
from paritygate.validate.workers.parent import Confinement, Worker
from paritygate.validate.workers.warm import Template, Warm, WarmProcess


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    folder = tmp_path / "warm"
    folder.mkdir()
    with Warm(folder) as launcher, launching(launcher):
        yield launcher


def worker(folder: Path, name: str, limits: Limits | None = None, **more: Any) -> Worker:
    return Worker(folder, name, limits=limits or Limits(), confinement=Confinement((folder,)), **({"mask": ()} | more))


def template_of(warm: Warm) -> Template:
    (template,) = warm._templates.values()
    return template


def test_each_task_has_a_process_of_its_own(tmp_path: Path, warm: Warm, task: Any) -> None:
    numbers = []
    for name in ("a", "b"):
        with worker(tmp_path, name) as running:
            assert isinstance(running._process, WarmProcess)
            numbers.append(running.call(task("os:getpid", {}), ignore))
    assert len({*numbers, os.getpid(), template_of(warm)._process.pid}) == 4


def test_what_one_worker_changes_the_next_does_not_see(tmp_path: Path, warm: Warm, task: Any) -> None:
    """The framework that the template imported is changed by one model's code; the next model has it as it was."""
    with worker(tmp_path, "bad", preload=("json",)) as running:
        assert running.call(task("called:spoil", {}), ignore) == "spoilt"
    with worker(tmp_path, "next", preload=("json",)) as running:
        assert running.call(task("json:dumps", {"obj": 1}), ignore) == "1"


@pytest.mark.parametrize(
    ("function", "arguments", "limits", "code", "says"),
    [
        ("os:abort", {}, Limits(), "PG303", "SIGABRT"),
        ("os:_exit", {"status": 7}, Limits(), "PG303", "status 7"),
        ("no_such_module:f", {}, Limits(), "PG303", "ModuleNotFoundError"),
        ("subprocess:run", {"args": ["sleep", "60"]}, Limits(seconds=0.5), "PG304", "0.5 s"),
        ("numpy:ones", {"shape": 400_000_000}, Limits(bytes=300 * 2**20), "PG305", "300 MiB"),
    ],
)
def test_failure_becomes_a_code_and_the_next_task_runs(
    tmp_path: Path,
    warm: Warm,
    task: Any,
    function: str,
    arguments: dict[str, object],
    limits: Limits,
    code: str,
    says: str,
) -> None:
    with pytest.raises(ParityGateError, match=says) as caught, worker(tmp_path, "bad", limits) as running:
        running.call(task(function, arguments), ignore)
    assert caught.value.code == code
    with worker(tmp_path, "next") as running:
        assert running.call(task("os:getppid", {}), ignore) > 1
    assert not psutil.Process(template_of(warm)._process.pid).children(recursive=True)


def test_it_is_confined_to_its_own_jobs_folder(tmp_path: Path, warm: Warm, task: Any) -> None:
    """Each fork gets rules of its own: the template has none, and the first worker's folder is closed to the second."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        with worker(folder, "worker") as running:
            if not running.call(task("called:confined", {}), ignore):
                pytest.skip("this kernel has no Landlock")
    for mine, other in (folders, folders[::-1]):
        for place, outcome in ((mine, "written"), (other, "PermissionError"), (tmp_path, "PermissionError")):
            with worker(mine, f"worker{place.name}") as running:
                assert running.call(task("called:written", {"path": str(place / "MARK")}), ignore) == outcome


@pytest.mark.parametrize("module", ["numpy", "onnxruntime", "pandas"])
def test_libraries_leave_a_fork_with_one_thread(tmp_path: Path, warm: Warm, task: Any, module: str) -> None:
    """Their threads don't live on in it; what they start later is confined as it is."""
    with worker(tmp_path, "worker", preload=(module,)) as running:
        assert running.call(task("called:written", {"path": str(tmp_path / "MARK")}), ignore) == "written"


def test_a_thread_that_would_not_be_confined_ends_the_worker(
    tmp_path: Path, warm: Warm, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = "import os, threading, time\n"
    library += "start = lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (tmp_path / "starts_a_thread.py").write_text(f"{library}os.register_at_fork(after_in_child=start)\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    with (
        pytest.raises(ParityGateError, match="before this process was confined"),
        worker(tmp_path, "worker", preload=("starts_a_thread",)) as running,
    ):
        running.call(task("os:getpid", {}), ignore)


def test_masked_module_can_not_be_imported(tmp_path: Path, warm: Warm, task: Any) -> None:
    for mask, found in ((("wave",), False), ((), True)):
        with worker(tmp_path, f"worker{found}", mask=mask) as running:
            assert running.call(task("called:is_found", {"name": "wave"}), ignore) is found
    assert len(warm._templates) == 2


def test_temporary_files_are_the_workers_own(tmp_path: Path, warm: Warm, task: Any) -> None:
    for name in ("a", "b"):
        with worker(tmp_path, name) as running:
            assert running.call(task("tempfile:gettempdir", {}), ignore) == str(tmp_path / name / "tmp")


@pytest.mark.parametrize("confinement", [Confinement(), Confinement((Path("/"),), ("MY_NAME",))])
def test_users_code_and_passed_variables_start_cold(
    tmp_path: Path, warm: Warm, task: Any, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_NAME", "x")
    with Worker(tmp_path, "worker", mask=(), limits=Limits(), confinement=confinement) as running:
        assert not isinstance(running._process, WarmProcess)
    assert warm._templates == {}


def test_a_worker_whose_job_is_gone_ends(tmp_path: Path, warm: Warm, task: Any) -> None:
    """With libraries whose threads an orderly end would wait for, and which a fork lacks: ONNX Runtime has some."""
    first = worker(tmp_path, "first", preload=("onnxruntime",))
    with first as running:
        running.call(task("os:getpid", {}), ignore)
    gone = worker(tmp_path, "gone", preload=("onnxruntime",))
    order = replace(gone._order, folder=tmp_path / "no such folder")
    process = template_of(warm).fork(order)
    assert process.wait(10) == 1
    assert "FileNotFoundError" in gone.log.read_text()


def test_a_template_that_was_killed_is_renewed(tmp_path: Path, warm: Warm, task: Any) -> None:
    for name in ("a", "b", "c"):
        with worker(tmp_path, name) as running:
            assert isinstance(running._process, WarmProcess)
            assert running.call(task("os:getpid", {}), ignore)
        killed = template_of(warm)._process
        killed.kill()
        killed.wait()


def test_a_worker_whose_template_was_killed_is_reported(tmp_path: Path, warm: Warm, task: Any) -> None:
    with worker(tmp_path, "a") as running:
        threading.Timer(0.5, template_of(warm)._process.kill).start()
        with pytest.raises(ParityGateError, match="SIGKILL") as caught:
            running.call(task("subprocess:run", {"args": ["sleep", "60"]}), ignore)
    assert caught.value.code == "PG303"


def test_a_template_that_hangs_is_done_without(
    tmp_path: Path, warm: Warm, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hangs.py").write_text("import sys, time\nif 'template' in sys.argv[0]:\n    time.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    monkeypatch.setattr("paritygate.validate.workers.warm._START_SECONDS", 0.5)
    monkeypatch.setattr("paritygate.validate.workers.warm._END_SECONDS", 0.1)
    with worker(tmp_path, "worker", preload=("hangs",)) as running:
        assert not isinstance(running._process, WarmProcess)
        assert running.call(task("os:getpid", {}), ignore)


def test_stop_ends_what_runs_and_starts_no_other(tmp_path: Path, warm: Warm, task: Any) -> None:
    begun = time.monotonic()
    with worker(tmp_path, "a") as running:
        threading.Timer(0.5, warm.stop).start()
        with pytest.raises(ParityGateError, match="SIGKILL"):
            running.call(task("subprocess:run", {"args": ["sleep", "60"]}), ignore)
    assert time.monotonic() - begun < 20
    with pytest.raises(ParityGateError) as caught, worker(tmp_path, "b"):
        pass
    assert caught.value.code == "PG340"


def test_nothing_is_left_when_the_launcher_is_closed(tmp_path: Path, task: Any) -> None:
    with Warm(tmp_path) as launcher, launching(launcher), worker(tmp_path, "a") as running:
        running.call(task("os:getpid", {}), ignore)
        template = template_of(launcher)._process
    assert template.poll() is not None


def test_a_worker_ends_with_the_process_that_wanted_it(tmp_path: Path, task: Any) -> None:
    """Its standard input closes when its parent is killed, whatever the template does."""
    with Warm(tmp_path) as launcher, launching(launcher):
        running = worker(tmp_path, "a").__enter__()
        pid = running._process.pid
        assert running._process.stdin is not None
        running._process.stdin.close()
        assert running._process.wait(10) is not None
        assert not psutil.pid_exists(pid)


def test_without_a_launcher_workers_start_cold(tmp_path: Path, task: Any) -> None:
    with worker(tmp_path, "a") as running:
        assert not isinstance(running._process, WarmProcess)
