"""ONNX as a source: other opsets, external data, hostile paths, hints; and the newest opset of the engine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from paritygate.convert import ParityGateError, convert
from paritygate.convert.routes.onnx.opset import opset_of
from paritygate.convert.routes.onnx.save import save_onnx
from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load, newest_opset


def package_folder(name: str) -> Path:
    package = find_spec(name)
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent


def embedding(path: Path, rows: int = 7, *, inline_limit: int = 10**6) -> Path:
    """Looks up 300-wide rows by id and sums them."""
    table = np.random.default_rng(0).normal(size=(rows, 300)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["found"]),
         helper.make_node("ReduceSum", ["found", "axis"], ["sum"], keepdims=0)],
        "embedding",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", 5])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["N", 300])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "axis")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    save_onnx(model, path, inline_limit=inline_limit)
    return path


def test_newest_opset_is_reported_by_the_engine() -> None:
    """ONNX Runtime rejects a model with the next opset."""
    probe = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["x"], ["y"])], "probe",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        ),
        opset_imports=[helper.make_opsetid("", newest_opset() + 1)], ir_version=8,
    )  # fmt: skip
    with pytest.raises(Exception, match="under development"):
        onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("opset", [None, 9, 23])
def test_published_model_at_another_opset(opset: int | None, tmp_path: Path) -> None:
    """basic-pitch's own ONNX file (opset 15) has the same outputs at every opset."""
    source = package_folder("basic_pitch") / "saved_models" / "icassp_2022" / "nmp.onnx"
    output = tmp_path / "moved.onnx"
    conversion = convert(source, output, opset=opset)
    assert conversion.report.passed, str(conversion)
    assert opset_of(onnx.load(str(output))) == (opset or 15)


def test_external_data_is_included(tmp_path: Path) -> None:
    source = embedding(tmp_path / "source.onnx", inline_limit=0)
    assert (tmp_path / "source.onnx.data").exists()
    (tmp_path / "out").mkdir()
    conversion = convert(source, tmp_path / "out" / "model.onnx", opset=17)
    assert conversion.report.passed
    assert validate(source, tmp_path / "out" / "model.onnx", rtol=0, atol=0).passed


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    source = embedding(tmp_path / "source.onnx", inline_limit=0)
    (tmp_path / "source.onnx.data").unlink()
    with pytest.raises(ParityGateError, match=r"source\.onnx\.data") as caught:
        convert(source, tmp_path / "out.onnx")
    assert caught.value.code == "PG402"


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname"])
def test_external_data_may_not_leave_the_folder(location: str, tmp_path: Path) -> None:
    source = embedding(tmp_path / "source.onnx", inline_limit=0)
    model = onnx.load(str(source), load_external_data=False)
    entry = next(e for e in model.graph.initializer[0].external_data if e.key == "location")
    entry.value = location
    source.write_bytes(model.SerializeToString())
    with pytest.raises(ParityGateError) as caught:
        convert(source, tmp_path / "out.onnx")
    assert caught.value.code == "PG502"


def test_ids_stay_inside_the_embedding(tmp_path: Path) -> None:
    """P27: samples stay within the table's rows; ids beyond them would fail in the engine."""
    (hint,) = load(embedding(tmp_path / "e.onnx", rows=7), LoadOptions()).hints()
    assert (hint.name, int(hint.low), int(hint.high)) == ("ids", 0, 6)
    assert convert(tmp_path / "e.onnx", tmp_path / "out.onnx").report.passed
