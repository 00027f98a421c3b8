"""Job folders: private, gone afterwards, and the next run removes those of killed ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.workers.job_folder import job_folder

HOLD = """
import sys
from paritygate.validate.workers.job_folder import job_folder
with job_folder(None) as job:
    (job.path / "samples.npz").touch()
    print(job.path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_folder_is_private_and_goes(temporary: Path) -> None:
    with job_folder(None) as job:
        assert job.path.parent == temporary
        assert job.path.stat().st_mode & 0o777 == 0o700
    assert not list(temporary.iterdir())


def test_the_next_run_removes_folders_of_killed_runs_and_no_others(temporary: Path) -> None:
    (temporary / "paritygate-notes").mkdir()
    held = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert held.stdout is not None
    folder = Path(held.stdout.readline().rstrip("\n"))
    with job_folder(None):
        assert (folder / "samples.npz").exists(), "its process is alive"
    held.send_signal(signal.SIGKILL)
    held.communicate()
    assert folder.exists()
    with job_folder(None):
        assert not folder.exists()
    assert [path.name for path in temporary.iterdir()] == ["paritygate-notes"]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_an_unusable_tmpdir_is_named(name: str, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temporary / "file").touch()
    monkeypatch.setenv("TMPDIR", str(temporary / name))
    with pytest.raises(ParityGateError, match=f"TMPDIR=.*{name}") as caught, job_folder(None):
        pass
    assert caught.value.code == "PG205"


def test_a_disk_that_fills_up_is_named(temporary: Path) -> None:
    with pytest.raises(ParityGateError, match="no space") as caught, job_folder(None):
        raise OSError(28, os.strerror(28), "samples.npz")
    assert caught.value.code == "PG205"
    assert str(temporary) in caught.value.subject


def test_keep_stays_and_must_be_new(tmp_path: Path) -> None:
    with job_folder(tmp_path / "deep" / "kept") as job:
        job.samples.touch()
    assert (tmp_path / "deep" / "kept" / "samples.npz").exists()
    with pytest.raises(ParityGateError, match="not empty"), job_folder(tmp_path / "deep" / "kept"):
        pass
