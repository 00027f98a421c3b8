"""Several ways lead to Core ML: parity decides which one is taken, and the report says why the others were not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from paritygate.convert import ParityGateError, convert
from paritygate.convert.routes.registry import ROUTES, Route
from paritygate.validate import validate
from paritygate.validate.report.types import Verdict

OURS = ROUTES["onnx", "coreml"][0]

NUDGED = """
import onnx
from onnx import numpy_helper
from paritygate.convert.routes.onnx.to_coreml.route import convert as honest


def convert(model, destination, options):
    proto = onnx.load(str(model.native))
    weight = numpy_helper.to_array(proto.graph.initializer[0]).copy()
    weight.flat[0] += 0.01
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, proto.graph.initializer[0].name))
    nudged = destination.with_suffix(".nudged.onnx")
    onnx.save(proto, str(nudged))
    model.native = nudged
    return honest(model, destination, options)
"""

REFUSING = """
from paritygate.validate.errors import ParityGateError


def convert(model, destination, options):
    raise ParityGateError("PG404", "Swish", "no translation")
"""

UNREADABLE = """
from paritygate.convert.routes.base import Candidate


def convert(model, destination, options):
    destination.mkdir()
    (destination / "Manifest.json").write_text("{}")
    return Candidate(destination, "scribble", {"x": "x"}, {"y": "y"})
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """y = relu(x w) + 1 for any batch."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> m (float[N, 4] x) => (float[N, 3] y) '
        "{ a = MatMul (x, w)  b = Relu (a)  y = Add (b, one) }"
    )
    weights = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1), "one"))
    onnx.save(model, str(tmp_path / "source.onnx"))
    return tmp_path / "source.onnx"


@pytest.fixture
def ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put ways whose modules are given as texts before our own one; None stands for that."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def put(**texts: str | None) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name}_route.py").write_text(text or "")
        found = tuple(Route(name, OURS.steps if text is None else (f"{name}_route",)) for name, text in texts.items())
        monkeypatch.setitem(ROUTES, ("onnx", "coreml"), found)

    return put


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(NUDGED, "route first was rejected: y: ", id="no parity"),
        pytest.param(REFUSING, "route first was rejected: Swish: no translation", id="no conversion"),
        pytest.param(UNREADABLE, "route first was rejected: ", id="no model"),
    ],
)
def test_the_next_way_is_taken_and_the_report_says_why(
    text: str, said: str, source: Path, ways, tmp_path: Path
) -> None:
    ways(first=text, second=None)
    conversion = convert(source, tmp_path / "out.mlpackage")
    assert conversion.report.verdict is Verdict.PASS, str(conversion)
    assert any(said in finding.message for finding in conversion.report.findings)
    assert validate(source, tmp_path / "out.mlpackage").passed


def test_the_first_good_way_is_taken(source: Path, ways, tmp_path: Path) -> None:
    ways(first=None, second=REFUSING)
    conversion = convert(source, tmp_path / "out.mlpackage")
    assert conversion.report.passed
    assert not any("was rejected" in finding.message for finding in conversion.report.findings)


def test_without_a_good_way_the_first_report_stands_and_nothing_is_written(source: Path, ways, tmp_path: Path) -> None:
    ways(first=NUDGED, second=REFUSING)
    conversion = convert(source, tmp_path / "out.mlpackage")
    assert conversion.report.verdict is Verdict.FAIL
    assert conversion.path is None
    assert not (tmp_path / "out.mlpackage").exists()


def test_errors_of_all_ways_are_told_together(source: Path, ways, tmp_path: Path) -> None:
    ways(first=REFUSING, second=REFUSING.replace("Swish", "Mish"))
    with pytest.raises(ParityGateError) as caught:
        convert(source, tmp_path / "out.mlpackage")
    assert (caught.value.code, caught.value.subject) == ("PG404", "Swish")
    assert "route second: Mish: no translation" in caught.value.cause


def test_one_way_can_be_picked(source: Path, ways, tmp_path: Path) -> None:
    ways(first=REFUSING, second=None)
    assert convert(source, tmp_path / "out.mlpackage", route="second").report.passed
    with pytest.raises(ParityGateError, match="Swish"):
        convert(source, tmp_path / "out.mlpackage", route="first")
    with pytest.raises(ParityGateError, match=r"PG201.*third"):
        convert(source, tmp_path / "out.mlpackage", route="third")


def test_a_package_replaces_a_package(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mlpackage"
    assert convert(source, output).report.passed
    (output / "note.txt").write_text("of the old one")
    assert convert(source, output, precision="fp16").report.passed
    assert not (output / "note.txt").exists()
    assert [path.name for path in tmp_path.glob("*.mlpackage*")] == ["out.mlpackage"]
    assert not list(tmp_path.glob(".*"))


def test_a_failed_conversion_leaves_the_old_package_alone(source: Path, ways, tmp_path: Path) -> None:
    output = tmp_path / "out.mlpackage"
    assert convert(source, output).report.passed
    (output / "note.txt").write_text("of the old one")
    ways(first=NUDGED)
    assert not convert(source, output).report.passed
    assert (output / "note.txt").exists()


def test_a_folder_that_is_no_package_is_not_replaced(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mlpackage"
    output.mkdir()
    with pytest.raises(ParityGateError, match="PG205"):
        convert(source, output)


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("out.mlmodel", {"precision": "fp16"}, "PG201"),
        ("out.mlpackage", {"deployment_target": "iOS14"}, "PG408"),
        ("out.mlpackage", {"deployment_target": "iOS99"}, "PG201"),
        ("out.mlpackage", {"shapes": {"z": [(1, 4)]}}, "PG201"),
        ("out.mlpackage", {"shapes": {"x": [(1, 5)]}}, "PG201"),
        ("out.mlpackage", {"dynamic": [("z", 0, 1, 8)]}, "PG201"),
        ("out.tflite", {}, "PG205"),
    ],
)
def test_bad_options_are_refused(name: str, options: dict, code: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as caught:
        convert(source, tmp_path / name, **options)
    assert caught.value.code == code
    assert not (tmp_path / name).exists()


def test_the_target_can_be_named_apart_from_the_suffix(source: Path, tmp_path: Path) -> None:
    assert convert(source, tmp_path / "model.bin", to="mlmodel").report.passed
    assert (tmp_path / "model.bin").is_file()


def test_a_range_and_listed_shapes_are_kept(source: Path, tmp_path: Path) -> None:
    ranged = convert(source, tmp_path / "range.mlpackage", dynamic=[("x", 0, 1, 8)])
    assert ranged.report.passed
    assert not any("one by one" in finding.message for finding in ranged.report.findings)  # it takes batches
    listed = convert(source, tmp_path / "listed.mlpackage", shapes={"x": [(1, 4), (3, 4)]}, batch_sizes=(1, 3))
    assert listed.report.passed
