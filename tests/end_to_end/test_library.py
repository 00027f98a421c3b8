"""The library in a notebook: live objects, typed results, readable answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from paritygate.convert import ExitCode, ParityGateError, convert
from paritygate.validate import validate
from paritygate.validate.events import Event
from paritygate.validate.report.types import Verdict


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    x, y = load_wine(return_X_y=True)
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, y)


@pytest.fixture(scope="module")
def written(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "wine.onnx"
    conversion = convert(pipeline, str(path))
    assert conversion.path == path
    return path


def test_result_reads_well_in_text_and_in_a_notebook(pipeline: Pipeline, tmp_path: Path) -> None:
    conversion = convert(pipeline, tmp_path / "wine.onnx")
    assert conversion.report.verdict is Verdict.PASS
    assert conversion.report.exit_code is ExitCode.PASS
    assert "probabilities" in str(conversion)
    assert str(conversion).splitlines()[-1] == f"written: {tmp_path / 'wine.onnx'}"
    assert "<table" in conversion._repr_html_()


def test_a_live_object_is_validated_against_a_file(pipeline: Pipeline, written: Path) -> None:
    assert validate(pipeline, written).passed


def test_another_fit_is_told_apart(written: Path) -> None:
    x, y = load_wine(return_X_y=True)
    other = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, C=0.9)).fit(x, y)
    report = validate(other, written)
    assert report.exit_code is ExitCode.PARITY_FAILED
    failing = {output.name for output in report.outputs if not output.passed}
    assert "probabilities" in failing


def test_samples_from_a_file_and_per_output_tolerance(pipeline: Pipeline, written: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", load_wine().data[:40].astype(np.float32))
    report = validate(pipeline, written, samples=tmp_path / "rows.npy", tolerances={"probabilities": (0.0, 1e-5)})
    assert report.passed
    assert report.samples.seed is None


def test_double_results_of_single_inputs_are_settled(tmp_path: Path) -> None:
    """Fed float32, a support vector machine's float64 scores change by float32's rounding from batch to batch."""
    x, y = load_digits(return_X_y=True)
    model = make_pipeline(StandardScaler(), PCA(24, random_state=0), SVC()).fit(x[:600], y[:600])
    assert convert(model, tmp_path / "digits.onnx").report.passed


def test_progress_can_be_listened_to(pipeline: Pipeline, tmp_path: Path) -> None:
    events: list[Event] = []
    convert(pipeline, tmp_path / "wine.onnx", on_event=events.append)
    stages = list(dict.fromkeys(event.stage for event in events))
    assert stages.index("run samples") < stages.index("convert")


@pytest.mark.parametrize("source", [object(), 3, {"state": 1}])
def test_what_is_no_model_is_refused(source: object, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as caught:
        convert(source, tmp_path / "x.onnx")
    assert caught.value.code == "PG401"


def test_one_bound_alone_is_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as caught:
        convert(pipeline, tmp_path / "x.onnx", rtol=1e-3)
    assert caught.value.code == "PG201"
