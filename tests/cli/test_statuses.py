"""Status 1 means that parity fails and nothing else; what a file names reaches no terminal as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from paritygate.validate.samples.member_names import array_name

COMMAND = [sys.executable, "-m", "paritygate.cli"]


def identity(path: Path, output: str = "y") -> Path:
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in ("x", output)]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], [output])], "g", info[:1], info[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return identity(tmp_path / "model.onnx")


def paritygate(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


ESCAPE = "\x1b]0;owned\x07\u202e"


@pytest.mark.parametrize("name", ["file", "allow_pickle", "../../up", ESCAPE])
def test_every_output_is_saved_and_no_name_reaches_the_terminal(name: str, tmp_path: Path) -> None:
    model, output = identity(tmp_path / "model.onnx", name), tmp_path / "out.npz"
    ran = paritygate("run", model, "-o", output)
    assert ran.returncode == 0, ran.stderr
    with np.load(output, allow_pickle=False) as arrays:
        assert [array_name(key) for key in arrays.files] == [name]
    inspected, validated = paritygate("inspect", model), paritygate("validate", model, model, "--budget", "0")
    bound = paritygate("validate", model, identity(tmp_path / "other.onnx"), "--debug", "--budget", "0")
    assert (inspected.returncode, validated.returncode, bound.returncode) == (0, 0, 0)  # the only output is bound
    for text in (ran, inspected, validated, bound):
        lines = (text.stdout + text.stderr).splitlines()
        assert [line for line in lines if not line.isprintable()] == []


def test_a_name_of_the_users_is_escaped_in_errors(tmp_path: Path) -> None:
    done = paritygate("inspect", tmp_path / ESCAPE)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert r"\x1b]0;owned" in done.stderr


def test_a_full_standard_output_is_no_bug(model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "inspect", str(model)], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "no space is left" in done.stderr


def test_a_closed_standard_output_is_no_failure_of_parity(model: Path) -> None:
    with subprocess.Popen([*COMMAND, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as done:
        assert done.stdout is not None
        done.stdout.close()
        _, text = done.wait(60), done.stderr.read() if done.stderr else ""
    assert done.returncode == 2
    assert "has closed it" in text


@pytest.mark.parametrize("status", [0, 1])
def test_code_of_the_users_can_not_end_the_command_with_a_verdict(status: int, model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"import sys\ndef metric(outputs, inputs):\n    sys.exit({status})\n")
    done = paritygate("validate", model, model, "--metric", "mine:metric", cwd=tmp_path)
    assert done.returncode == 3, done.stderr


def test_debug_keeps_the_status(tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x08\x12")
    done = paritygate("inspect", tmp_path / "cut.onnx", "--debug")
    assert done.returncode == 4
    assert "Traceback" in done.stderr
    assert "PG402" in done.stderr.splitlines()[-1]


def test_a_module_in_the_folder_is_not_imported(model: Path, tmp_path: Path) -> None:
    for name in ("click", "numpy", "onnx", "onnxruntime", "json", "threading", "psutil"):
        (tmp_path / f"{name}.py").write_text("open('MARK', 'w').close()")
    done = paritygate("inspect", model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "MARK").exists()


def test_the_report_says_which_config_was_in_force(model: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    waiver = '[[waiver]]\noutput = "y"\nmax_abs = 1\nreason = "because"\nexpires = 2999-12-31\n'
    (tmp_path / "paritygate.toml").write_text(waiver)
    there = paritygate("validate", model, model, "--budget", "0", cwd=tmp_path / "elsewhere")
    here = paritygate("validate", model, model, "--budget", "0", cwd=tmp_path)
    assert "paritygate.toml" not in there.stdout
    assert f"waivers are read from {tmp_path / 'paritygate.toml'}" in here.stdout


@pytest.mark.parametrize("command", ["inspect", "run", "validate", "convert"])
def test_every_command_takes_the_same_limits(command: str) -> None:
    shown = paritygate(command, "--help", env=os.environ | {"COLUMNS": "200"}).stdout
    text = " ".join(shown.split())
    for option in ("--timeout", "--memory-limit", "--pass-env", "default: 480", "default: 75%"):
        assert option in text
