"""A worker imports nothing from the current folder, writes to its job only, and its answer runs no code."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.engines.registry import ONNX, TORCH_FACTORY
from paritygate.validate.errors import ParityGateError
from paritygate.validate.events import ignore
from paritygate.validate.limits import Limits
from paritygate.validate.options import LoadOptions
from paritygate.validate.workers.job_folder import JobFolder
from paritygate.validate.workers.kernel import confine
from paritygate.validate.workers.parent import Confinement, Worker
from paritygate.validate.workers.runner import InWorker, runner_for

NAMES = ("argparse", "json", "numpy", "onnx", "pickle", "threading", "sitecustomize", "usercustomize", "select", "zlib")


def confines() -> bool:
    """Whether this kernel can; asked in a process that doesn't mind."""
    child = os.fork()
    if not child:
        os._exit(not confine([Path("/nonexistent")]))
    return os.waitpid(child, 0)[1] == 0


CONFINES = pytest.mark.skipif(not confines(), reason="the kernel has no Landlock")


@pytest.mark.parametrize("path", [None, "", ":", "::/nonexistent"])
def test_nothing_is_imported_from_the_current_folder(
    path: str | None, tmp_path: Path, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, job = tmp_path / "here", tmp_path / "job"
    here.mkdir()
    job.mkdir()
    for name in NAMES:
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'MARK')!r}, 'w')")
    monkeypatch.chdir(here)
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", f"{path}:{os.environ['PYTHONPATH']}")
    with Worker(job, "worker", mask=(), preload=("numpy", "json", "onnx"), limits=Limits()) as running:
        assert running.call(task("os:getcwd", {}), ignore) == str(here)
    with Worker(job, "second", mask=(), limits=Limits()) as running:
        assert running.call(task("called:is_found", {"name": "sitecustomize"}), ignore) in (True, False)
    assert not (tmp_path / "MARK").exists()


@CONFINES
def test_a_confined_worker_writes_to_its_job_only(tmp_path: Path, task: Any) -> None:
    job, elsewhere = tmp_path / "job", tmp_path / "elsewhere"
    job.mkdir()
    elsewhere.mkdir()
    places = {job / "x": "written", elsewhere / "x": "PermissionError", Path("/dev/null"): "written"}
    for number, (place, outcome) in enumerate(places.items()):
        confinement = Confinement((job,))
        with Worker(job, f"w{number}", mask=(), limits=Limits(), confinement=confinement) as running:
            assert running.call(task("called:written", {"path": str(place)}), ignore) == outcome
    assert not list(elsewhere.iterdir())
    with Worker(job, "free", mask=(), limits=Limits()) as running:
        assert running.call(task("called:written", {"path": str(elsewhere / "x")}), ignore) == "written"


@CONFINES
def test_a_confined_worker_connects_to_nobody(tmp_path: Path, task: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = {"port": server.getsockname()[1]}
        for name, confinement, outcome in (
            ("free", Confinement(), "connected"),
            ("confined", Confinement((tmp_path,)), "PermissionError"),
        ):
            with Worker(tmp_path, name, mask=(), limits=Limits(), confinement=confinement) as running:
                assert running.call(task("called:connected", port), ignore) == outcome


@pytest.mark.parametrize(
    ("handle", "confined"),
    [
        (ModelHandle.of(Path("m.onnx"), ONNX), True),
        (ModelHandle.of(Path("m.onnx"), ONNX, load=LoadOptions(trust=True)), False),
        (ModelHandle.of("nets:build", TORCH_FACTORY), False),
    ],
)
def test_code_that_the_user_named_is_not_confined(handle: ModelHandle, confined: bool, tmp_path: Path) -> None:
    runner = runner_for(handle, JobFolder(tmp_path), "w", Limits())
    assert isinstance(runner, InWorker)
    assert bool(runner._worker._order.writable) is confined


def test_an_answer_runs_no_code_in_the_parent(tmp_path: Path, task: Any) -> None:
    with (
        pytest.raises(ParityGateError, match="has no place in a worker's answer") as caught,
        Worker(tmp_path, "worker", mask=(), limits=Limits()) as running,
    ):
        running.call(task("called:answer", {"folder": str(tmp_path)}), ignore)
    assert caught.value.code == "PG303"
    assert not (tmp_path / "MARK").exists()


def test_secrets_do_not_arrive(tmp_path: Path, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    for name, confinement, value in (("a", Confinement(), None), ("b", Confinement((), ("MY_TOKEN",)), "s3cret")):
        with Worker(tmp_path, name, mask=(), limits=Limits(), confinement=confinement) as running:
            assert running.call(task("os:getenv", {"key": "MY_TOKEN"}), ignore) == value
