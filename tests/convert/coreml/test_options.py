"""Images, class labels, precision and deployment targets, from the command line to the written file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from paritygate.convert.option_texts import parse_dynamic, parse_images, parse_shapes, read_labels
from paritygate.validate.engines.coreml.lowered import load
from paritygate.validate.errors import ExitCode, ParityGateError
from paritygate.validate.options import LoadOptions
from paritygate.validate.signature import ImageInput


@pytest.mark.parametrize(
    ("text", "name", "image"),
    [
        ("image", "image", ImageInput()),
        ("image:scale=0.5,bias=-1", "image", ImageInput(0.5, (-1.0,))),
        ("image:bias=1/2/3,layout=bgr", "image", ImageInput(1.0, (1.0, 2.0, 3.0), "BGR")),
        ("x:layout=GRAY", "x", ImageInput(layout="GRAY")),
    ],
)
def test_images(text: str, name: str, image: ImageInput) -> None:
    assert parse_images((text,)) == {name: image}


@pytest.mark.parametrize("text", ["image:scale=0", "image:scale=a", "image:layout=CMYK", ":scale=1", "image:gamma=2"])
def test_invalid_images_are_rejected(text: str) -> None:
    with pytest.raises(ParityGateError, match="isn't NAME"):
        parse_images((text,))


def test_shapes_are_collected_by_input() -> None:
    assert parse_shapes(("x:1,3,8", "x:1,3,16", "y:2")) == {"x": ((1, 3, 8), (1, 3, 16)), "y": ((2,),)}


@pytest.mark.parametrize("text", ["x", "x:", "x:1,a", "x:0,3", ":1"])
def test_invalid_shapes_are_rejected(text: str) -> None:
    with pytest.raises(ParityGateError, match="PG201"):
        parse_shapes((text,))


def test_bounds_of_axes() -> None:
    texts = ("x:1", "a:b:0:1:16")
    options = LoadOptions(dynamic=parse_dynamic(texts))
    assert options.axes == (("x", 1), ("a:b", 0))
    assert options.ranges == {("a:b", 0): (1, 16)}


@pytest.mark.parametrize("text", ["x:1:5:2", "x:1:0:2", "x", "x:a", ":1"])
def test_invalid_bounds_are_rejected(text: str) -> None:
    with pytest.raises(ParityGateError, match="PG201"):
        parse_dynamic((text,))


@pytest.mark.parametrize(
    ("name", "text", "labels"),
    [("l.txt", "cat\ndog\n", ("cat", "dog")), ("l.json", '["a", "b"]', ("a", "b")), ("l.json", "[3, 5]", (3, 5))],
)
def test_labels(name: str, text: str, labels: tuple[Any, ...], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_labels(tmp_path / name) == labels


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.txt", "cat\ncat"),
        ("l.txt", ""),
        ("l.txt", "a\n\nb"),
        ("l.json", "{}"),
        ("l.json", "[1, 'a']"),
        ("l.json", '[1, "a"]'),
        ("l.json", "[0.5]"),
    ],
)
def test_invalid_labels_are_rejected(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ParityGateError, match="PG201"):
        read_labels(tmp_path / name)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images (N, 3, 6, 5) in -1..1 to three probabilities."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> m (float[N, 3, 6, 5] image) => (float[N, 3] scores) '
        "{ a = Conv (image, w)  b = Relu (a)  c = GlobalAveragePool (b)  d = Flatten (c)  scores = Softmax (d) }"
    )
    weights = np.random.default_rng(0).normal(size=(3, 3, 3, 2)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    path = tmp_path_factory.mktemp("classifier") / "classifier.onnx"
    onnx.save(model, str(path))
    return path


def run(*arguments: Any) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "paritygate.cli", "convert", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
def test_a_classifier_of_images(suffix: str, classifier: Path, tmp_path: Path) -> None:
    """The prediction for an image equals the source's for its scaled pixels; labels in the file's order."""
    output, labels = tmp_path / f"out{suffix}", tmp_path / "labels.txt"
    labels.write_text("cat\ndog\nfish\n")
    image = "image:scale=0.00784313725,bias=-1"
    code, result = run(classifier, "-o", output, "--image-input", image, "--class-labels", labels)
    assert code == ExitCode.PASS, result
    picture = np.random.default_rng(1).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    answer = load(output, LoadOptions()).session.predict({"image": picture.transpose(2, 0, 1)[None]})
    probabilities = next(value for value in answer.values() if isinstance(value, dict))
    fed = (picture.transpose(2, 0, 1)[None] * np.float32(0.00784313725) - 1).astype(np.float32)
    import onnxruntime

    expected = onnxruntime.InferenceSession(str(classifier)).run(None, {"image": fed})[0][0]
    np.testing.assert_allclose([probabilities[name] for name in ("cat", "dog", "fish")], expected, rtol=1e-5)
    label = next(value for value in answer.values() if isinstance(value, str))
    assert label == ("cat", "dog", "fish")[int(expected.argmax())]


def test_more_labels_than_classes_are_rejected(classifier: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\nfish\nbird\n")
    code, result = run(classifier, "-o", tmp_path / "out.mlpackage", "--class-labels", labels)
    assert code != ExitCode.PASS, result
    assert not (tmp_path / "out.mlpackage").exists()


@pytest.mark.parametrize(
    ("options", "specification", "precision"),
    [
        ((), 6, "float32"),
        (("--precision", "fp16"), 6, "float16"),
        (("--deployment-target", "macOS14"), 8, "float32"),
        (("--precision", "mixed", "--deployment-target", "iOS16"), 7, "float16"),
    ],
)
def test_precision_and_target(
    options: tuple[str, ...], specification: int, precision: str, classifier: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mlpackage"
    code, result = run(classifier, "-o", output, *options)
    assert code == ExitCode.PASS, result
    facts = load(output, LoadOptions()).facts()
    assert facts.format.endswith(f"specification {specification}")
    assert facts.precision == precision


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs with an axis N in common, whose lengths must be equal."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> m (float[N, 3] x, float[2, N] y) => (float[2, 3] z) '
        "{ z = MatMul (y, x) }"
    )
    path = tmp_path_factory.mktemp("pair") / "pair.onnx"
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("asked", [("--shapes", "x:5,3"), ("--dynamic", "x:0:5:5")])
def test_a_length_fixed_by_the_user_is_not_a_narrowing(asked: tuple[str, str], pair: Path, tmp_path: Path) -> None:
    """The equal axis of the other input gets the same range."""
    code, result = run(pair, "-o", tmp_path / "out.mlpackage", *asked)
    assert code == ExitCode.PASS, result
    said = [
        (finding["where"], finding["message"])
        for finding in result["result"]["findings"]
        if finding["severity"] == "note"
    ]
    assert {("input x", "axis 0 (N) is 5, as requested"), ("input y", "axis 1 (N) is 5, as requested")} <= {*said}
    shapes = {spec.name: spec.shape for spec in load(tmp_path / "out.mlpackage", LoadOptions()).signature.inputs}
    assert shapes == {"x": (5, 3), "y": (2, 5)}


def test_axes_that_must_be_equal_share_one_range(pair: Path, tmp_path: Path) -> None:
    code, result = run(pair, "-o", tmp_path / "out.mlpackage", "--dynamic", "x:0:2:9")
    assert code == ExitCode.PASS, result
    notes = {finding["message"] for finding in result["result"]["findings"]}
    assert {"x: axis 0 takes 2 to 9", "y: axis 1 takes 2 to 9"} <= notes


def test_a_fixed_axis_accepts_no_range(pair: Path, tmp_path: Path) -> None:
    code, result = run(pair, "-o", tmp_path / "out.mlpackage", "--dynamic", "x:1:2:9")
    assert code == ExitCode.USAGE, result


def test_a_model_of_another_framework_may_follow_in_one_process() -> None:
    """coremltools keeps for good which frameworks it found: a notebook converts an estimator, then a network."""
    script = (
        "from paritygate.convert.routes.coreml.target import coremltools\n"
        "coremltools()\n"
        "from coremltools import _deps as found\n"
        "print(found._HAS_TF, found._HAS_TORCH)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
