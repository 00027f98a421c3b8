"""Options that don't apply are refused before anything runs, and say what they are for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save_model
from sklearn.linear_model import LinearRegression

from paritygate.convert import ParityGateError, convert
from paritygate.convert.options import CoreMLOptions, TargetOptions
from paritygate.convert.scopes import CORE_ML, TARGET
from paritygate.validate import inspect, run, validate
from paritygate.validate.engines.scopes import LOADING
from paritygate.validate.options import LoadOptions
from paritygate.validate.signature import ImageInput, TensorSpec


@pytest.fixture
def model(tmp_path: Path) -> Path:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


TO_ONNX: dict[str, tuple[dict[str, Any], str]] = {
    "--class-labels": ({"class_labels": ("a", "b")}, "makes a Core ML model a classifier"),
    "--deployment-target": ({"deployment_target": "iOS15"}, "the oldest system that a Core ML model runs on"),
    "--image-input": ({"images": {"x": ImageInput(1.0, (0.0,), "RGB")}}, "an input of a Core ML model an image"),
    "--shapes": ({"shapes": {"x": [(1, 2)]}}, "the shapes that an input of a Core ML model may have"),
}


def refusal(call: Any, *arguments: Any, **options: Any) -> ParityGateError:
    with pytest.raises(ParityGateError) as caught:
        call(*arguments, **options)
    assert (caught.value.code, caught.value.remedy) == ("PG201", "Leave it out.")
    return caught.value


@pytest.mark.parametrize("option", TO_ONNX)
def test_options_for_core_ml(option: str, model: Path, tmp_path: Path) -> None:
    given, purpose = TO_ONNX[option]
    error = refusal(convert, model, tmp_path / "out.onnx", **given)
    assert error.subject == option
    assert purpose in error.cause
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize("suffix", [".mlmodel", ".mlpackage"])
@pytest.mark.parametrize(
    ("option", "given"), [("--opset", {"opset": 17}), ("--second-opinion", {"second_opinion": True})]
)
def test_options_for_onnx(option: str, given: dict[str, Any], suffix: str, model: Path, tmp_path: Path) -> None:
    error = refusal(convert, model, tmp_path / f"out{suffix}", **given)
    assert error.subject == option
    assert error.cause.endswith("is Core ML")


LOADED: dict[str, dict[str, Any]] = {
    "--signature": {"signature": "serving_default"},
    "--weights": {"weights": "w.pt"},
    "--input": {"inputs": (TensorSpec("x", "float32", ("N", 2)),)},
    "--dtype": {"dtype": "float64"},
}


@pytest.mark.parametrize("option", LOADED)
def test_options_for_other_models(option: str, model: Path, tmp_path: Path) -> None:
    """On every command, and for the reference of ``validate``."""
    given = LOADED[option]
    errors = [
        refusal(convert, model, tmp_path / "out.onnx", **given),
        refusal(validate, model, model, **given),
        refusal(run, model, tmp_path / "out.npz", **given),
        refusal(inspect, model, **given),
    ]
    assert {error.subject for error in errors} == {option}
    assert all(error.cause.endswith("and the model is ONNX") for error in errors)


def test_the_width_of_an_estimator_is_its_users_choice(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(9, 2))
    estimator = LinearRegression().fit(x, x[:, 0])
    assert refusal(run, estimator, tmp_path / "out.npz", weights="w.pt").subject == "--weights"
    run(estimator, tmp_path / "out.npz", dtype="float64")


def test_a_range_is_not_for_a_table(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x1,x2\n1,2\n3,4\n")
    error = refusal(run, model, tmp_path / "out.npz", samples=tmp_path / "rows.csv", ranges={"x": (0, 1)})
    assert error.subject == "--range"


def test_every_option_of_a_target_is_in_a_table_or_is_for_all() -> None:
    for group, table, general in (
        (LoadOptions, LOADING, {"trust", "example", "dynamic"}),
        (TargetOptions, TARGET, {"to", "route", "precision", "quantize"}),
        (CoreMLOptions, CORE_ML, set()),
    ):
        assert {field.name for field in fields(group)} == {*table, *general}
