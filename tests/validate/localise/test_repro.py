"""The repro, and the commands that write it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from localise_helpers import FEEDS, changed, find, nudged, opened, run_repro

from fixtures.onnx_classifier import classifier
from paritygate.convert import convert
from paritygate.convert.routes.registry import ROUTES, Route
from paritygate.validate import validate
from paritygate.validate.localise import repro as repro_module
from paritygate.validate.localise.instrumented import InstrumentedRun
from paritygate.validate.localise.repro import extract_part, free_folder, write_repro

ROOT = Path(__file__).parents[3]


def test_the_repro_shows_the_fault_and_passes_once_it_is_fixed(tmp_path: Path) -> None:
    reference = opened(classifier(), tmp_path / "a.onnx")
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    found = find(reference, candidate, FEEDS)
    assert found is not None
    run = InstrumentedRun(candidate, FEEDS[0])
    model, inputs = extract_part(run.graph(), found, run)
    folder = tmp_path / "b.repro"
    about = {"reference": "a", "candidate": "b", "tensor": "hidden", "operators": "Gemm", "layer": "hidden"}
    write_repro(folder, model, inputs, found, about)
    shown = run_repro(folder)
    assert "of hidden differ" in shown.stdout, shown.stderr
    assert shown.returncode == 1
    (tensor,) = model.graph.initializer
    right = next(each for each in classifier().graph.initializer if each.name == "square")
    tensor.CopyFrom(right)
    onnx.save(model, folder / "model.onnx")
    assert run_repro(folder).returncode == 0


def test_a_repro_is_written_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    found = find(opened(classifier(), tmp_path / "a.onnx"), candidate, FEEDS)
    assert found is not None

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(repro_module.np, "save", full)
    with pytest.raises(OSError, match="no space"):
        write_repro(tmp_path / "b.repro", onnx.ModelProto(), {}, found, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


def test_other_folders_are_not_overwritten(tmp_path: Path) -> None:
    wanted = tmp_path / "model.repro"
    assert free_folder(wanted) == wanted
    wanted.mkdir()
    assert free_folder(wanted) == tmp_path / "model.repro-2"
    (wanted / "repro.py").touch()
    assert free_folder(wanted) == wanted, "an older repro is replaced"


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "paritygate.cli", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_failing_command_reports_the_place_and_writes_a_repro(tmp_path: Path) -> None:
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    shown = command("validate", tmp_path / "a.onnx", tmp_path / "b.onnx", "--repro", tmp_path / "new" / "b.repro")
    assert shown.returncode == 1
    for text in ("first divergence", "Gemm 'hidden'", "the error starts here", "transB=1", "run it again: python"):
        assert text in shown.stdout, shown.stdout
    assert run_repro(tmp_path / "new" / "b.repro").returncode == 1


def test_validate_writes_no_repro_unasked_and_says_how_to_get_one(tmp_path: Path) -> None:
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    report = validate(tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert report.divergence is not None
    assert report.divergence.repro == ""
    assert "with repro=FOLDER" in str(report)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


NUDGING_ROUTE = """
import onnx
from paritygate.convert.routes.onnx.to_onnx import convert as honest
from fixtures.onnx_classifier import nudge, weight

def convert(model, destination, options):
    candidate = honest(model, destination, options)
    changed = onnx.load(str(destination))
    weight(changed, "square", nudge)
    onnx.save(changed, str(destination))
    return candidate
"""


def test_a_failing_conversion_writes_nothing_but_a_repro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nudging_route.py").write_text(NUDGING_ROUTE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setitem(ROUTES, ("onnx", "onnx"), (Route("direct", ("nudging_route",)),))
    onnx.save(classifier(), tmp_path / "a.onnx")
    (tmp_path / "out").mkdir()
    conversion = convert(tmp_path / "a.onnx", tmp_path / "out" / "b.onnx", localise=True)
    found = conversion.report.divergence
    assert found is not None, str(conversion)
    assert (found.layer, conversion.path) == ("hidden", None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.repro"]


def test_no_localise_skips_the_search(tmp_path: Path) -> None:
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    shown = command("validate", tmp_path / "a.onnx", tmp_path / "b.onnx", "--no-localise", "--json")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["result"]["divergence"] is None
    assert not (tmp_path / "b.repro").exists()
