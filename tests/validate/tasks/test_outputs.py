"""What ``run`` writes is what pandas and numpy read back, and its statistics are numpy's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import read_samples
from paritygate.validate.tasks.outputs import check_suffix, statistics_of, write_outputs

GENERATOR = np.random.default_rng(3)
SCORES = np.array([[0.1, np.nan], [1 / 3, -np.inf], [1e-38, 7]], np.float32)
COLUMNS = {"scores": SCORES, "label": np.array(["a", "b,c", "ü"]), "flag": np.array([[True], [False], [True]])}
FLAT = {"scores_0": SCORES[:, 0], "scores_1": SCORES[:, 1], "label": COLUMNS["label"], "flag": COLUMNS["flag"][:, 0]}


def write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    with path.open("wb") as file:
        write_outputs(arrays, path, file)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_has_a_column_for_each_value_of_a_row(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"out{suffix}", COLUMNS)
    frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert list(frame.columns) == list(FLAT)
    for name, column in FLAT.items():
        found = frame[name].to_numpy()
        np.testing.assert_array_equal(found.astype(column.dtype) if column.dtype.kind == "f" else found, column)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_what_is_written_is_read_as_samples(suffix: str, tmp_path: Path) -> None:
    arrays = {"x": GENERATOR.normal(size=(5, 2, 3)).astype(np.float32), "i": np.arange(5)}
    (feed,) = read_samples(write(tmp_path / f"out{suffix}", arrays), None).feeds
    for name, array in arrays.items():
        np.testing.assert_array_equal(feed[name].astype(array.dtype), array)


def test_json_has_null_for_nan(tmp_path: Path) -> None:
    path = write(tmp_path / "out.json", {"x": np.array([np.nan, 0.5], np.float16)})
    assert json.loads(path.read_text()) == {"x": [None, 0.5]}


def test_one_array_is_an_npy(tmp_path: Path) -> None:
    np.testing.assert_array_equal(np.load(write(tmp_path / "out.npy", {"y": SCORES})), SCORES)


@pytest.mark.parametrize(
    ("name", "arrays", "words"),
    [
        ("out.npy", COLUMNS, "scores, label, flag"),
        ("out.csv", {"image": np.zeros((2, 3, 4))}, r"'image', float64\[2, 3, 4\]"),
        ("out.csv", {"a": np.zeros(2), "b": np.zeros(3)}, "different numbers of rows"),
        ("out.json", {"z": np.zeros(2, np.complex64)}, "no complex numbers"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    name: str, arrays: dict[str, np.ndarray], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ParityGateError, match=words) as error:
        write(tmp_path / name, arrays)
    assert (error.value.code, error.value.remedy) == ("PG201", "Write an .npz.")


@pytest.mark.parametrize("name", ["out", "out.txt", "out.xlsx"])
def test_another_suffix_is_refused_before_the_model_runs(name: str) -> None:
    with pytest.raises(ParityGateError, match=r"\.npz, \.npy, \.csv, \.parquet, \.json"):
        check_suffix(Path(name))


def test_statistics_are_those_of_the_finite_values() -> None:
    floats, text, nothing = statistics_of({"x": SCORES, "t": COLUMNS["label"], "n": np.full(2, np.nan)})
    finite = SCORES[np.isfinite(SCORES)].astype(np.float64)
    assert (floats.least, floats.mean, floats.greatest) == (finite.min(), finite.mean(), finite.max())
    assert (floats.nan, floats.infinite, floats.shape, floats.dtype) == (1, 1, (3, 2), "float32")
    assert (text.dtype, text.mean) == ("str", None)
    assert (nothing.least, nothing.nan) == (None, 2)
