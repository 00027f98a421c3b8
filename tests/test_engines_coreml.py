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

from paritygate.validate.detect import detect
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml.lowered import both as coreml_native_beside
from paritygate.validate.engines.coreml.lowered import native as coreml_native
from paritygate.validate.engines.coreml.lowered import predict
from paritygate.validate.engines.coreml.native import with_engine
from paritygate.validate.engines.registry import COREML_ENGINES, FORMATS
from paritygate.validate.errors import ParityGateError

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
    row = detect(model)
    assert with_engine((row,), "coreml") == (row,)
    for engine in COREML_ENGINES[1:]:
        with pytest.raises(ParityGateError, match=r"PG207.*macOS only"):
            with_engine((row,), engine)


@pytest.mark.parametrize(("engine", "reason"), [("both", "none was given"), ("cuda", "there is no such engine")])
def test_what_makes_no_sense_is_refused(engine: str, reason: str):
    onnx = next(row for row in FORMATS if row.name == "onnx")
    with pytest.raises(ParityGateError, match=f"PG201.*{reason}"):
        with_engine((onnx,), engine)


def test_on_macos_a_worker_loads_the_engine_and_coremltools(model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    (native,), (both,) = (with_engine((detect(model),), engine) for engine in COREML_ENGINES[1:])
    assert (native.engine, both.engine) == (coreml_native.__name__, coreml_native_beside.__name__)
    assert "coremltools" in native.needs


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


@pytest.mark.parametrize("error", [0.0, 1e-7])
def test_engines_that_agree_give_our_answer(model: Path, framework: Any, error: float):
    framework(lambda value: value + np.float32(error))
    np.testing.assert_array_equal(coreml_native_beside.load(model, LoadOptions()).run({"x": X})["y"], 2 * X)


def test_engines_that_disagree_are_no_fault_of_a_conversion(model: Path, framework: Any):
    framework(lambda value: value + np.float32(0.01))
    with pytest.raises(ParityGateError, match=r"PG310.*output 'y': Apple's framework and our engine disagree") as e:
        coreml_native_beside.load(model, LoadOptions()).run({"x": X})
    assert e.value.exit_code == 3


def test_the_order_of_a_dictionary_is_no_disagreement(classifier: Path, framework: Any):
    framework(lambda value: dict(reversed(value.items())) if isinstance(value, dict) else value)
    coreml_native_beside.load(classifier, LoadOptions()).run({"x": X})


@pytest.mark.parametrize("command", [["run", "-o", "out.npz"], ["validate"]])
def test_the_command_says_so(model: Path, command: list[str]):
    models = [str(model)] * (1 + (command[0] == "validate"))
    arguments = [sys.executable, "-m", "paritygate.cli", command[0], *models, *command[1:], "--engine", "coreml-native"]
    result = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "PG207" in result.stderr
