"""The file that carries samples and outputs between processes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import numpy_helper
from sample_helpers import refused, signature, spec

from paritygate.validate.samples import (
    Sample,
    Samples,
    generate_samples,
    load_outputs,
    load_samples,
    read_samples,
    save_outputs,
    save_samples,
)

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8)
ARRAYS = hnp.arrays(
    st.one_of(
        hnp.floating_dtypes(endianness="="),
        hnp.integer_dtypes(endianness="="),
        hnp.unsigned_integer_dtypes(endianness="="),
        hnp.complex_number_dtypes(endianness="=", sizes=(64, 128)),
        hnp.boolean_dtypes(),
        hnp.unicode_string_dtypes(endianness="=", max_len=5),
    ),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@settings(max_examples=60, deadline=None)
@given(runs=st.lists(st.dictionaries(NAMES, ARRAYS, max_size=3), max_size=3))
def test_outputs_are_stored_bit_for_bit(tmp_path_factory, runs):
    path = tmp_path_factory.mktemp("job") / "outputs.npz"
    save_outputs(runs, path)
    loaded = load_outputs(path)
    assert [list(run) for run in loaded] == [list(run) for run in runs]  # names, in their order
    for run, again in zip(runs, loaded, strict=True):
        for name, array in run.items():
            assert again[name].dtype == array.dtype
            assert again[name].shape == array.shape
            assert again[name].tobytes() == array.tobytes()  # NaN payloads and -0.0 too


def test_samples_are_stored_with_their_labels(tmp_path):
    feed = {"x:0": np.float16([[1, np.nan]]), "a/b": np.array(["ß", ""])}
    items = (Sample("rows 0-1", feed, "normal", 2), Sample("none", {}, "file", None))
    samples = Samples(items, "by hand", 7, ("a note",))
    save_samples(samples, tmp_path / "job.npz")
    loaded = load_samples(tmp_path / "job.npz")
    assert (loaded.origin, loaded.seed, loaded.notes) == ("by hand", 7, ("a note",))
    assert [(i.label, i.kind, i.batch) for i in loaded.items] == [("rows 0-1", "normal", 2), ("none", "file", None)]
    np.testing.assert_array_equal(loaded.items[0].feed["x:0"], feed["x:0"])
    np.testing.assert_array_equal(loaded.items[0].feed["a/b"], feed["a/b"])


def test_a_job_file_is_a_plain_npz_and_can_be_given_as_samples(tmp_path):
    samples = generate_samples(signature(spec("x", "float32", "N", 4)), seed=3)
    save_samples(samples, tmp_path / "job.npz")
    with np.load(tmp_path / "job.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["0/x"], samples.items[0].feed["x"])
    again = read_samples(tmp_path / "job.npz", signature(spec("x", "float32", "N", 4)))
    assert [item.label for item in again.items] == [item.label for item in samples.items]
    assert again.seed == 3


@pytest.mark.parametrize(
    "array",
    [
        np.array([1, "a"], dtype=object),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.zeros(2, dtype=[("a", "i4")]),
        numpy_helper.to_array(onnx.helper.make_tensor("t", onnx.TensorProto.BFLOAT16, [1], [1.0])),
    ],
    ids=["object", "datetime", "structured", "bfloat16"],
)
def test_dtypes_that_a_plain_file_cannot_hold_are_refused(tmp_path, array):
    with refused("PG204", "'y'", "dtype"):
        save_outputs([{"y": array}], tmp_path / "job.npz")


def test_text_objects_are_stored_as_text(tmp_path):
    save_outputs([{"label": np.array(["a", "bc"], dtype=object)}], tmp_path / "job.npz")
    assert load_outputs(tmp_path / "job.npz")[0]["label"].tolist() == ["a", "bc"]


def test_a_truncated_or_foreign_job_file_is_refused(tmp_path):
    path = tmp_path / "job.npz"
    save_outputs([{"y": np.arange(1000)}], path)
    with refused("PG203", "outputs"):
        load_samples(path)
    path.write_bytes(path.read_bytes()[:-200])
    with refused("PG203", "job.npz"):
        load_outputs(path)
    np.savez(path, y=np.arange(3))
    with refused("PG203", "job.npz"):
        load_outputs(path)
