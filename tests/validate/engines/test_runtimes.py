"""``--engine``: what runs Core ML models. Apple's framework is a stub here, since it exists on macOS only."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paritygate.validate import run, validate
from paritygate.validate import session as coreml_session
from paritygate.validate.engines.choice import check_engine, handle_for
from paritygate.validate.engines.coreml import native as coreml_native
from paritygate.validate.engines.coreml.lowered import predict
from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.engines.registry import APPLE, BOTH, LOWERED, TFLITE
from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import LoadOptions, RunOptions
from paritygate.validate.report.types import Severity
from paritygate.validate.workers.runner import InProcess

X = np.linspace(-1, 1, 3, dtype=np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """2 x, as a neural network."""
    from paritygate.validate.coreml.files.proto import module

    spec = module("Model_pb2").Model(specificationVersion=4)
    for feature in (spec.description.input.add(name="x"), spec.description.output.add(name="y")):
        feature.type.multiArrayType.dataType = 65568
        feature.type.multiArrayType.shape.append(3)
    layer = spec.neuralNetwork.layers.add(name="double", input=["x"], output=["y"])
    layer.activation.linear.alpha = 2
    spec.neuralNetwork.arrayInputShapeMapping = 1
    (tmp_path / "model.mlmodel").write_bytes(spec.SerializeToString())
    return tmp_path / "model.mlmodel"


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """Softmax over three classes: a label and a dictionary."""
    from paritygate.validate.coreml.files.proto import module

    spec = module("Model_pb2").Model(specificationVersion=4)
    feature = spec.description.input.add(name="x")
    feature.type.multiArrayType.dataType = 65568
    feature.type.multiArrayType.shape.append(3)
    spec.description.output.add(name="label").type.stringType.SetInParent()
    spec.description.output.add(name="scores").type.dictionaryType.stringKeyType.SetInParent()
    spec.description.predictedFeatureName, spec.description.predictedProbabilitiesName = "label", "scores"
    network = spec.neuralNetworkClassifier
    network.layers.add(name="softmax", input=["x"], output=["p"]).softmaxND.axis = 0
    network.stringClassLabels.vector.extend(["a", "b", "c"])
    network.labelProbabilityLayerName, network.arrayInputShapeMapping = "p", 1
    (tmp_path / "classifier.mlmodel").write_bytes(spec.SerializeToString())
    return tmp_path / "classifier.mlmodel"


class Framework:
    """What stands in for coremltools' MLModel: our engine's answers, changed."""

    def __init__(self, path: Path, change: Callable[[Any], Any]) -> None:
        self.path, self.change = path, change

    def predict(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {name: self.change(value) for name, value in predict(self.path, inputs).items()}


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    def install(change: Callable[[Any], Any]) -> None:
        monkeypatch.setattr(coreml_native, "_framework", lambda path, name: Framework(Path(path), change))

    return install


def test_elsewhere_than_on_macos_it_is_refused(model: Path):
    assert platform.system() != "Darwin"
    check_engine([handle_for(model, LoadOptions(), "coreml")], "coreml")
    for engine in (APPLE.name, BOTH):
        with pytest.raises(ParityGateError, match=r"PG207.*macOS only"):
            check_engine([handle_for(model, LoadOptions(), engine)], engine)


def test_an_engine_without_a_model_for_it_is_refused():
    handle = ModelHandle.of(Path("model.tflite"), TFLITE, BOTH)
    with pytest.raises(ParityGateError, match=r"PG201.*none was given"):
        check_engine([handle], BOTH)


def test_an_unknown_engine_is_refused():
    with pytest.raises(ParityGateError, match=r"PG201.*there is no such engine"):
        RunOptions(engine="cuda")


def test_on_macos_a_worker_loads_the_engine_and_coremltools(model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    native, both = (handle_for(model, LoadOptions(), engine) for engine in (APPLE.name, BOTH))
    check_engine([native, both], APPLE.name)
    assert (native.runtime.engine, native.second) == (coreml_native.__name__, None)
    assert (both.runtime, both.second) == (LOWERED, APPLE)
    assert "coremltools" in native.runtime.needs


def test_the_framework_answers(model: Path, framework: Any):
    framework(lambda value: value + 1)
    opened = coreml_native.load(model, LoadOptions())
    np.testing.assert_array_equal(opened.run({"x": X})["y"], 2 * X + 1)
    assert opened.facts().operators == {"activation": 1}


def test_a_dictionary_becomes_keys_and_values(classifier: Path, framework: Any):
    framework(lambda value: value)
    got = coreml_native.load(classifier, LoadOptions()).run({"x": X})
    assert got["scores/keys"].tolist() == ["a", "b", "c"]
    assert got["label"].tolist() == ["c"]


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch, framework: Any) -> Callable[..., Any]:
    """Validate or run with both engines, as on macOS: in this process, where the framework's stand-in is."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(coreml_session, "runner_for", lambda *_, **__: InProcess())

    def with_both(change: Callable[[Any], Any], action: Callable[..., Any], *arguments: Any) -> Any:
        framework(change)
        return (
            action(*arguments, engine=BOTH, localise=False) if action is validate else action(*arguments, engine=BOTH)
        )

    return with_both


@pytest.mark.parametrize("error", [0.0, 1e-7])
def test_engines_that_agree_give_the_lowered_models_outputs(model: Path, both: Any, tmp_path: Path, error: float):
    both(lambda value: value + np.float32(error), run, model, tmp_path / "out.npz")
    outputs = np.load(tmp_path / "out.npz")
    assert outputs
    assert both(lambda value: value + np.float32(error), validate, model, model).passed


def test_engines_that_disagree_are_no_fault_of_a_conversion(model: Path, both: Any, tmp_path: Path):
    report = both(lambda value: value + np.float32(0.01), validate, model, model)
    found = {(finding.code, finding.where) for finding in report.findings if finding.severity is Severity.ERROR}
    assert found == {("PG310", "output y")}
    assert report.exit_code == 3
    with pytest.raises(ParityGateError, match=r"PG310.*output y: two runtimes of the same format") as caught:
        both(lambda value: value + np.float32(0.01), run, model, tmp_path / "out.npz")
    assert caught.value.exit_code == 3
    assert not (tmp_path / "out.npz").exists()


def test_the_order_of_a_dictionary_is_no_disagreement(classifier: Path, both: Any):
    def reverse(value: Any) -> Any:
        return dict(reversed(value.items())) if isinstance(value, dict) else value

    assert not [f for f in both(reverse, validate, classifier, classifier).findings if f.code == "PG310"]


@pytest.mark.parametrize("command", [["run", "-o", "out.npz"], ["validate"]])
def test_the_command_says_so(model: Path, command: list[str]):
    models = [str(model)] * (1 + (command[0] == "validate"))
    arguments = [sys.executable, "-m", "paritygate.cli", command[0], *models, *command[1:], "--engine", "coreml-native"]
    result = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "PG207" in result.stderr
