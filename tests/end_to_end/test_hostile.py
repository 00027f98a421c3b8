"""A part of the hostile catalogue; `make hostile` runs all of it through the command line."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.benign.networks import write_onnx
from fixtures.hostile.box import Box
from fixtures.hostile.case import SECRET, CatalogueFile, touching, write_secret
from fixtures.hostile.catalogue import files, quick
from fixtures.hostile.folders import files as folders
from fixtures.hostile.quick import try_one

HARMLESS = {"b_output_model.txt", "b_data.txt", "b_training_folder.cbm", "s_extension.parquet", "s_extension.feather"}
"""Files whose attack is a name that nobody looks at: they are read."""


@pytest.mark.parametrize("file", [pytest.param(each, id=each.name) for each in quick()])
def test_a_hostile_file_is_refused_and_does_nothing(file: CatalogueFile, tmp_path: Path):
    tried = try_one(file, Box(tmp_path / "box"))
    assert not tried.harm
    if file.name in HARMLESS:
        assert tried.code in ("", "PG203", "PG204", "PG402")
    else:
        assert tried.code[:3] in ("PG2", "PG4", "PG5")
        assert tried.code not in ("PG205", "PG403", "PG406")


@pytest.mark.parametrize("name", ["cwd_standard", "cwd_paritygate", "cwd_request"])
def test_a_command_runs_nothing_of_a_hostile_working_folder(name: str, tmp_path: Path):
    folder = next(file for file in folders() if file.name == name)
    box = Box(tmp_path / "box")
    write_onnx(box.here / folder.model)
    folder.write(box.here / name)
    box.remember()
    command = [sys.executable, "-P", "-m", "paritygate.cli", "inspect", f"../{folder.model}"]
    done = subprocess.run(
        command, cwd=box.here / name, env=box.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not box.harm(box.path / "nothing")


def _load_pickle(box: Box) -> None:
    file = box.here / "evil.pkl"
    file.write_bytes(touching(file))
    box.remember()
    pickle.loads(file.read_bytes())


def _change(box: Box) -> None:
    (box.here / "model.onnx").write_bytes(b"old")
    box.remember()
    (box.here / "model.onnx").write_bytes(b"newer")


def _write_outside(box: Box) -> None:
    box.remember()
    (box.path / "up").mkdir()


def _read_secret(box: Box) -> None:
    write_secret(box.here)
    box.remember()
    (box.here / SECRET).read_text()


def _leave_a_file(box: Box) -> None:
    box.remember()
    (box.path / "tmp" / "left").touch()


@pytest.mark.parametrize(
    ("attack", "noticed"),
    [
        (_load_pickle, "appeared: here/MARK_evil"), (_change, "changed: here/model.onnx"),
        (_write_outside, "appeared: up"), (_read_secret, f"read: here/{SECRET}"), (_leave_a_file, "left behind: left"),
    ],
)  # fmt: skip
def test_harm_is_noticed(attack, noticed: str, tmp_path: Path):
    if attack is _read_secret and os.statvfs(tmp_path).f_flag & os.ST_NOATIME:
        pytest.skip("this file system doesn't note when files are read")
    box = Box(tmp_path / "box")
    attack(box)
    assert box.harm(box.path / "nothing") == (noticed,)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_that_was_left_is_noticed(tmp_path: Path):
    box = Box(tmp_path / "box")
    box.remember()
    # While it is being started, the kernel shows no environment: wait for its first word.
    command = ["sh", "-c", "echo started; read line"]
    with subprocess.Popen(command, env=box.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = box.harm(box.path / "nothing")
        process.kill()
    assert found == (f"left behind: process {process.pid}",)


def test_the_catalogue_is_large_and_has_all_formats():
    names = [file.name for file in files()]
    assert len(names) == len(set(names)) >= 150
    assert {file.format for file in files()} >= {
        "pickle", "joblib", "skops", "PyTorch .pt, .pth", "PyTorch .pt2", "TorchScript", "SavedModel", "GraphDef",
        "TensorFlow Lite", "Keras .keras", "Keras .h5", "ONNX", "Core ML", "XGBoost, LightGBM, CatBoost", "samples",
        "working folder",
    }  # fmt: skip
