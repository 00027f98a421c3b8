"""Parity in another release of ONNX Runtime, in an environment that this test makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate import validate
from paritygate.validate.elsewhere import releases_for
from paritygate.validate.engines.elsewhere.catalog import RELEASES, release_named
from paritygate.validate.engines.elsewhere.environments import FOLDER_VARIABLE, is_installed, place_of
from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.types import Verdict

OLD = "onnxruntime@1.16"


def write(path: Path, opset: int, ir: int) -> Path:
    head = f'<ir_version: {ir}, opset_import: ["" : {opset}]>'
    text = f"{head} g (float[n,4] x) => (float[n,3] y) {{ a = MatMul(x, w) y = Tanh(a) }}"
    model = parser.parse_model(text)
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the environments, which the first test makes."""
    return tmp_path_factory.mktemp("runtimes")


@pytest.fixture(autouse=True)
def in_that_folder(monkeypatch: pytest.MonkeyPatch, runtimes: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(runtimes))


def test_an_older_release_agrees_refuses_and_is_installed_once(tmp_path: Path, runtimes: Path) -> None:
    model = write(tmp_path / "m.onnx", opset=17, ir=8)
    report = validate(model, model, prove_in=[OLD])
    (note,) = [finding for finding in report.findings if finding.where == OLD]
    assert report.verdict is Verdict.PASS
    assert "1.16.3" in note.message
    assert is_installed(release_named(OLD))
    made = place_of(release_named(OLD)).stat().st_ino

    newer = write(tmp_path / "n.onnx", opset=21, ir=9)
    report = validate(newer, newer, prove_in=[OLD])
    (error,) = [finding for finding in report.findings if finding.where == OLD]
    assert (report.verdict, error.code) == (Verdict.INCONCLUSIVE, "PG337")
    assert "till opset 19" in error.message
    assert place_of(release_named(OLD)).stat().st_ino == made


@pytest.mark.parametrize(
    ("names", "format", "cause"),
    [
        (["onnxruntime@0.9"], "onnx", "there is no such runtime"),
        (["tensorrt"], "onnx", "there is no such runtime"),
        (["litert"], "onnx", "it runs tflite files"),
    ],
)
def test_what_does_not_exist_is_refused_at_once(names: list[str], format: str, cause: str) -> None:
    with pytest.raises(ParityGateError, match=cause) as caught:
        releases_for(names, format)
    assert caught.value.exit_code == 2


def test_a_name_without_version_is_the_newest() -> None:
    assert release_named("onnxruntime").version == "1.31"
    assert release_named("onnxruntime@1.16.3").version == "1.16"


def test_every_pin_has_a_hash() -> None:
    assert all("--hash=sha256:" in pin for release in RELEASES for pin in release.pins)


def test_other_values_elsewhere_fail(tmp_path: Path) -> None:
    """The outputs that another runtime left, changed in one element by more than rounding explains."""
    from paritygate.validate.conclude import Side, read_comparison
    from paritygate.validate.elsewhere import Elsewhere, findings_elsewhere
    from paritygate.validate.engines.registry import ONNX
    from paritygate.validate.expectations.expected import read_expectations
    from paritygate.validate.options import JudgeOptions, ValidateOptions
    from paritygate.validate.samples import load_outputs, save_outputs
    from paritygate.validate.session import Stopwatch, _run_both, handle_for
    from paritygate.validate.verdict.choice import choose_policy
    from paritygate.validate.workers.job_folder import job_folder

    model = write(tmp_path / "m.onnx", opset=17, ir=8)
    options = ValidateOptions()
    with job_folder(None) as job:
        handle = handle_for(str(model), options.load)
        expected, actual, bindings = _run_both(job, (handle, handle), options, Stopwatch())
        sides = [Side(str(model), ONNX, run, model) for run in (expected, actual)]
        comparison = read_comparison(job, *sides, bindings)
        outputs = load_outputs(job.actual)
        for change, codes in ((0.0, {""}), (1e-3, {"PG125"})):
            changed = [{name: array + np.float32(change) for name, array in each.items()} for each in outputs]
            save_outputs(changed, job.elsewhere(OLD))
            there = Elsewhere(release_named(OLD), actual)
            judge = JudgeOptions()
            found = findings_elsewhere(job, comparison, choose_policy(judge), read_expectations(judge), [there])
            assert {finding.code for finding in found} == codes
