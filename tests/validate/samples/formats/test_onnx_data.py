"""Samples from ONNX test data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sample_helpers import only, refused, signature, spec

from paritygate.validate.engines import onnxruntime as onnxruntime_engine
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import read_samples


def save_tensors(folder: Path, *arrays: np.ndarray, names: tuple[str, ...] = ()) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, array in enumerate(arrays):
        tensor = numpy_helper.from_array(array, names[number] if names else None)
        (folder / f"input_{number}.pb").write_bytes(tensor.SerializeToString())


TWO = signature(spec("b", "float32", "N", 2), spec("a", "int64"))


def test_onnx_test_data_is_bound_by_position(tmp_path):
    for number in (0, 2, 10):
        save_tensors(tmp_path / f"test_data_set_{number}", np.full((number + 1, 2), number, "f4"), np.int64(number))
    (tmp_path / "test_data_set_0" / "output_0.pb").write_bytes(b"")
    (tmp_path / "model.onnx").write_bytes(b"")
    samples = read_samples(tmp_path, TWO)
    assert [item.label for item in samples.items] == ["data set 0", "data set 2", "data set 10"]
    assert [(feed["b"].shape, int(feed["a"])) for feed in samples.feeds] == [((1, 2), 0), ((3, 2), 2), ((11, 2), 10)]


def test_onnx_test_data_is_bound_by_name_where_all_tensors_carry_the_models_names(tmp_path):
    save_tensors(tmp_path, np.int64(7), np.zeros((1, 2), "f4"), names=("a", "b"))
    assert only(read_samples(tmp_path, TWO))["a"] == 7
    assert only(read_samples(tmp_path, None)).keys() == {"a", "b"}


def test_names_of_another_model_do_not_bind_onnx_test_data(tmp_path):
    save_tensors(tmp_path, np.zeros((1, 2), "f4"), np.int64(7), names=("a", "x"))
    assert only(read_samples(tmp_path, TWO))["a"] == 7


def test_onnx_strings_are_text(tmp_path):
    save_tensors(tmp_path, np.array([["ü"], [""]], dtype=object))
    assert only(read_samples(tmp_path, signature(spec("t", "str", "N", 1))))["t"].tolist() == [["ü"], [""]]


def external(folder: Path) -> None:
    tensor = numpy_helper.from_array(np.zeros(2, "f4"))
    onnx.external_data_helper.set_external_data(tensor, "../secret")
    (folder / "input_0.pb").write_bytes(tensor.SerializeToString())


def sequence(folder: Path) -> None:
    proto = numpy_helper.from_list([np.zeros(2, "f4")], "some", onnx.SequenceProto.TENSOR)
    (folder / "input_0.pb").write_bytes(proto.SerializeToString())


BAD_TENSORS = [
    ("PG203", lambda folder: save_tensors(folder / "test_data_set_0"), "found: none"),
    ("PG203", lambda folder: (save_tensors(folder, np.zeros(1), np.zeros(1)), (folder / "input_0.pb").unlink()), "gap"),
    ("PG203", lambda folder: (folder / "input_0.pb").write_bytes(b"garbage"), "not an ONNX tensor"),
    ("PG203", lambda folder: (folder / "input_0.pb").write_bytes(b""), "not a plain tensor"),
    ("PG203", external, "another file"),
    ("PG203", sequence, "sequence"),
    ("PG204", lambda folder: save_tensors(folder, np.zeros(1)), "1 arrays without names, the model has 2"),
    ("PG204", lambda folder: save_tensors(folder, *[np.zeros(1)] * 3), "3 arrays without names, the model has 2"),
]


@pytest.mark.parametrize(("code", "write", "words"), BAD_TENSORS)
def test_onnx_test_data_that_cannot_be_used_is_refused(tmp_path, code, write, words):
    write(tmp_path)
    with refused(code, words):
        read_samples(tmp_path, TWO)


def backend_models() -> list[Path]:
    """The models with test data in the onnx package."""
    return sorted((Path(onnx.__file__).parent / "backend" / "test" / "data").glob("*/test_*/model.onnx"))


def test_the_test_data_of_the_onnx_package_gives_its_stored_outputs():
    """Inputs that are read here and run by ONNX Runtime must give the stored outputs."""
    agreed = 0
    for path in backend_models():
        try:
            model = onnxruntime_engine.load(path, LoadOptions())
            samples = read_samples(path.parent, model.signature)
        except ParityGateError as error:
            if error.code in {"PG402", "PG404"} or path.parent.name == "test_sequence_model8":
                continue  # ONNX Runtime refuses what isn't a tensor; one data set is empty on purpose
            raise
        for number, feed in enumerate(samples.feeds):
            stored = onnx.load_tensor(path.parent / f"test_data_set_{number}" / "output_0.pb")
            expected = numpy_helper.to_array(stored)
            got = model.run(feed)[model.signature.outputs[0].name]
            if expected.dtype == object:
                assert got.tolist() == expected.tolist()
            else:
                # the tolerance of the package's own runner
                np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
            agreed += 1
    assert agreed > 90
