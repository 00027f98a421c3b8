"""The frame of the lowerings: files, weights, rounding, binding, sessions. Models are made by coremltools."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whole import coremltools

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry
from paritygate.validate.coreml.bind import MIL, Op, TensorType
from paritygate.validate.coreml.dtypes import BY_NAME, unpack_bits
from paritygate.validate.coreml.export import write_onnx
from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.coreml.files.proto import parse_model
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.graph import Graph
from paritygate.validate.coreml.lower import lower
from paritygate.validate.coreml.runtime import Session
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml.lowered import load, predict
from paritygate.validate.errors import ParityGateError

WEIGHTS = np.random.default_rng(0).normal(size=(16, 3, 3, 3)).astype(np.float32)
SPEC = Path("Data/com.apple.CoreML/model.mlmodel")


def save(program, folder: Path, precision: str = "FLOAT32") -> Path:
    ct = coremltools()
    model = ct.convert(
        program,
        convert_to="mlprogram",
        compute_precision=getattr(ct.precision, precision),
        minimum_deployment_target=ct.target.iOS17,
        skip_model_load=True,
    )
    model.save(str(folder))
    return folder


@pytest.fixture(scope="module")
def convnet(tmp_path_factory) -> Path:
    ct = coremltools()
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec((1, 3, 8, 8))], opset_version=ct.target.iOS17)
    def program(x):
        y = Builder.relu(x=Builder.conv(x=x, weight=WEIGHTS, pad_type="same", strides=[2, 2]), name="above_zero")
        return Builder.reduce_mean(x=y, axes=[2, 3], name="pooled")

    return save(program, tmp_path_factory.mktemp("models") / "convnet.mlpackage")


@pytest.fixture
def copy(convnet: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(convnet, tmp_path / "copy.mlpackage"))


def code(path: Path) -> str:
    with pytest.raises(ParityGateError) as caught:
        load(path, LoadOptions())
    return caught.value.code


def test_signature_and_facts(convnet: Path):
    model = load(convnet, LoadOptions())
    assert str(model.signature.inputs[0]) == "x: float32[1, 3, 8, 8]"
    assert [o.name for o in model.signature.outputs] == ["pooled"]
    facts = model.facts()
    assert facts.operators == {"conv": 1, "relu": 1, "reduce_mean": 1}
    assert facts.parameters == WEIGHTS.size
    assert facts.opset == "CoreML7"


def test_a_value_that_is_returned_twice_is_one_output(tmp_path: Path):
    """As in Apple's test_duplicate_output_not_raise_errors."""
    coremltools()
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec((2, 3))])
    def program(x):
        y = Builder.relu(x=x, name="y")
        return y, y

    package = save(program, tmp_path / "twice.mlpackage")
    assert [f.name for f in open_package(package).spec.description.output] == ["y", "y"]
    x = np.array([[-1, 0, 2], [3, -4, 5]], np.float32)
    (got,) = predict(package, {"x": x}).values()
    np.testing.assert_array_equal(got, np.maximum(x, 0))


def test_a_written_onnx_file_computes_the_same(convnet: Path, tmp_path: Path):
    x = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    write_onnx(lower(open_package(convnet)), tmp_path / "model.onnx")
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    np.testing.assert_array_equal(session.run(None, {"x": x})[0], predict(convnet, {"x": x})["pooled"])
    assert any(
        node.name == "relu:above_zero/Relu" + node.name.rsplit("Relu")[-1]
        for node in onnx.load(tmp_path / "model.onnx").graph.node
    )


def test_weights_are_read_without_a_copy(convnet: Path):
    package = open_package(convnet)
    _, weights = lower(package).graph.build()
    assert [package.blobs.locate(w) is not None for w in weights.values()] == [True]


def test_float16_is_rounded_after_every_operator(tmp_path: Path):
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec((4,))], opset_version=coremltools().target.iOS17)
    def program(x):
        return Builder.sub(x=Builder.add(x=x, y=np.float32(1000)), y=np.float32(1000), name="rest")

    x = np.array([0.1, 0.2, 0.3, 7.3], np.float32)
    got = predict(save(program, tmp_path / "half.mlpackage", "FLOAT16"), {"x": x})["rest"]
    thousand = np.float16(1000)
    np.testing.assert_array_equal(got, (x.astype(np.float16) + thousand) - thousand)
    assert not np.allclose(got, x, atol=0.05)  # the result without rounding


def test_inputs_of_the_wrong_shape_are_rejected_by_name(convnet: Path):
    for feed in ({}, {"x": np.zeros((1, 3, 9, 8))}):
        with pytest.raises(ParityGateError, match="input 'x'") as caught:
            predict(convnet, feed)
        assert caught.value.code == "PG204"


def test_nothing_there(tmp_path: Path):
    assert code(tmp_path / "missing.mlmodel") == "PG202"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04rest", b"\x08", b"not a model", b"\xff" * 100])
def test_a_file_that_is_not_a_model(tmp_path: Path, content: bytes):
    (tmp_path / "bad.mlmodel").write_bytes(content)
    assert code(tmp_path / "bad.mlmodel") == "PG402"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("../../outside", "PG502"), ("/etc/hostname", "PG502"), ("a\0b", "PG502"), ("com.apple.CoreML/none", "PG402")],
)
def test_a_manifest_with_a_path_outside_of_the_package(copy: Path, path: str, wanted: str):
    manifest = json.loads((copy / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = path
    (copy / "Manifest.json").write_text(json.dumps(manifest))
    assert code(copy) == wanted


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"rootModelIdentifier": "x", "itemInfoEntries": []}', "[" * 10000]
)
def test_a_manifest_without_a_model(copy: Path, content: str):
    (copy / "Manifest.json").write_text(content)
    assert code(copy) == "PG402"


def test_a_link_out_of_the_package(copy: Path, tmp_path: Path):
    (copy / SPEC).rename(tmp_path / "elsewhere")
    (copy / SPEC).symlink_to(tmp_path / "elsewhere")
    assert code(copy) == "PG502"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"fileName": "@model_path/../../../secret"}, "PG502"),
        ({"fileName": "@model_path/weights/none.bin"}, "PG402"),
        ({"offset": 1 << 62}, "PG402"),
        ({"offset": 0}, "PG402"),
        ({"offset": 65}, "PG402"),
    ],
)
def test_a_weight_outside_of_the_package(copy: Path, change: dict[str, object], wanted: str):
    edit_weight(copy, lambda value: [setattr(value.blobFileValue, k, v) for k, v in change.items()])
    assert code(copy) == wanted


@pytest.mark.parametrize("size", [0, 1 << 20, (1 << 63) - 1])
def test_a_weight_of_another_size(copy: Path, size: int):
    edit_weight(copy, lambda value: setattr(value.type.tensorType.dimensions[0].constant, "size", size))
    assert code(copy) == "PG402"


def edit_weight(package: Path, edit) -> None:
    spec = parse_model((package / SPEC).read_bytes(), "the copy")
    function = spec.mlProgram.functions["main"]
    operations = function.block_specializations[function.opset].operations
    for operation in operations:
        if operation.attributes["val"].HasField("blobFileValue"):
            edit(operation.attributes["val"])
    (package / SPEC).write_bytes(spec.SerializeToString())


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_damaged_bytes_are_rejected_or_run(convnet: Path, tmp_path_factory, data: st.DataObject):
    content = bytearray((convnet / SPEC).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("fuzz") / "model.mlpackage"
    shutil.copytree(convnet, folder)
    (folder / SPEC).write_bytes(
        content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    )
    outcome = "runs"
    try:
        load(folder, LoadOptions())
    except ParityGateError as e:
        outcome = e.code
    assert outcome in {"runs", "PG402", "PG404", "PG405", "PG502"}


@pytest.mark.parametrize("name", ["uint1", "uint2", "uint3", "uint4", "uint6", "int4"])
def test_elements_below_a_byte(name: str):
    coremltools()
    from coremltools.optimize._utils import pack_elements_into_bits

    element = BY_NAME[name]
    low, high = (-8, 8) if name == "int4" else (0, 1 << element.bits)
    values = np.random.default_rng(3).integers(low, high, 37).astype(element.dtype)
    packed = pack_elements_into_bits(values, element.bits)
    assert packed.nbytes == element.bytes_for(37)
    np.testing.assert_array_equal(unpack_bits(packed, element, 37), values)


@pytest.mark.parametrize(
    ("name", "writer"), [("fp32", "float"), ("fp16", "fp16"), ("int8", "int8"), ("uint16", "uint16"), ("int4", "int4")]
)
def test_blobs_that_coremltools_wrote(tmp_path: Path, name: str, writer: str):
    coremltools()
    from coremltools.libmilstoragepython import _BlobStorageWriter as BlobStorageWriter

    element = BY_NAME[name]
    values = np.arange(-3, 4).astype(element.dtype)
    raw = values.view(np.uint16) if name == "fp16" else values
    file = BlobStorageWriter(str(tmp_path / "weight.bin"))
    offset = getattr(file, f"write_{writer}_data")(raw)
    del file
    np.testing.assert_array_equal(Blobs(tmp_path).read("@model_path/weight.bin", offset, element, 7), values)


def test_a_computed_argument_that_must_be_constant_is_rejected():
    g = Graph()
    op = Op("leaky_relu", "act_3", 17, (TensorType(np.dtype("float32"), (2,)),))
    arguments = {"x": [g.input("x", "float32", (2,))], "alpha": [g.input("alpha", "float32", ())]}
    with pytest.raises(ParityGateError, match=r"op 'leaky_relu' \(iOS17\), node 'act_3': 'alpha' must be a constant"):
        MIL.find(op)(g, op, arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({}, "its parameter x is missing"), ({"x": 1.0, "speed": 2.0}, "it has no parameter speed in this opset")],
)
def test_arguments_that_are_not_the_operators(arguments: dict[str, float], message: str):
    g = Graph()
    op = Op("relu", "r", 15, (TensorType(np.dtype("float32"), ()),))
    with pytest.raises(ParityGateError, match=message):
        MIL.find(op)(g, op, {k: [g.const(v, "float32")] for k, v in arguments.items()})


def test_a_misspelt_attribute_is_rejected_immediately():
    g = Graph()
    with g.scope("conv:a"), pytest.raises(ParityGateError, match="conv:a: ONNX Relu has no attribute alpha"):
        g.op("Relu", g.const([1.0], "float32"), alpha=1)


def test_a_session_can_predict_repeatedly(convnet: Path):
    session = Session(lower(open_package(convnet)))
    x = np.ones((1, 3, 8, 8), np.float32)
    np.testing.assert_array_equal(session.predict({"x": x})["pooled"], session.predict({"x": x})["pooled"])
