"""Samples from .npz, .npy and .json, and files of all formats that can't be read."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_helpers import X4, only, refused, save_images, signature, spec

from paritygate.validate.sample_formats import IMAGES, SAMPLE_FORMATS, SampleFormat
from paritygate.validate.samples import generate_samples, read_example, read_samples, save_samples
from paritygate.validate.samples.files import reader_of


def test_numbered_arrays_are_separate_samples(tmp_path):
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


def test_without_a_signature_the_arrays_are_returned_as_they_are(tmp_path):
    np.savez(tmp_path / "s.npz", a=np.zeros((100, 2)), b=np.int8(3))
    samples = read_samples(tmp_path / "s.npz", None)
    assert {name: (array.dtype.name, array.shape) for name, array in only(samples).items()} == {
        "a": ("float64", (100, 2)),
        "b": ("int8", ()),
    }
    np.save(tmp_path / "s.npy", np.zeros((100, 2)))
    assert only(read_samples(tmp_path / "s.npy", None)).keys() == {"input_0"}


def test_the_first_sample_is_the_example_for_a_model_without_signature(tmp_path):
    np.savez(tmp_path / "s.npz", **{"1/x": np.zeros((2, 4)), "0/x": np.zeros((1, 4))})
    example = read_example(tmp_path / "s.npz")
    assert example is not None
    assert example["x"].shape == (1, 4)
    save_samples(generate_samples(signature(X4)), tmp_path / "job.npz")
    assert (read_example(tmp_path / "job.npz") or {})["x"].shape == (1, 4)
    save_images(tmp_path / "pics", (8, 6))
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
    ("s.json", lambda path: path.write_text('{"x": [[1], [2, 3]]}'), "'x' is not an array"),
    ("s.json", lambda path: path.write_text('{"x": [[1, "a"]]}'), "'x' mixes text with numbers"),
    ("s.json", lambda path: path.write_text('{"x": {"a": 1}}'), "'x' is not an array"),
    ("s.json", lambda path: path.write_text("[" * 100_000), "not JSON"),
    ("s.json", lambda path: path.write_bytes(b"\xff{}"), "not JSON"),
    ("s.csv", lambda path: path.write_text(""), "empty"),
    ("s.csv", lambda path: path.write_text("a,b\n"), "no rows"),
    ("s.csv", lambda path: path.write_text("a,b\n1,2\n3\n"), "line 3 has 1 cells, the first has 2"),
    ("s.csv", lambda path: path.write_text("a,a\n1,2\n"), "two columns are named 'a'"),
    ("s.csv", lambda path: path.write_bytes("a\nß".encode("latin-1")), "not UTF-8"),
    ("s.csv", lambda path: path.write_text('a\n"1'), "not a table"),
    ("s.parquet", lambda path: path.write_text("PAR1"), "not a Parquet"),
    ("s.feather", lambda path: path.write_text("ARROW1"), "not an Arrow or Feather file"),
    ("s.feather", lambda path: pd.DataFrame({"x": []}).to_feather(path), "no rows"),
    ("s.arrow", lambda path: path.write_bytes(b""), "not an Arrow or Feather file"),
    ("s.arrow", lambda path: path.write_text("PAR1"), "not an Arrow or Feather file"),
    ("s.parquet", lambda path: pd.DataFrame({"x": []}).to_parquet(path), "no rows"),
    ("s.parquet", lambda path: pd.DataFrame({"x": [[1, 2]]}).to_parquet(path), "column 'x' holds list"),
    ("s.parquet", lambda path: pd.DataFrame({"x": [pd.Timestamp(0)]}).to_parquet(path), "column 'x' holds timestamp"),
    ("s.txt", lambda path: path.write_text("1"), "not a sample format"),
    ("folder", lambda path: path.mkdir(), "neither images nor input_0.pb"),
    ("s.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "Pillow"),
]


@pytest.mark.parametrize(("name", "write", "words"), DAMAGED)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, write, words):
    write(tmp_path / name)
    wanted = signature(spec("x", "float32", "N", 8, 8, 1)) if name == "s.png" else signature(X4)
    with refused("PG203", words):
        read_samples(tmp_path / name, wanted)


def test_a_missing_file_is_refused(tmp_path):
    with refused("PG202", "none.npz"):
        read_samples(tmp_path / "none.npz", signature(X4))


@pytest.mark.parametrize("format", SAMPLE_FORMATS, ids=lambda format: format.suffixes[0])
def test_every_format_has_a_reader_and_is_described(format: SampleFormat):
    assert list(inspect.signature(reader_of(format)).parameters) == ["path", "context"]
    page = (Path(__file__).parents[4] / "docs" / "samples.md").read_text(encoding="utf-8")
    assert format is IMAGES or all(re.search(rf"^### .*{re.escape(s)}\b", page, re.MULTILINE) for s in format.suffixes)
