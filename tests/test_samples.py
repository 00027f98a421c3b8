"""Samples: read from every format, fitted to a signature, generated, and carried between processes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import numpy_helper
from PIL import Image
from sklearn.datasets import load_digits, load_wine

from paritygate.validate.engines import onnxruntime as onnxruntime_engine
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import (
    Sample,
    Samples,
    fit_to,
    generate_samples,
    load_outputs,
    load_samples,
    parse_input,
    parse_range,
    read_example,
    read_samples,
    save_outputs,
    save_samples,
)
from paritygate.validate.samples.axes import layouts, leading
from paritygate.validate.signature import Hint, Signature, TensorSpec


def signature(*inputs: TensorSpec) -> Signature:
    return Signature(inputs, ())


def spec(name: str, dtype: str = "float32", *shape: int | str, accepts: tuple[str, ...] = ()) -> TensorSpec:
    return TensorSpec(name, dtype, shape, accepts)


def refused(code: str, *words: str):
    """The error that a user sees: its code, and words that its sentence must have."""
    pattern = rf"\[{code}\].*" + ".*".join(words)
    return pytest.raises(ParityGateError, match=f"(?s){pattern}")


def only(samples: Samples) -> dict[str, np.ndarray]:
    assert len(samples.items) == 1
    return dict(samples.items[0].feed)


def joined(samples: Samples, name: str) -> np.ndarray:
    return np.concatenate([feed[name] for feed in samples.feeds])


# --- importing ---------------------------------------------------------------------------------------------------


def test_importing_the_samples_loads_no_reader_of_files():
    heavy = {"pandas", "PIL", "onnx", "pyarrow"}
    code = f"import sys, paritygate.validate.samples; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# --- options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x:0:1", ("x", (0, 1))),
        ("serving_default_x:0:-1e-3:2", ("serving_default_x:0", (-1e-3, 2))),
        ("a b/c:5:5", ("a b/c", (5, 5))),
    ],
)
def test_a_range_is_read_from_the_right(text, expected):
    assert parse_range(text) == expected


@pytest.mark.parametrize("text", ["x", "x:1", ":0:1", "x:2:1", "x:0:inf", "x:nan:1", "x:a:b", ""])
def test_a_bad_range_is_a_usage_error(text):
    with refused("PG201", "--range"):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x:float32:batch,3,224,224", spec("x", "float32", "batch", 3, 224, 224)),
        ("serving_default_x:0:int64:?, 5", spec("serving_default_x:0", "int64", "?", 5)),
        ("sr:int64:", spec("sr", "int64")),
        ("name:str:N", spec("name", "str", "N")),
    ],
)
def test_an_input_is_declared_from_the_right(text, expected):
    assert parse_input(text) == expected


@pytest.mark.parametrize(
    "text", ["x", "x:float32", ":float32:1", "x:float:1", "x:float32:0", "x:float32:-1", "x:int8:1,,2"]
)
def test_a_bad_declaration_is_a_usage_error(text):
    with refused("PG201", "--input"):
        parse_input(text)


# --- the job file ------------------------------------------------------------------------------------------------

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
def test_outputs_come_back_bit_for_bit(tmp_path_factory, runs):
    path = tmp_path_factory.mktemp("job") / "outputs.npz"
    save_outputs(runs, path)
    loaded = load_outputs(path)
    assert [list(run) for run in loaded] == [list(run) for run in runs]  # names, in their order
    for run, again in zip(runs, loaded, strict=True):
        for name, array in run.items():
            assert again[name].dtype == array.dtype
            assert again[name].shape == array.shape
            assert again[name].tobytes() == array.tobytes()  # NaN payloads and -0.0 too


def test_samples_come_back_with_their_labels(tmp_path):
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
def test_what_a_plain_file_would_garble_is_not_written(tmp_path, array):
    with refused("PG204", "'y'", "dtype"):
        save_outputs([{"y": array}], tmp_path / "job.npz")


def test_text_objects_are_stored_as_text(tmp_path):
    save_outputs([{"label": np.array(["a", "bc"], dtype=object)}], tmp_path / "job.npz")
    assert load_outputs(tmp_path / "job.npz")[0]["label"].tolist() == ["a", "bc"]


def test_a_cut_or_foreign_job_file_is_refused(tmp_path):
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


# --- fitting -----------------------------------------------------------------------------------------------------


def fitted(array, wanted: TensorSpec, **options) -> Samples:
    return fit_to(
        Samples((Sample("rows 0-1", {wanted.name: np.asarray(array)}),), "", None), signature(wanted), **options
    )


CASTS = [
    # the user's values, the model's dtype, the values it gets
    (np.float64([0.5, 2]), "float32", np.float32([0.5, 2])),
    (np.int64([-3, 3]), "float32", np.float32([-3, 3])),
    (np.float64([1, 2]), "int64", np.int64([1, 2])),
    (np.int64([0, 255]), "uint8", np.uint8([0, 255])),
    (np.float64([0, 1]), "bool", np.array([False, True])),
    (np.array([True, False]), "float32", np.float32([1, 0])),
    (np.float32([1, np.nan]), "float64", np.float64([1, np.nan])),
    (np.float64([1, np.inf]), "float16", np.float16([1, np.inf])),
    (np.float32([1, 2]), "complex64", np.complex64([1, 2])),
    (np.array(["a", "bc"]), "str", np.array(["a", "bc"])),
    (np.array(["ü", "b"]).astype(object), "str", np.array(["ü", "b"])),
    (np.char.encode(np.array(["ü", "b"]), "utf-8"), "str", np.array(["ü", "b"])),
    (np.array([1, 2], dtype=">f4"), "float32", np.float32([1, 2])),
]


@pytest.mark.parametrize(("array", "dtype", "expected"), CASTS)
def test_a_cast_that_keeps_every_value_is_made_silently(array, dtype, expected):
    samples = fitted(array, spec("x", dtype, "N"))
    got = only(samples)["x"]
    assert got.dtype == expected.dtype
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, expected)
    assert samples.notes == ()


REFUSED_CASTS = [
    (np.float64([0.5, 2]), "int64", "0.5 is no integer"),
    (np.float64([np.nan, 2]), "int64", "NaN"),
    (np.float64([np.inf, 2]), "int32", "infinity"),
    (np.int64([0, 256]), "uint8", "256 is out of its range"),
    (np.int64([-1, 0]), "uint64", "-1 is out of its range"),
    (np.float64([2.0**63]), "int64", "9223372036854775808 is out of its range"),
    (np.int64([2**31]), "int32", "out of its range"),
    (np.float64([1e39]), "float32", "overflows"),
    (np.float32([1e5]), "float16", "overflows"),
    (np.int64([0, 2]), "bool", "only 0 and 1"),
    (np.float64([np.nan]), "bool", "only 0 and 1"),
    (np.array(["1"]), "float32", "hold str, the model takes float32"),
    (np.float32([1]), "str", "hold float32, the model takes str"),
    (np.complex64([1j]), "float32", "complex"),
    (np.array([b"\xff"]), "str", "UTF-8"),
]


@pytest.mark.parametrize(("array", "dtype", "words"), REFUSED_CASTS)
def test_a_cast_that_changes_a_value_is_refused(array, dtype, words):
    with refused("PG204", "'x' in rows 0-1", words):
        fitted(array, spec("x", dtype, "N"))


def test_rounding_to_a_typed_model_is_done_once_and_said():
    samples = fitted(np.float64([[0.1]]), spec("x", "float32", "N", 1))
    assert only(samples)["x"].dtype == np.float32
    assert samples.notes == ("values of input 'x' were rounded from float64 to float32, for both models",)


@pytest.mark.parametrize(
    ("array", "wanted", "options"),
    [
        (np.float64([0.1]), spec("x", "float32", "N"), {"keep_width": True}),
        (np.float64([0.5]), spec("x", "float32", "N"), {"keep_width": True}),
        (np.float64([0.1]), spec("x", "float32", "N", accepts=("float64",)), {}),
        (np.int64([2**53 - 1]), spec("x", "float32", "N"), {"keep_width": True}),
    ],
    ids=["keep_width", "keep_width of exact values", "accepts", "integers beyond float32"],
)
def test_scikit_learn_gets_the_users_own_numbers(array, wanted, options):
    """P1: trees compare in the width that they are fed; narrowing the reference would hide the flips."""
    samples = fitted(array, wanted, **options)
    assert only(samples)["x"].tolist() == array.tolist()
    assert only(samples)["x"].dtype == np.float64
    assert samples.notes == ()


SHAPES = [
    ((28, 28, 1), spec("x", "float32", "N", 28, 28, 1), r"array\[None\]"),
    ((9, 2, 28, 28, 1), spec("x", "float32", "N", 28, 28, 1), "'0/x', '1/x'"),
    ((5, 2, 28, 28, 1), spec("x", "float32", 2, 28, 28, 1), "'0/x'"),
    ((2, 32, 30, 3), spec("x", "float32", "N", 3, 32, 30), r"channels first.*\(0, 3, 1, 2\)"),
    ((2, 3, 32, 30), spec("x", "float32", "N", "H", "W", 3), r"channels last.*\(0, 2, 3, 1\)"),
    ((2, 5), spec("x", "float32", "N", 4), r"\(2, 5\).*x: float32\[N, 4\].*Reshape"),
    ((0, 4), spec("x", "float32", "N", 4), "no rows"),
    ((), spec("x", "float32", "N"), r"shape \(\)"),
]


@pytest.mark.parametrize(("shape", "wanted", "words"), SHAPES)
def test_a_wrong_shape_is_refused_with_advice(shape, wanted, words):
    with refused("PG204", "'x'", words):
        fitted(np.zeros(shape, np.float32), wanted)


def test_equal_names_of_axes_mean_equal_lengths():
    wanted = signature(spec("x", "float32", "N", 2), spec("y", "float32", "N", 3), spec("z", "float32", "?", 3))
    feed = {"x": np.zeros((4, 2), "f4"), "y": np.zeros((4, 3), "f4"), "z": np.zeros((7, 3), "f4")}
    fit_to(Samples((Sample("s", feed),), "", None), wanted)
    with refused("PG204", "axis 'N' has length 5 here and 4 in 'x'"):
        fit_to(Samples((Sample("s", {**feed, "y": np.zeros((5, 3), "f4")}),), "", None), wanted)


def test_any_shape_fits_an_input_of_unknown_rank():
    assert only(fitted(np.zeros((2, 3), "f4"), TensorSpec("x", "float32", None)))["x"].shape == (2, 3)


def test_a_dtype_that_numpy_lacks_is_named():
    with refused("PG204", "bfloat16"):
        fitted(np.zeros(1, "f4"), spec("x", "bfloat16", "N"))


@pytest.mark.parametrize(
    ("names", "words"), [(("x", "y"), "'y'.*no such input.*x"), ((), "'x'.*no array for it"), (("X",), "'X'")]
)
def test_names_must_match_exactly(names, words):
    samples = Samples((Sample("s", {name: np.zeros((1, 2), "f4") for name in names}),), "", None)
    with refused("PG204", words):
        fit_to(samples, signature(spec("x", "float32", "N", 2)))


# --- batches -----------------------------------------------------------------------------------------------------

X4 = spec("x", "float32", "N", 4)


@pytest.mark.parametrize(
    ("rows", "wanted", "batch", "sizes"),
    [
        (150, X4, None, [64, 64, 22]),
        (128, X4, None, [64, 33, 31]),  # never one size only: a converter may have baked it in
        (10, X4, None, [6, 4]),
        (3, X4, None, [2, 1]),
        (2, X4, None, [2]),
        (1, X4, None, [1]),
        (10, X4, 5, [5, 5]),  # the user's word counts
        (10, X4, 100, [10]),
        (10, spec("x", "float32", 5, 4), None, [5, 5]),
        (3, spec("x", "float32", 1, 4), None, [1, 1, 1]),
        (3, spec("x", "float32", 3, 4), 3, [3]),
    ],
)
def test_rows_are_split_into_batches(tmp_path, rows, wanted, batch, sizes):
    array = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
    np.savez(tmp_path / "s.npz", x=array)
    samples = read_samples(tmp_path / "s.npz", signature(wanted), batch=batch)
    assert [len(feed["x"]) for feed in samples.feeds] == sizes
    np.testing.assert_array_equal(joined(samples, "x"), array)
    assert samples.batch_sizes == (() if isinstance(wanted.shape[0], int) else tuple(sorted(set(sizes))))


def test_rows_that_fill_no_fixed_batch_are_left_out_aloud(tmp_path):
    np.save(tmp_path / "s.npy", np.zeros((11, 4), np.float32))
    samples = read_samples(tmp_path / "s.npy", signature(spec("x", "float32", 4, 4)))
    assert [len(feed["x"]) for feed in samples.feeds] == [4, 4]
    assert samples.notes == ("the last 3 of 11 rows were left out: the model's batch is fixed at 4",)
    assert [item.label for item in samples.items] == ["rows 0-3", "rows 4-7"]


@pytest.mark.parametrize(
    ("rows", "batch", "words"), [(3, None, "3 rows.*fixed at 4"), (8, 2, "batch size 2.*fixed at 4")]
)
def test_a_fixed_batch_that_cannot_be_filled_is_refused(tmp_path, rows, batch, words):
    np.save(tmp_path / "s.npy", np.zeros((rows, 4), np.float32))
    with refused("PG204", words):
        read_samples(tmp_path / "s.npy", signature(spec("x", "float32", 4, 4)), batch=batch)


def test_a_scalar_goes_along_with_every_batch(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.zeros((100, 4), np.float32), rate=np.int64(16000))
    samples = read_samples(tmp_path / "s.npz", signature(X4, spec("rate", "int64")))
    assert [feed["x"].shape[0] for feed in samples.feeds] == [64, 36]
    assert all(feed["rate"] == 16000 for feed in samples.feeds)


def test_arrays_that_share_no_axis_of_rows_are_fed_whole(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.zeros((100, 4), np.float32), h=np.zeros((2, 100, 8), np.float32))
    samples = read_samples(tmp_path / "s.npz", signature(X4, spec("h", "float32", 2, "N", 8)))
    assert only(samples)["x"].shape == (100, 4)


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_without_rows_is_a_usage_error(tmp_path, batch):
    np.save(tmp_path / "s.npy", np.zeros((3, 4), np.float32))
    with refused("PG201", "batch"):
        read_samples(tmp_path / "s.npy", signature(X4), batch=batch)


# --- .npz, .npy, .json -------------------------------------------------------------------------------------------


def test_numbered_arrays_are_samples_of_their_own(tmp_path):
    arrays = {f"{number}/x": np.full((number + 1, 4), number, np.float32) for number in (10, 2, 0)}
    np.savez_compressed(tmp_path / "s.npz", **arrays)
    samples = read_samples(tmp_path / "s.npz", signature(X4))
    assert [(item.label, len(item.feed["x"])) for item in samples.items] == [
        ("sample 0", 1),
        ("sample 2", 3),
        ("sample 10", 11),
    ]


def test_an_input_whose_name_looks_numbered_is_not_split(tmp_path):
    np.savez(tmp_path / "s.npz", **{"0/x": np.zeros((1, 4), np.float32)})
    assert only(read_samples(tmp_path / "s.npz", signature(spec("0/x", "float32", "N", 4)))).keys() == {"0/x"}


def test_without_a_signature_the_arrays_come_as_they_are(tmp_path):
    np.savez(tmp_path / "s.npz", a=np.zeros((100, 2)), b=np.int8(3))
    samples = read_samples(tmp_path / "s.npz", None)
    assert {name: (array.dtype.name, array.shape) for name, array in only(samples).items()} == {
        "a": ("float64", (100, 2)),
        "b": ("int8", ()),
    }
    np.save(tmp_path / "s.npy", np.zeros((100, 2)))
    assert only(read_samples(tmp_path / "s.npy", None)).keys() == {"input_0"}


def test_the_first_sample_speaks_for_a_model_without_signature(tmp_path):
    np.savez(tmp_path / "s.npz", **{"1/x": np.zeros((2, 4)), "0/x": np.zeros((1, 4))})
    example = read_example(tmp_path / "s.npz")
    assert example is not None
    assert example["x"].shape == (1, 4)
    save_samples(generate_samples(signature(X4)), tmp_path / "job.npz")
    assert (read_example(tmp_path / "job.npz") or {})["x"].shape == (1, 4)
    save_pictures(tmp_path / "pics", (8, 6))
    assert read_example(tmp_path / "pics") is None
    with refused("PG202", "none"):
        read_example(tmp_path / "none.npz")


def test_npy_feeds_a_model_of_one_input_only(tmp_path):
    np.save(tmp_path / "s.npy", np.zeros((1, 4), np.float32))
    assert only(read_samples(tmp_path / "s.npy", signature(X4)))["x"].shape == (1, 4)
    with refused("PG204", "1 arrays without names, the model has 2 inputs"):
        read_samples(tmp_path / "s.npy", signature(X4, spec("y", "float32", "N", 4)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"x": [[1, 2.5, 3, 4]]}', [[[1, 2.5, 3, 4]]]),
        ('{"x": [[1, null, 3, NaN]]}', [[[1, np.nan, 3, np.nan]]]),
        (
            '[{"x": [[1, 2, 3, 4]]}, {"x": [[5, 6, 7, 8], [1, 1, 1, 1]]}]',
            [[[1, 2, 3, 4]], [[5, 6, 7, 8], [1, 1, 1, 1]]],
        ),
    ],
)
def test_json_holds_nested_lists(tmp_path, text, expected):
    (tmp_path / "s.json").write_text(text)
    samples = read_samples(tmp_path / "s.json", signature(X4))
    assert len(samples.items) == len(expected)
    for feed, rows in zip(samples.feeds, expected, strict=True):
        np.testing.assert_array_equal(feed["x"], np.float32(rows))


def test_json_holds_text(tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"t": [["ß"], [""]]}))
    assert only(read_samples(tmp_path / "s.json", signature(spec("t", "str", "N", 1))))["t"].tolist() == [["ß"], [""]]


def damaged_npz(path: Path) -> None:
    np.savez_compressed(path, x=np.random.default_rng(0).random((50, 4)))
    content = bytearray(path.read_bytes())
    content[300:340] = b"\0" * 40
    path.write_bytes(content)


def pickled_npz(path: Path) -> None:
    np.savez(path, x=np.array([[1], [1, 2]], dtype=object))


DAMAGED = [
    ("s.npz", pickled_npz, "'x'.*never loaded"),
    ("s.npz", damaged_npz, "'x' can't be read"),
    ("s.npz", lambda path: path.write_bytes(b""), "s.npz"),
    ("s.npz", lambda path: path.write_bytes(b"no archive"), "s.npz"),
    ("s.npz", lambda path: np.savez(path), "no arrays"),
    ("s.npz", lambda path: np.savez(path, **{"0/x": np.zeros(1), "y": np.zeros(1)}), "'y' has no sample number"),
    ("s.npy", lambda path: np.save(path, np.array([None]), allow_pickle=True), "never loaded"),
    ("s.npy", lambda path: path.write_bytes(b"\x93NUMPY"), "s.npy"),
    ("s.json", lambda path: path.write_text("{"), "not JSON"),
    ("s.json", lambda path: path.write_text("[1, 2]"), "neither an object"),
    ("s.json", lambda path: path.write_text("[]"), "neither an object"),
    ("s.json", lambda path: path.write_text("{}"), "no arrays"),
    ("s.json", lambda path: path.write_text('{"x": [[1], [2, 3]]}'), "'x' is no array"),
    ("s.json", lambda path: path.write_text('{"x": [[1, "a"]]}'), "'x' mixes text with numbers"),
    ("s.json", lambda path: path.write_text('{"x": {"a": 1}}'), "'x' is no array"),
    ("s.json", lambda path: path.write_text("[" * 100_000), "not JSON"),
    ("s.json", lambda path: path.write_bytes(b"\xff{}"), "not JSON"),
    ("s.csv", lambda path: path.write_text(""), "empty"),
    ("s.csv", lambda path: path.write_text("a,b\n"), "no rows"),
    ("s.csv", lambda path: path.write_text("a,b\n1,2\n3\n"), "line 3 has 1 cells, the first has 2"),
    ("s.csv", lambda path: path.write_text("a,a\n1,2\n"), "two columns are named 'a'"),
    ("s.csv", lambda path: path.write_bytes("a\nß".encode("latin-1")), "not UTF-8"),
    ("s.csv", lambda path: path.write_text('a\n"1'), "no table"),
    ("s.parquet", lambda path: path.write_text("PAR1"), "no Parquet"),
    ("s.parquet", lambda path: pd.DataFrame({"x": []}).to_parquet(path), "no rows"),
    ("s.parquet", lambda path: pd.DataFrame({"x": [[1, 2]]}).to_parquet(path), "column 'x' holds list"),
    ("s.parquet", lambda path: pd.DataFrame({"x": [pd.Timestamp(0)]}).to_parquet(path), "column 'x' holds timestamp"),
    ("s.txt", lambda path: path.write_text("1"), "no format of samples"),
    ("folder", lambda path: path.mkdir(), "neither images nor input_0.pb"),
    ("s.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "Pillow"),
]


@pytest.mark.parametrize(("name", "write", "words"), DAMAGED)
def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path, name, write, words):
    write(tmp_path / name)
    wanted = signature(spec("x", "float32", "N", 8, 8, 1)) if name == "s.png" else signature(X4)
    with refused("PG203", words):
        read_samples(tmp_path / name, wanted)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with refused("PG202", "none.npz"):
        read_samples(tmp_path / "none.npz", signature(X4))


# --- tables ------------------------------------------------------------------------------------------------------

PEOPLE = signature(
    spec("age", "float32", "N", 1), spec("city", "str", "N", 1), spec("zip", "str", "N", 1), spec("member", "bool", "N")
)
PEOPLE_CSV = 'city,age,member,zip,note\n"Köln, Süd",41,true,01234,a\n,,False,7,b\nBonn,3.5,TRUE,99_9,c\n'


def check_people(samples: Samples) -> None:
    np.testing.assert_array_equal(joined(samples, "age"), np.float32([[41], [np.nan], [3.5]]))
    assert joined(samples, "city").ravel().tolist() == ["Köln, Süd", "", "Bonn"]
    assert joined(samples, "zip").ravel().tolist() == ["01234", "7", "99_9"]
    assert joined(samples, "member").tolist() == [True, False, True]
    assert samples.notes == ("columns that are no input of the model were not used: note",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_columns_go_to_inputs_by_name(tmp_path, encoding):
    (tmp_path / "s.csv").write_text(PEOPLE_CSV, encoding=encoding)
    check_people(read_samples(tmp_path / "s.csv", PEOPLE))


def test_parquet_columns_go_to_inputs_by_name(tmp_path):
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(["Köln, Süd", None, "Bonn"]),
            "age": [41, None, 3.5],
            "member": [True, False, True],
            "zip": ["01234", "7", "99_9"],
            "note": ["a", "b", "c"],
        },
        index=[5, 6, 9],
    )
    frame.to_parquet(tmp_path / "s.parquet")
    check_people(read_samples(tmp_path / "s.parquet", PEOPLE))


def test_a_column_has_one_type_over_the_whole_file(tmp_path):
    """The first 5000 rows of ``late`` look like integers, the last is text: none of them may be lost."""
    late = [str(number) for number in range(5000)] + ["x"]
    lines = "\n".join(f"{word},{number},{number}" for number, word in enumerate(late))
    (tmp_path / "s.csv").write_text(f"late,whole,part\n{lines}.5\n")
    feed = only(read_samples(tmp_path / "s.csv", None))
    assert feed["late"].ravel().tolist() == late
    assert feed["whole"].dtype == np.int64
    assert feed["part"].dtype == np.float64
    assert feed["part"][-1] == 5000.5


def test_numbers_are_read_as_python_and_pandas_read_them(tmp_path):
    values = np.random.default_rng(1).normal(size=300) * 10.0 ** np.random.default_rng(2).integers(-300, 300, 300)
    pd.DataFrame({"x": values}).to_csv(tmp_path / "s.csv", index=False)
    samples = read_samples(tmp_path / "s.csv", signature(spec("x", "float64", "N", 1)))
    np.testing.assert_array_equal(joined(samples, "x")[:, 0], values)


WINE = load_wine(as_frame=True).data
WIDE = signature(spec("X", "float64", "N", 13))


@pytest.mark.parametrize("header", [True, False])
def test_a_table_feeds_one_array_of_features(tmp_path, header):
    WINE.to_csv(tmp_path / "s.csv", index=False, header=header)
    samples = read_samples(tmp_path / "s.csv", WIDE)
    np.testing.assert_array_equal(joined(samples, "X"), WINE.to_numpy())


def test_features_are_found_by_name_where_the_model_knows_them(tmp_path):
    WINE.assign(target=0)[["target", *reversed(WINE.columns)]].to_csv(tmp_path / "s.csv", index=False)
    samples = read_samples(tmp_path / "s.csv", WIDE, features=tuple(WINE.columns))
    np.testing.assert_array_equal(joined(samples, "X"), WINE.to_numpy())
    with refused("PG204", "feature 'other'.*no column"):
        read_samples(tmp_path / "s.csv", WIDE, features=(*WINE.columns, "other"))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_seen(tmp_path, separator):
    WINE.to_csv(tmp_path / "s.csv", index=False, sep=separator)
    np.testing.assert_array_equal(joined(read_samples(tmp_path / "s.csv", WIDE), "X"), WINE.to_numpy())


def test_a_header_that_counts_is_no_row(tmp_path):
    """pandas writes the columns of an unnamed frame as 0, 1, 2, ...: a header of numbers."""
    digits = load_digits().data
    pd.DataFrame(digits).to_csv(tmp_path / "s.csv", index=False)
    samples = read_samples(tmp_path / "s.csv", signature(spec("X", "float32", "N", 64)))
    np.testing.assert_array_equal(joined(samples, "X"), digits.astype(np.float32))


def test_text_feeds_one_input(tmp_path):
    (tmp_path / "s.csv").write_text("review\ngood\n12\n\n")
    samples = read_samples(tmp_path / "s.csv", signature(spec("text", "str", "N")))
    assert joined(samples, "text").tolist() == ["good", "12"]


BAD_TABLES = [
    ("a,b\n1,2\n", PEOPLE, "input 'age'.*no column.*a, b"),
    ("1,2,3,4\n", PEOPLE, "input 'age'.*no header"),
    ("a,b\n1,2\n", signature(X4), "2 columns, the model takes 4 features"),
    ("a,b,c,d\n1,2,3,no\n", signature(X4), "column 'd'.*text \\('no'\\)"),
    ("age,city,zip,member\nold,a,b,true\n", PEOPLE, "'age'.*hold str, the model takes float32"),
    ("age,city,zip,member\n1,a,b,2\n", PEOPLE, "'member'.*only 0 and 1"),
    ("n\n1_0\n2\n", signature(spec("n", "float32", "N", 1)), "hold str"),  # a code, which Python would read as 10
    ("n\n1\n\n2.5\n", signature(spec("n", "int64", "N", 1)), "2.5 is no integer"),
    ('n\n1\n""\n', signature(spec("n", "int64", "N", 1)), "empty cell"),
]


@pytest.mark.parametrize(("text", "wanted", "words"), BAD_TABLES)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, wanted, words):
    (tmp_path / "s.csv").write_text(text)
    with refused("PG204", words):
        read_samples(tmp_path / "s.csv", wanted)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=6), st.integers(), st.floats()
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_csv_of_pandas_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "s.csv"
    frame = pd.DataFrame(rows, columns=["word", "whole", "real"])
    frame.to_csv(path, index=False)
    feed = only(read_samples(path, signature(spec("word", "str", "N"), spec("real", "float64", "N")), batch=100))
    assert feed["word"].tolist() == [word for word, _, _ in rows]
    np.testing.assert_array_equal(feed["real"], np.array([real for _, _, real in rows], float))


# --- images ------------------------------------------------------------------------------------------------------


def save_pictures(folder: Path, *sizes: tuple[int, int], mode: str = "RGB") -> list[np.ndarray]:
    """Pictures a.png, b.png, ... of (width, height); the pixels that Pillow itself reads."""
    folder.mkdir(exist_ok=True)
    pixels = []
    for number, (width, height) in enumerate(sizes):
        channels = len(Image.new(mode, (1, 1)).getbands())
        values = np.random.default_rng(number).integers(0, 256, (height, width, channels), dtype=np.uint8)
        Image.fromarray(values.squeeze(), mode=None).save(folder / f"{chr(97 + number)}.png")
        pixels.append(values)
    return pixels


IMAGE_CASES = [
    # the model's input, the range given, the function that makes its values of uint8 pixels in N, H, W, C
    (spec("x", "uint8", "N", 6, 8, 3), {}, lambda p: p),
    (spec("x", "float32", "N", 6, 8, 3), {}, lambda p: (p / 255).astype(np.float32)),
    (spec("x", "float32", "N", 3, 6, 8), {}, lambda p: (p / 255).astype(np.float32).transpose(0, 3, 1, 2)),
    (spec("x", "float32", "N", 6, 8, 3), {"x": (0.0, 255.0)}, lambda p: p.astype(np.float32)),
    (spec("x", "float64", "N", 6, 8, 3), {"x": (-1.0, 1.0)}, lambda p: -1 + p * (2 / 255)),
    (spec("x", "int8", "N", 6, 8, 3), {}, lambda p: (p.astype(int) - 128).astype(np.int8)),
    (spec("x", "float16", "N", "H", "W", 3), {}, lambda p: (p / 255).astype(np.float16)),
]


@pytest.mark.parametrize(("wanted", "ranges", "expected"), IMAGE_CASES)
def test_images_take_the_models_layout_and_dtype(tmp_path, wanted, ranges, expected):
    pixels = np.stack(save_pictures(tmp_path / "pics", (8, 6), (8, 6), (8, 6)))
    samples = read_samples(tmp_path / "pics", signature(wanted), ranges=ranges)
    got = joined(samples, "x")
    assert got.dtype == np.dtype(wanted.dtype)
    np.testing.assert_array_equal(got, expected(pixels))
    assert samples.batch_sizes == (1, 2)
    assert "RGB pixels from" in samples.notes[0]


def test_images_are_resized_as_pillow_does(tmp_path):
    pixels = save_pictures(tmp_path / "pics", (20, 10))
    got = only(read_samples(tmp_path / "pics", signature(spec("x", "uint8", 1, 3, 6, 8))))["x"]
    expected = np.asarray(Image.fromarray(pixels[0]).resize((8, 6), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(got, expected.transpose(2, 0, 1)[None])


@pytest.mark.parametrize(
    "wanted", [spec("x", "uint8", "N", 6, 8), spec("x", "uint8", "N", 6, 8, 1), spec("x", "uint8", 1, 1, 6, 8)]
)
def test_one_channel_means_grey(tmp_path, wanted):
    pixels = save_pictures(tmp_path / "pics", (8, 6))
    got = only(read_samples(tmp_path / "pics", signature(wanted)))["x"]
    np.testing.assert_array_equal(got.reshape(6, 8), np.asarray(Image.fromarray(pixels[0]).convert("L")))


def test_sizes_that_differ_are_fed_apart(tmp_path):
    save_pictures(tmp_path / "pics", (8, 6), (8, 6), (10, 6))
    samples = read_samples(tmp_path / "pics", signature(spec("x", "uint8", "N", "H", "W", 3)))
    assert [feed["x"].shape for feed in samples.feeds] == [(2, 6, 8, 3), (1, 6, 10, 3)]


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".webp"])
def test_other_formats_and_folders_below_are_read(tmp_path, suffix):
    below = tmp_path / "pics" / "class"
    below.mkdir(parents=True)
    (tmp_path / "pics" / "readme.txt").write_text("no picture")
    Image.new("RGB", (8, 6), (200, 100, 50)).save(below / f"a{suffix}")
    got = only(read_samples(tmp_path / "pics", signature(spec("x", "uint8", "N", 6, 8, 3))))["x"]
    assert abs(got.astype(int) - [200, 100, 50]).max() <= 3  # lossy formats round one flat colour


def test_one_image_alone_is_read(tmp_path):
    save_pictures(tmp_path, (8, 6))
    assert only(read_samples(tmp_path / "a.png", signature(spec("x", "uint8", "N", 6, 8, 3))))["x"].shape == (
        1,
        6,
        8,
        3,
    )


BAD_IMAGES = [
    ("PG206", None, {}, "doesn't say which pictures"),
    ("PG204", signature(spec("x", "uint8", "N", 6, 8, 3), X4), {}, "the model has 2"),
    ("PG204", signature(spec("x", "uint8", "N", 3, 8, 3)), {}, "channels"),
    ("PG204", signature(spec("x", "uint8", "N", 5, 6, 8)), {}, "channels"),
    ("PG204", signature(spec("x", "float32", 3, 6, 8)), {}, "channels"),
    ("PG204", signature(spec("x", "float32", "N", 5)), {}, "channels"),
    ("PG204", signature(spec("x", "str", "N", 6, 8, 3)), {}, "images are numbers"),
    ("PG201", signature(spec("x", "uint8", "N", 6, 8, 3)), {"x": (0.0, 300.0)}, "no range of uint8"),
    ("PG201", signature(spec("x", "uint8", "N", 6, 8, 3)), {"y": (0.0, 1.0)}, "'y'.*no such input"),
]


@pytest.mark.parametrize(("code", "wanted", "ranges", "words"), BAD_IMAGES)
def test_images_that_do_not_fit_are_refused(tmp_path, code, wanted, ranges, words):
    save_pictures(tmp_path / "pics", (8, 6))
    with refused(code, words):
        read_samples(tmp_path / "pics", wanted, ranges=ranges)


def test_pixels_of_more_than_8_bits_are_refused_not_clipped(tmp_path):
    Image.fromarray(np.full((6, 8), 40_000, np.uint16)).save(tmp_path / "deep.png")
    with refused("PG203", "8 bits"):
        read_samples(tmp_path / "deep.png", signature(spec("x", "uint8", "N", 6, 8)))


# --- ONNX test data ----------------------------------------------------------------------------------------------


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


def test_names_from_elsewhere_do_not_bind_onnx_test_data(tmp_path):
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
    ("PG203", lambda folder: (folder / "input_0.pb").write_bytes(b"garbage"), "no ONNX tensor"),
    ("PG203", lambda folder: (folder / "input_0.pb").write_bytes(b""), "no tensor"),
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
    """The models with test data that the onnx package brings along."""
    return sorted((Path(onnx.__file__).parent / "backend" / "test" / "data").glob("*/test_*/model.onnx"))


def test_the_test_data_of_the_onnx_package_gives_the_outputs_stored_beside_it():
    """Inputs read by us and run by ONNX Runtime must give what somebody else computed from them."""
    agreed = 0
    for path in backend_models():
        try:
            model = onnxruntime_engine.load(path, LoadOptions())
            samples = read_samples(path.parent, model.signature)
        except ParityGateError as error:
            if error.code == "PG301" or path.parent.name == "test_sequence_model8":
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


# --- generating --------------------------------------------------------------------------------------------------

IMAGE = signature(spec("x", "float32", "N", 3, 32, 32))
FROZEN = [[-0.47598857, 0.94220081]]
BERT = signature(
    spec("ids", "int64", "batch", "seq"), spec("attention_mask", "int64", "batch", "seq"), spec("scale", "float32")
)


def same(left: Samples, right: Samples) -> bool:
    return [item.label for item in left.items] == [item.label for item in right.items] and all(
        np.array_equal(a.feed[name], b.feed[name], equal_nan=a.feed[name].dtype.kind == "f")
        for a, b in zip(left.items, right.items, strict=True)
        for name in a.feed
    )


def by_kind(samples: Samples, kind: str) -> list[np.ndarray]:
    return [next(iter(item.feed.values())) for item in samples.items if item.kind == kind]


def test_a_seed_repeats_and_another_differs():
    assert same(generate_samples(IMAGE, seed=5), generate_samples(IMAGE, seed=5))
    assert not same(generate_samples(IMAGE, seed=5), generate_samples(IMAGE, seed=6))


def test_a_seed_means_the_same_numbers_everywhere():
    """Frozen values: if a numpy release changes its streams, the documented repeatability is gone and must be said."""
    first = generate_samples(signature(spec("x", "float64", "N", 2)), seed=0).items[0].feed["x"]
    np.testing.assert_allclose(first, FROZEN, rtol=1e-7)


def test_another_input_does_not_change_the_values_of_the_first():
    alone, beside = generate_samples(IMAGE), generate_samples(signature(*IMAGE.inputs, spec("y", "float32", "N", 2)))
    assert same(alone, beside)


def test_the_kinds_hold_what_they_say():
    samples = generate_samples(IMAGE, count=2)
    assert samples.kinds == ("normal", "uniform", "negative", "zeros", "large", "tiny", "lengths")
    assert [item.label for item in samples.items[:2]] == ["normal, batch 1", "normal, batch 1, again 1"]
    assert all(np.std(array) == pytest.approx(1, abs=0.1) for array in by_kind(samples, "normal"))
    (uniform,), (negative,), (zeros,), (large,), (tiny,) = (by_kind(samples, kind) for kind in samples.kinds[1:-1])
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() <= 1
    assert -1 <= negative.min() < -0.99 < -0.01 < negative.max() <= 0
    assert not zeros.any()
    assert np.std(large) == pytest.approx(100, rel=0.1)
    assert 0 < abs(tiny).max() < 1e-3
    assert samples.notes == ()


def test_a_range_holds_for_every_kind():
    samples = generate_samples(IMAGE, ranges={"x": (5, 6)})
    for feed in samples.feeds:
        assert feed["x"].min() >= 5
        assert feed["x"].max() <= 6
    assert set(np.unique(by_kind(samples, "large")[0])) == {5, 6}


def test_a_range_wins_over_a_hint():
    hint = Hint("x", low=np.array(0.0), high=np.array(100.0))
    assert generate_samples(IMAGE, [hint]).items[0].feed["x"].max() > 50
    assert generate_samples(IMAGE, [hint], ranges={"x": (0, 1)}).items[0].feed["x"].max() <= 1


@pytest.mark.parametrize(("low", "high"), [(0.0, None), (None, -3.0), (-2.0, None)])
def test_one_bound_alone_holds(low, high):
    hint = Hint("x", *(None if end is None else np.array(end) for end in (low, high)))
    samples = generate_samples(IMAGE, [hint])
    for feed in samples.feeds:
        assert low is None or feed["x"].min() >= low
        assert high is None or feed["x"].max() <= high
    for array in by_kind(samples, "normal"):
        assert np.mean(np.isin(array, (low, high))) < 0.01  # not piled up on the bound


def test_batch_sizes_and_lengths_meet_no_other_axis():
    feeds = [item.feed for item in generate_samples(BERT).items if not item.optional]
    shapes = [feed["ids"].shape for feed in feeds]
    assert len({shape[0] for shape in shapes}) == len({shape[1] for shape in shapes}) == 2
    for feed in feeds:
        assert feed["ids"].shape == feed["attention_mask"].shape
        assert feed["ids"].shape[0] != feed["ids"].shape[1]
    assert [place.batch for place in layouts(signature(spec("x", "float32", "N", 3, 4)), None)] == [1, 5]


@pytest.mark.parametrize(
    ("inputs", "lengths"),
    [
        # unnamed leading axes are one batch; unnamed axes at the same place are one length
        ((spec("a", "int64", "?", "?"), spec("b", "int64", "", "?")), lambda s: s["a"] == s["b"]),
        # so ONNX Runtime's and tf2onnx's names of nameless axes
        ((spec("a", "int64", "a_0", "a_1"), spec("b", "int64", "unk__7", "unk__8")), lambda s: s["a"] == s["b"]),
        # other names are other lengths
        ((spec("a", "int64", "N", "S"), spec("b", "int64", "N", "T")), lambda s: s["a"][1] != s["b"][1]),
        # the batch is the same symbol wherever it stands
        ((spec("a", "int64", "N", 5), spec("b", "float32", 2, "N", 8)), lambda s: s["a"][0] == s["b"][1]),
        # derived axes, as torch.export and transformers write them
        (
            (spec("ids", "int64", "N", "S"), spec("past", "float32", "N", 2, "P", 8), spec("m", "int64", "N", "P + S")),
            lambda s: s["m"][1] == s["past"][2] + s["ids"][1],
        ),
        ((spec("a", "float32", "s0", 3), spec("b", "float32", "2*s0", 3)), lambda s: s["b"][0] == 2 * s["a"][0]),
        # pictures of any size can be halved five times
        ((spec("a", "float32", "N", "H", "W", 3),), lambda s: not s["a"][1] % 32 and not s["a"][2] % 32),
    ],
)
def test_dynamic_axes_get_lengths_that_agree(inputs, lengths):
    places = layouts(signature(*inputs), None)
    assert len(places) == 2
    for place in places:
        assert lengths(place.shapes), place.shapes


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ((X4, spec("y", "float32", "N", 2)), "N"),
        ((X4, spec("rate", "int64")), "N"),
        ((spec("x", "float32", 8, 4), spec("y", "float32", 8)), 8),
        ((X4, spec("h", "float32", 2, "N", 4)), None),
        ((X4, spec("e", "float32", "E", 4)), None),
        ((X4, spec("e", "float32", "?", 4)), "N"),
        ((TensorSpec("x", "float32", None),), None),
    ],
)
def test_the_leading_axis_is_the_batch_where_all_inputs_share_it(inputs, expected):
    assert leading(signature(*inputs)) == expected


def test_a_model_without_dynamic_axes_has_one_size():
    samples = generate_samples(signature(spec("x", "float32", 1, 3, 8, 8)))
    assert {feed["x"].shape for feed in samples.feeds} == {(1, 3, 8, 8)}
    assert samples.batch_sizes == ()
    assert samples.items[0].label == "normal"


def test_the_users_batch_sizes_are_taken_at_their_word():
    assert generate_samples(IMAGE, batch_sizes=(3, 32)).batch_sizes == (3, 32)


def test_the_default_costs_little():
    rows = sum(len(feed["x"]) for feed in generate_samples(IMAGE).feeds)
    assert rows <= 13


def test_integers_stay_within_the_vocabulary():
    """P27: an index beyond an embedding's table is an error in one engine and garbage in another."""
    hints = [Hint("ids", low=np.array(0), high=np.array(29))]
    samples = generate_samples(BERT, hints)
    ids = np.concatenate([feed["ids"].ravel() for feed in samples.feeds])
    assert ids.min() == 0
    assert ids.max() == 29
    assert ids.dtype == np.int64
    assert [note for note in samples.notes if "'ids'" in note] == []


def test_integers_of_unknown_bounds_are_0_and_1_and_said():
    samples = generate_samples(BERT)
    assert {int(value) for feed in samples.feeds for value in feed["ids"].ravel()} == {0, 1}
    assert any("'ids'" in note and "--range ids:LO:HI" in note for note in samples.notes)
    pixels = generate_samples(signature(spec("x", "uint8", "N", 9, 9, 3)))
    assert pixels.notes == ()
    assert max(feed["x"].max() for feed in pixels.feeds) == 255


def test_a_mask_leaves_a_position_in_every_row():
    """A softmax over no position at all is 0/0, and every engine has its own answer to that."""
    for feed in generate_samples(BERT).feeds:
        assert feed["attention_mask"].any(axis=1).all()


@pytest.mark.parametrize(
    ("dtype", "hint", "span"),
    [
        ("int64", None, (-5, 7)),
        ("int32", Hint("n", low=np.array([2, 0]), high=np.array([4, 9])), None),
        ("uint8", None, (3, 3)),
    ],
)
def test_integers_reach_both_ends_of_their_range(dtype, hint, span):
    samples = generate_samples(
        signature(spec("n", dtype, "N", 2)), [hint] if hint else [], ranges={"n": span} if span else None
    )
    values = np.concatenate(by_kind(samples, "random"))
    low, high = (hint.low, hint.high) if hint else span
    np.testing.assert_array_equal(values.min(axis=0), np.broadcast_to(low, 2))
    np.testing.assert_array_equal(values.max(axis=0), np.broadcast_to(high, 2))


@pytest.mark.parametrize(
    ("wanted", "ranges", "words"),
    [
        (X4, {"y": (0, 1)}, "'y'.*no such input.*x"),
        (spec("x", "uint8", "N"), {"x": (-1, 5)}, "no range of uint8"),
        (spec("x", "int64", "N"), {"x": (0.2, 0.8)}, "no range of int64"),
        (spec("x", "str", "N"), {"x": (0, 1)}, "str takes no range"),
        (spec("x", "bool", "N"), {"x": (0, 1)}, "bool takes no range"),
    ],
)
def test_a_range_that_fits_no_input_is_a_usage_error(wanted, ranges, words):
    with refused("PG201", words):
        generate_samples(signature(wanted), ranges=ranges)


def test_what_cannot_be_generated_is_refused():
    with refused("PG206", "'x'", "rank"):
        generate_samples(signature(TensorSpec("x", "float32", None)))
    with refused("PG204", "bfloat16"):
        generate_samples(signature(spec("x", "bfloat16", "N")))
    with refused("PG201", "seed -1"):
        generate_samples(signature(X4), seed=-1)


def test_text_is_drawn_from_the_vocabulary():
    wanted = signature(spec("city", "str", "N", 1))
    samples = generate_samples(wanted, [Hint("city", vocabulary=("Bonn", "Köln", "Ulm"))])
    words = {str(word) for feed in samples.feeds for word in feed["city"].ravel()}
    assert words == {"Bonn", "Köln", "Ulm"}
    assert samples.kinds == ("random", "lengths")
    samples = generate_samples(wanted, [Hint("city", vocabulary=("Bonn", "Köln", "Ulm"), unknown=True)])
    strangers = {str(word) for word in by_kind(samples, "unknown")[0].ravel()} - {"Bonn", "Köln", "Ulm"}
    assert len(strangers) == 2
    assert "" in strangers


@pytest.mark.parametrize(("dtype", "vocabulary"), [("int64", (3, 5, 8)), ("float32", (0.5, 2.0))])
def test_numbers_are_drawn_from_the_vocabulary(dtype, vocabulary):
    samples = generate_samples(signature(spec("x", dtype, "N", 1)), [Hint("x", vocabulary=vocabulary, unknown=True)])
    known = {value for item in samples.items if item.kind != "unknown" for value in item.feed["x"].ravel().tolist()}
    assert known == set(vocabulary)
    assert set(by_kind(samples, "unknown")[0].ravel().tolist()) > set(vocabulary)
    assert samples.notes == ()


def test_a_table_has_many_rows():
    samples = generate_samples(signature(spec("age", "float32", "N", 1), spec("city", "str", "N", 1)))
    assert samples.batch_sizes == (1, 2, 131)
    assert generate_samples(signature(spec("x", "float32", "N", 1 << 19))).batch_sizes == (1, 2, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_lie_on_both_sides_of_every_threshold(dtype):
    """A split's comparison is tested by its threshold and the very next number on either side (P1, P6)."""
    points = (np.array([0.1, 2.7, 1e6]), np.array([]), np.array([0.0]))
    samples = generate_samples(signature(spec("x", dtype, "N", 3)), [Hint("x", points=points)])
    (rows,) = by_kind(samples, "thresholds")
    assert rows.dtype == dtype
    assert len(rows) == 1021
    for point in (0.1, 2.7, 1e6):
        at = np.dtype(dtype).type(point)
        near = {at, np.nextafter(at, -np.inf, dtype=dtype), np.nextafter(at, np.inf, dtype=dtype)}
        assert near <= set(rows[:, 0])
    assert 0.0 in rows[:, 0]
    assert {np.sign(value) for value in rows[:, 2]} == {-1, 0, 1}
    assert (abs(rows[:, 2][rows[:, 2] != 0]) >= np.finfo(dtype).tiny).all()  # no subnormal numbers
    usual = by_kind(samples, "uniform")[0]
    assert usual[:, 0].max() > 1e6 > usual[:, 0].mean()


def test_thresholds_between_integers_and_within_bounds():
    hint = Hint("n", low=np.array([0]), high=np.array([10]), points=(np.array([3.5, 10.0]),))
    samples = generate_samples(signature(spec("n", "int64", "N", 1)), [hint])
    assert set(by_kind(samples, "thresholds")[0].ravel()) == {0, 2, 3, 4, 5, 9, 10}


def test_a_fitted_tree_meets_all_of_its_leaves():
    from sklearn.tree import DecisionTreeClassifier

    data, target = load_wine(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(data, target)
    used, thresholds = tree.tree_.feature, tree.tree_.threshold
    points = tuple(np.unique(thresholds[used == feature]) for feature in range(data.shape[1]))
    samples = generate_samples(signature(spec("X", "float32", "N", data.shape[1])), [Hint("X", points=points)])
    leaves = set(tree.apply(by_kind(samples, "thresholds")[0]))
    assert leaves == set(np.flatnonzero(tree.tree_.children_left < 0))


def test_missing_values_come_where_they_are_legal():
    """P2: NaN takes a way of its own through a tree."""
    wanted = signature(spec("x", "float64", "N", 5), spec("y", "float32", "N", 2), spec("t", "str", "N", 1))
    samples = generate_samples(wanted, [Hint("x", missing=True), Hint("t", vocabulary=("a",), missing=True), Hint("y")])
    (item,) = [item for item in samples.items if item.kind == "missing"]
    assert np.isnan(item.feed["x"]).any(axis=0).all()
    assert not np.isnan(item.feed["x"]).all(axis=1).any()
    assert not np.isnan(item.feed["y"]).any()
    assert set(item.feed["t"].ravel()) == {"a", ""}
    assert not any(np.isnan(sample.feed["x"]).any() for sample in samples.items if sample.kind != "missing")


def test_every_feature_misses_once_even_where_rows_are_few():
    samples = generate_samples(signature(spec("x", "float32", 3, 40)), [Hint("x", missing=True)])
    assert np.isnan(by_kind(samples, "missing")[0]).any(axis=0).all()


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.lists(
        st.builds(
            TensorSpec,
            st.sampled_from("abcd"),
            st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int64", "bool", "str", "complex64"]),
            st.lists(st.one_of(st.integers(1, 4), st.sampled_from(["N", "S", "?", "S + 1"])), max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda each: each.name,
    ),
    seed=st.integers(0, 2**64),
)
def test_generated_samples_fit_their_own_signature(inputs, seed):
    wanted = signature(*inputs)
    samples = generate_samples(wanted, seed=seed)
    refitted = fit_to(samples, wanted)
    assert refitted.notes == samples.notes  # nothing had to be cast
    assert len({item.label for item in samples.items}) == len(samples.items)
    for item, again in zip(samples.items, refitted.items, strict=True):
        assert all(item.feed[name] is again.feed[name] for name in item.feed)


# --- the page for users ------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[1] / "docs" / "samples.md").read_text(encoding="utf-8")


def test_the_page_speaks_of_every_kind_and_its_example_runs(tmp_path, monkeypatch, capsys):
    kinds = set(generate_samples(signature(X4, spec("n", "int64", "N", 1))).kinds)
    kinds |= set(generate_samples(signature(spec("n", "int64", "N", 1))).kinds) | {"thresholds", "missing", "unknown"}
    kinds |= {"positive", "branches", "searched"}
    assert set(re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)) - {"integers", "text"} == kinds | {"kind"}
    (tmp_path / "iris.csv").write_text("a,b,c,d\n5.1,3.5,1.4,0.2\n6.0,3.0,4.0,1.0\n")
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[-1], {})
    assert capsys.readouterr().out == "rows 0-1 {'x': (2, 4)}\n"
