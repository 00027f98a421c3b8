"""The commands: a mixed folder from init to a cached gate, the plan without frameworks, defaults, an interrupt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import onnx
import pytest
from gate_models import write_config, write_model
from sklearn.linear_model import LogisticRegression

from paritygate.gate.config.defaults import convert_defaults, validate_defaults
from paritygate.gate.config.file import load_config
from paritygate.gate.config.starter import find_models, write_starter
from paritygate.validate.errors import ParityGateError

HEAVY = ("numpy", "onnx", "onnxruntime", "torch", "tensorflow", "sklearn", "rich", "psutil")


def paritygate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "paritygate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_mixed_folder_from_init_to_the_cache(folder: Path) -> None:
    """An estimator, ONNX models, a file that is no model, and one that is damaged: the starter runs as it is."""
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    joblib.dump(LogisticRegression().fit(rows, rows[:, 0] > 0), folder / "models" / "clf.joblib")
    np.savez(folder / "models" / "clf.npz", X=rows)
    (folder / "README.txt").write_text("nothing")
    done = paritygate("init")
    assert done.returncode == 0, done.stderr
    assert paritygate("init").returncode == 2, "an existing config is never overwritten"
    config = load_config()
    assert [model.path for model in config.settings.model] == [
        *("models/a.onnx", "models/b.onnx", "models/clf.joblib", "models/deep/c.onnx"),
    ]
    assert config.settings.model[2].samples == "models/clf.npz"
    gated = paritygate("gate", "--jobs", "2", "--json")
    assert gated.returncode == 0, gated.stdout + gated.stderr
    document = json.loads(gated.stdout)
    assert [entry["status"] for entry in document["entries"]] == ["pass"] * 4
    assert {Path(entry["written"]).suffix for entry in document["entries"]} == {".onnx"}
    (folder / "base.json").write_text(gated.stdout)
    (folder / "models" / "b.onnx").write_bytes(b"damaged")
    again = paritygate("gate", "--baseline", "base.json")
    assert again.returncode == 4
    assert "4 entries: 3 pass, 1 error (3 from the cache)" in again.stdout
    assert "[PG402]" in again.stdout
    assert "worse" in again.stdout
    assert paritygate("gate", "--exit-zero", "-q").returncode == 0


def test_the_plan_imports_no_framework(folder: Path) -> None:
    write_config(folder, '[[model]]\npath = "models/**/*.onnx"\n')
    script = "import sys\nfrom paritygate.cli.main import main\ntry:\n    main(['gate', '--dry-run'])\n"
    script += f"finally:\n    print(sorted({set(HEAVY)!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "3 entries, 0 cached, 3 to do" in done.stdout
    assert done.stderr.strip() == "[]"
    assert not (folder / "exported").exists()


def test_a_file_of_a_strangers_may_not_run_code(folder: Path) -> None:
    (folder / "mine.py").write_text("open('RAN', 'w')\ndef f(outputs, inputs):\n    return 0.0\n")
    write_config(folder, '[[model]]\npath = "models/a.onnx"\nmetrics = ["mine:f"]\n')
    done = paritygate("gate")
    assert (done.returncode, "PG222" in done.stderr) == (2, True)
    write_config(folder, '[defaults]\nmetrics = ["mine:f"]\n')
    done = paritygate("convert", "models/a.onnx", "-o", "x.onnx")
    assert (done.returncode, "PG222" in done.stderr) == (2, True)
    assert not (folder / "RAN").exists()


def test_an_interrupt_says_what_was_done_and_leaves_nothing(folder: Path) -> None:
    for number in range(6):
        write_model(folder / "models" / f"m{number}.onnx", number + 1.0)
    write_config(folder, '[[model]]\npath = "models/*.onnx"\nsearch = 2\n')
    command = [sys.executable, "-P", "-m", "paritygate.cli", "gate"]
    temporary = folder / "tmp"
    temporary.mkdir()
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert running.stderr is not None
    first = running.stderr.readline()
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    said = running.stderr.read()
    assert running.wait(30) == 130
    assert "[1/8] pass" in first
    assert "of 8 done" in said
    exported = list((folder / "exported").rglob("*"))
    for path in exported:
        assert path.is_dir() or onnx.load(str(path))
    assert not [path for path in exported if path.name.startswith(".")]
    assert list(temporary.iterdir()) == []


def test_the_command_line_wins_over_the_file(folder: Path) -> None:
    write_config(
        folder, "[defaults]\nseed = 3\nrtol = 1e-3\natol = 1e-4\n[convert]\nopset = 15\n[validate]\nseed = 4\n"
    )
    assert convert_defaults({}, "models/a.onnx", Path("x.onnx")) == {"seed": 3, "rtol": 1e-3, "atol": 1e-4, "opset": 15}
    assert "opset" not in convert_defaults({}, "models/a.onnx", Path("x.mlpackage"))
    assert "seed" not in convert_defaults({"seed": 5}, "models/a.onnx", Path("x.onnx"))
    assert convert_defaults({"policy": "table"}, "models/a.onnx", Path("x.onnx")) == {"seed": 3, "opset": 15}
    assert validate_defaults({}, "models/a.onnx", "models/b.onnx")["seed"] == 4


def test_metrics_of_ours_need_no_confirmation(folder: Path) -> None:
    write_config(folder, '[defaults]\nmetrics = ["cosine(y)"]\n')
    assert convert_defaults({}, "models/a.onnx", Path("x.onnx")) == {"metrics": ("cosine(y)",)}
    write_config(folder, '[defaults]\nmetrics = ["top(y, truth=../x.npy)"]\n')
    with pytest.raises(ParityGateError, match="top"):
        convert_defaults({}, "models/a.onnx", Path("x.onnx"))


def test_a_config_without_defaults_adds_nothing(folder: Path) -> None:
    assert convert_defaults({}, "models/a.onnx", Path("x.onnx")) == {}
    write_config(folder, '[[model]]\npath = "nothing"\n')
    assert convert_defaults({}, "models/a.onnx", Path("x.onnx")) == {}


def test_convert_uses_the_defaults(folder: Path) -> None:
    write_config(folder, "[convert]\nopset = 15\n")
    assert paritygate("convert", "models/a.onnx", "-o", "x.onnx").returncode == 0
    assert [entry.version for entry in onnx.load("x.onnx").opset_import] == [15]


def test_init_prints_the_schema(folder: Path) -> None:
    assert json.loads(paritygate("init", "--schema").stdout)["title"] == "paritygate.toml"
    assert not (folder / "paritygate.toml").exists()


def test_init_without_models_says_so(tmp_path: Path) -> None:
    with pytest.raises(ParityGateError, match="no model was found"):
        write_starter(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_init_looks_past_what_is_no_model(folder: Path) -> None:
    for name in (".venv/x.onnx", "node_modules/x.onnx", "exported/x.onnx", "one/two/three/four/x.onnx"):
        write_model(folder / name)
    (folder / "models" / "weights.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (folder / "link.onnx").symlink_to(folder / "models" / "a.onnx")
    assert sorted(path.name for path in find_models(folder)) == ["a.onnx", "b.onnx", "c.onnx"]
