"""TensorFlow Lite and Core ML files, boards, and the command: on the files that basic-pitch brings along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from paritygate.targets import check
from paritygate.targets.values import Effect, Verdict
from paritygate.validate.errors import ParityGateError

R, S, X, U = Verdict.RUNS, Verdict.SLOWER, Verdict.REFUSED, Verdict.UNKNOWN


def model(suffix: str) -> Path:
    spec = find_spec("basic_pitch")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "saved_models" / "icassp_2022" / f"nmp{suffix}"


@pytest.mark.parametrize(
    ("suffix", "target", "verdict", "rule"),
    [
        (".tflite", "tflite@2.16", R, ""),
        (".tflite", "tflite-micro", R, "rows"),  # of the open batch, the device runs one row
        (".tflite", "ethos-u@u55", S, "fallback"),  # a float model: everything stays on the Cortex-M
        (".mlpackage", "ios@15", R, ""),
        (".mlpackage", "ios@14", X, "specification"),  # ML Programs need iOS 15
        (".mlpackage", "macos@12", R, ""),
        (".mlpackage", "macos@11", X, "specification"),
        (".onnx", "ios@17", X, "format"),
    ],
)
def test_a_published_model(suffix: str, target: str, verdict: Verdict, rule: str) -> None:
    (found,) = check(model(suffix), [target]).answers
    assert found.verdict is verdict, found.reasons
    assert not rule or rule in {reason.rule for reason in found.reasons}


def test_ten_devices_are_answered_without_a_framework() -> None:
    """The matrix of an IoT architect; what was imported is asked of a fresh process."""
    targets = ("onnxruntime@1.16", "onnxruntime@1.20", "tensorrt@10", "jetson@6.2", "openvino@2025.4", "rknn", "esp-dl",
               "stm32", "triton@24.05", "windows-ml@11")  # fmt: skip
    script = f"""
import sys
from paritygate.targets import check
found = check({str(model(".onnx"))!r}, {targets!r})
frameworks = ("torch", "tensorflow", "onnxruntime", "coremltools")
print(len(found.answers), [name for name in frameworks if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["10", "[]\n"]


def test_the_weights_of_the_same_network_are_as_many_in_each_format() -> None:
    """17 thousand parameters in float32: what its authors publish. The formats differ in what else is constant."""
    sizes = {suffix: check(model(suffix), ["all"]).footprint.flash for suffix in (".onnx", ".tflite")}
    assert all(60_000 < size < 260_000 for size in sizes.values()), sizes


def test_a_board_adds_its_own_limits(tmp_path: Path) -> None:
    profile = tmp_path / "boards.yaml"
    profile.write_text(
        "- {name: roomy, target: tflite, flash: 8M, ram: 64M}\n- {name: tiny, target: tflite, ram: 1K}\n"
    )
    roomy, tiny = check(model(".tflite"), [], [profile]).answers
    assert roomy.verdict is R
    assert tiny.verdict is X
    assert {reason.rule for reason in tiny.reasons if reason.effect is Effect.REFUSES} == {"ram"}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{name: x}", "needs name and target"),
        ("{name: x, target: tflite, rom: 1K}", "unknown keys: rom"),
        ("{name: x, target: tflite, flash: much}", "much"),
        ("[", "not a YAML file"),
        ("{name: x, target: tflite, dtypes: int8}", "dtypes isn't a list"),
    ],
)
def test_a_wrong_board_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    (tmp_path / "board.yaml").write_text(text)
    with pytest.raises(ParityGateError, match=cause) as caught:
        check(model(".tflite"), [], [tmp_path / "board.yaml"])
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("x.tflite", b"\0\0\0\0TFL3" + b"\xff" * 40, "PG402"),
        ("x.tflite", b"nothing", "PG402"),
        ("x.onnx", b"no", "PG402"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, file: str, content: bytes, code: str) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ParityGateError) as caught:
        check(tmp_path / file, ["all"])
    assert caught.value.code == code


@pytest.mark.parametrize(("name", "hint"), [("tensorr", "tensorrt"), ("onnxruntime@0.3", "Known versions")])
def test_an_unknown_target_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ParityGateError) as caught:
        check(model(".onnx"), [name])
    assert hint in str(caught.value)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paritygate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "120"})


def test_the_command_prints_a_matrix_and_the_command_that_mends() -> None:
    done = run("check", str(model(".onnx")), "-t", "onnxruntime@1.8", "-t", "mnn")
    assert done.returncode == 1
    assert "onnxruntime-cpu@1.8  refused" in done.stdout
    assert "paritygate convert" in done.stdout


def test_json_holds_the_verdicts() -> None:
    done = run("check", str(model(".onnx")), "-t", "mnn", "--json")
    found = json.loads(done.stdout)["result"]["checks"][0]
    assert found["answers"][0]["verdict"] == "runs"
    assert found["footprint"]["macs"] > 0
