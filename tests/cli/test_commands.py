"""The command line as a user meets it: statuses, streams, help, errors."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from paritygate.cli.main import cli
from paritygate.validate.catalog import CATALOG
from paritygate.validate.errors import ExitCode, ParityGateError

ROOT = Path(__file__).parents[2]
NETWORK = """
<ir_version: 8, opset_import: ["" : 13]>
net (float[N, 4] x) => (float[N, 3] y) {{ shifted = Add (x, one)  y = MatMul ({source}, w) }}
"""


def network(path: Path, source: str = "x") -> Path:
    """y = x @ w; with ``source`` "shifted", a model that computes something else under the same signature."""
    model = onnx.parser.parse_model(NETWORK.format(source=source))
    w = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(w, "w"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(1, np.float32), "one"))
    onnx.save(model, str(path))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return network(tmp_path / "model.onnx")


def paritygate(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paritygate.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_status_0_writes_the_file_and_prints_plain_text(model: Path, tmp_path: Path) -> None:
    done = paritygate("convert", model, "-o", tmp_path / "out.onnx", "--opset", 17)
    assert done.returncode == ExitCode.PASS, done.stderr
    assert "PASS" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert (tmp_path / "out.onnx").is_file()
    assert "paritygate: convert" in done.stderr.splitlines()


def test_status_1_says_where_and_how_far(model: Path, tmp_path: Path) -> None:
    done = paritygate("validate", model, network(tmp_path / "other.onnx", "shifted"))
    assert done.returncode == ExitCode.PARITY_FAILED
    assert "PG101" in done.stdout
    assert "FAIL" in done.stdout.splitlines()[-1]


USAGE = {
    "no such option": (["convert", "{model}", "-o", "{out}", "--no-such"], "--no-such"),
    "no output": (["convert", "{model}"], "--output"),
    "unknown suffix": (["convert", "{model}", "-o", "{out}.xyz"], "PG205"),
    "unknown target": (["convert", "{model}", "-o", "{out}", "--to", "word"], "word"),
    "missing folder": (["convert", "{model}", "-o", "{out}/deep/x.onnx"], "does not exist"),
    "missing source": (["convert", "{model}.gone", "-o", "{out}"], "PG202"),
    "rtol alone": (["convert", "{model}", "-o", "{out}", "--rtol", "1"], "--atol"),
    "negative tolerance": (["convert", "{model}", "-o", "{out}", "--rtol", "-1", "--atol", "0"], "PG201"),
    "tolerance of nothing": (["convert", "{model}", "-o", "{out}", "--tolerance", "z:0:0"], "no such output"),
    "bad range": (["convert", "{model}", "-o", "{out}", "--range", "x"], "PG201"),
    "bad input": (["convert", "{model}", "-o", "{out}", "--input", "x"], "PG201"),
    "bad dynamic": (["convert", "{model}", "-o", "{out}", "--dynamic", "x"], "NAME:AXIS"),
    "bad size": (["convert", "{model}", "-o", "{out}", "--memory-limit", "lots"], "4G"),
    "missing samples": (["convert", "{model}", "-o", "{out}", "--samples", "{out}.npz"], "PG202"),
    "bad binding": (["validate", "{model}", "{model}", "--bind", "y"], "CANDIDATE=REFERENCE"),
    "unknown code": (["explain", "PG999"], "PG201"),
}


@pytest.mark.parametrize("case", USAGE)
def test_status_2_names_the_mistake(case: str, model: Path, tmp_path: Path) -> None:
    arguments, says = USAGE[case]
    out = tmp_path / "out.onnx"
    done = paritygate(*(text.format(model=model, out=out) for text in arguments))
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "value", "code"), [("--timeout", "0.05", "PG304"), ("--memory-limit", "1M", "PG305")]
)
def test_status_3_at_a_limit(option: str, value: str, code: str, model: Path, tmp_path: Path) -> None:
    done = paritygate("convert", model, "-o", tmp_path / "out.onnx", option, value)
    assert done.returncode == ExitCode.INCONCLUSIVE
    assert code in done.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_status_3_when_the_engine_refuses_the_candidate(model: Path, tmp_path: Path) -> None:
    broken = onnx.load(str(model))
    broken.graph.node[1].op_type = "NoSuchOperator"
    onnx.save(broken, str(tmp_path / "broken.onnx"))
    done = paritygate("validate", model, tmp_path / "broken.onnx")
    assert done.returncode == ExitCode.INCONCLUSIVE
    assert "NoSuchOperator" in done.stderr


def test_status_4_names_the_missing_framework_and_its_extra(tmp_path: Path) -> None:
    """A module that can't be imported stands in front of the real one."""
    (tmp_path / "sklearn.py").write_text("raise ModuleNotFoundError('No module named sklearn', name='sklearn')")
    (tmp_path / "model.joblib").write_bytes(b"\x80\x04")
    done = paritygate(
        "convert",
        tmp_path / "model.joblib",
        "-o",
        tmp_path / "out.onnx",
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == ExitCode.SOURCE
    assert "PG403" in done.stderr
    assert "pip install 'paritygate[sklearn]'" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("notes.txt", b"hello", "PG401"), ("cut.onnx", b"\x08\x08\x12", "PG402"), ("empty.onnx", b"", "PG401")],
)
def test_status_4_for_files_that_are_no_models(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    done = paritygate("convert", tmp_path / name, "-o", tmp_path / "out.onnx")
    assert done.returncode == ExitCode.SOURCE
    assert code in done.stderr


class Evil:
    def __reduce__(self):
        return os.system, ("touch ran",)


def test_status_5_runs_no_code(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Evil()))
    done = paritygate("convert", "model.pkl", "-o", "out.onnx", cwd=tmp_path)
    assert done.returncode == ExitCode.UNSAFE, done.stderr
    assert "system" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_json_is_all_that_stdout_holds(model: Path, tmp_path: Path) -> None:
    done = paritygate("convert", model, "-o", tmp_path / "out.onnx", "--json")
    document = json.loads(done.stdout)
    assert (document["status"], document["exit_code"], document["command"]) == ("pass", 0, "convert")
    assert done.stderr == ""
    failed = paritygate("convert", tmp_path / "gone.onnx", "-o", tmp_path / "out.onnx", "--json")
    assert json.loads(failed.stdout)["error"]["code"] == "PG202"
    assert failed.stderr == ""


def test_quiet_is_silent_on_a_pass_and_speaks_on_a_failure(model: Path, tmp_path: Path) -> None:
    passed = paritygate("convert", model, "-o", tmp_path / "out.onnx", "--quiet")
    assert (passed.returncode, passed.stdout, passed.stderr) == (0, "", "")
    failed = paritygate("validate", model, network(tmp_path / "other.onnx", "shifted"), "--quiet")
    assert (failed.returncode, failed.stderr) == (1, "")
    assert failed.stdout.startswith("FAIL: [PG101] ")
    assert len(failed.stdout.splitlines()) <= 2


def test_traceback_only_with_debug(tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x08\x12")
    plain = paritygate("inspect", tmp_path / "cut.onnx")
    debug = paritygate("inspect", tmp_path / "cut.onnx", "--debug")
    assert "Traceback" not in plain.stderr
    assert "DecodeError" in debug.stderr


def test_run_writes_outputs_that_match(model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    np.savez(tmp_path / "in.npz", x=x)
    done = paritygate("run", model, "--samples", tmp_path / "in.npz", "-o", tmp_path / "out.npz")
    assert done.returncode == 0, done.stderr
    w = onnx.numpy_helper.to_array(onnx.load(str(model)).graph.initializer[0])
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["y"], x @ w, rtol=1e-5, atol=1e-6)  # float32 sum of 4


def test_inspect_prints_signature_and_operators(model: Path) -> None:
    done = paritygate("inspect", model)
    assert "x: float32[N, 4]" in done.stdout
    assert "MatMul 1" in done.stdout
    assert json.loads(paritygate("inspect", model, "--json").stdout)["result"]["facts"]["parameters"] == 13


def test_keep_leaves_everything_to_look_at(model: Path, tmp_path: Path) -> None:
    paritygate("convert", model, "-o", tmp_path / "out.onnx", "--keep", tmp_path / "kept")
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"samples.npz", "expected.npz", "actual.npz", "converted", "source", "candidate"} <= names
    again = paritygate("convert", model, "-o", tmp_path / "out.onnx", "--keep", tmp_path / "kept")
    assert again.returncode == ExitCode.USAGE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(number: int, model: Path, tmp_path: Path) -> None:
    output, temporary = tmp_path / "out.onnx", tmp_path / "tmp"
    temporary.mkdir()
    output.write_bytes(b"old")
    command = [sys.executable, "-m", "paritygate.cli", "convert", str(model), "-o", str(output)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(temporary)}
    ) as running:
        assert running.stderr is not None
        running.stderr.readline()  # the first stage has begun
        time.sleep(0.1)
        running.send_signal(number)
        assert "Traceback" not in running.communicate()[1]
    assert running.returncode == 128 + number
    assert output.read_bytes() == b"old"
    assert not list(temporary.glob("paritygate-*"))


@pytest.mark.parametrize("name", cli.commands)
def test_every_command_has_help_and_stands_in_the_readme(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5
    assert f"paritygate {name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("code", CATALOG)
def test_every_code_is_explained_and_carries_its_status(code: str) -> None:
    result = CliRunner().invoke(cli, ["explain", code])
    status = ParityGateError(code, "", "").exit_code
    assert f"exit status {status.value}" in result.output


def test_every_code_that_the_sources_use_is_in_the_catalog() -> None:
    used = {
        code
        for part in ("cli", "convert", "validate")
        for path in (ROOT / part).rglob("*.py")
        for code in re.findall(r"\bPG\d{3}\b", path.read_text())
    }
    assert used <= set(CATALOG)
