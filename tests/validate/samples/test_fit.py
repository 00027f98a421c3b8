"""Fitting the user's arrays to a signature, and splitting them into batches."""

from __future__ import annotations

import numpy as np
import pytest
from sample_helpers import X4, joined, only, refused, signature, spec

from paritygate.validate.samples import Sample, Samples, fit_to, read_samples
from paritygate.validate.signature import TensorSpec


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
    (np.float64([0.5, 2]), "int64", "0.5 is not an integer"),
    (np.float64([np.nan, 2]), "int64", "NaN"),
    (np.float64([np.inf, 2]), "int32", "infinity"),
    (np.int64([0, 256]), "uint8", "256 is out of range"),
    (np.int64([-1, 0]), "uint64", "-1 is out of range"),
    (np.float64([2.0**63]), "int64", "9223372036854775808 is out of range"),
    (np.int64([2**31]), "int32", "out of range"),
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


def test_rounding_to_the_models_dtype_is_done_once_and_noted():
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
    """P1: trees compare in the width that they are fed; narrowing the reference would hide flipped branches."""
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


@pytest.mark.parametrize(
    ("rows", "wanted", "batch", "sizes"),
    [
        (150, X4, None, [64, 64, 22]),
        (128, X4, None, [64, 33, 31]),  # never one size only: a converter may have fixed it
        (10, X4, None, [6, 4]),
        (3, X4, None, [2, 1]),
        (2, X4, None, [2]),
        (1, X4, None, [1]),
        (10, X4, 5, [5, 5]),  # the user's choice is kept
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


def test_rows_that_fill_no_fixed_batch_are_left_out_with_a_note(tmp_path):
    np.save(tmp_path / "s.npy", np.zeros((11, 4), np.float32))
    samples = read_samples(tmp_path / "s.npy", signature(spec("x", "float32", 4, 4)))
    assert [len(feed["x"]) for feed in samples.feeds] == [4, 4]
    assert samples.notes == ("the last 3 of 11 rows were left out: the model's batch size is fixed at 4",)
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


def test_arrays_that_share_no_batch_axis_are_fed_whole(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.zeros((100, 4), np.float32), h=np.zeros((2, 100, 8), np.float32))
    samples = read_samples(tmp_path / "s.npz", signature(X4, spec("h", "float32", 2, "N", 8)))
    assert only(samples)["x"].shape == (100, 4)


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_without_rows_is_a_usage_error(tmp_path, batch):
    np.save(tmp_path / "s.npy", np.zeros((3, 4), np.float32))
    with refused("PG201", "batch"):
        read_samples(tmp_path / "s.npy", signature(X4), batch=batch)
