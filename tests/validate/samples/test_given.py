"""Samples that a notebook holds give what the same values in a file give; pandas and torch make the expected values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import GivenSamples, SampleOptions
from paritygate.validate.samples import read_samples
from paritygate.validate.samples.given import stored
from paritygate.validate.signature import Signature, TensorSpec

ROWS = 70
NUMBERS = np.random.default_rng(5).normal(size=(ROWS, 3)).astype(np.float32)
FRAME = pd.DataFrame(NUMBERS, columns=["a", "b", "c"])
ONE = Signature((TensorSpec("x", "float32", ("N", 3)),), ())
COLUMNS = Signature(tuple(TensorSpec(name, "float32", ("N", 1)) for name in "abc"), ())
MIXED = Signature((TensorSpec("n", "float32", ("N", 1)), TensorSpec("t", "str", ("N", 1))), ())
FLAGS = Signature((TensorSpec("n", "float32", ("N", 1)), TensorSpec("f", "bool", ("N", 1))), ())


def read(value: Any, signature: Signature, folder: Path) -> dict[str, np.ndarray]:
    """All rows by input name."""
    options = stored(SampleOptions(GivenSamples(value)), folder)
    samples = read_samples(options.samples, signature, features=())
    return {spec.name: np.concatenate([feed[spec.name] for feed in samples.feeds]) for spec in signature.inputs}


LIVE: dict[str, tuple[Any, Signature]] = {
    "frame, one input": (FRAME, ONE),
    "frame, an input per column, in another order": (FRAME[["c", "a", "b"]], COLUMNS),
    "frame with numbered columns": (pd.DataFrame(NUMBERS), ONE),
    "array": (NUMBERS, ONE),
    "float64 array": (NUMBERS.astype(np.float64), ONE),
    "tensor with a gradient": (torch.tensor(NUMBERS, requires_grad=True), ONE),
    "dictionary of arrays": ({"x": NUMBERS}, ONE),
    "dictionary of tensors": ({"x": torch.tensor(NUMBERS)}, ONE),
    "dictionary of lists": ({"x": NUMBERS.tolist()}, ONE),
    "dictionary of columns": ({name: FRAME[[name]].to_numpy() for name in "abc"}, COLUMNS),
    "rows": (FRAME.to_dict("records"), COLUMNS),
    "rows, one input": (FRAME.to_dict("records"), ONE),
    "samples": ([{"x": part} for part in np.split(NUMBERS, 7)], ONE),
    "samples of tensors": ([{"x": torch.tensor(part)} for part in np.split(NUMBERS, 7)], ONE),
}


@pytest.mark.parametrize("name", LIVE)
def test_live_samples_are_read(name: str, tmp_path: Path) -> None:
    value, signature = LIVE[name]
    found = read(value, signature, tmp_path)
    expected = {"x": NUMBERS} if signature is ONE else {key: FRAME[[key]].to_numpy() for key in "abc"}
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)


def test_a_list_of_samples_is_not_divided(tmp_path: Path) -> None:
    options = stored(SampleOptions(GivenSamples([{"x": NUMBERS}, {"x": NUMBERS[:2]}])), tmp_path)
    samples = read_samples(options.samples, ONE)
    assert [sample.feed["x"].shape[0] for sample in samples.items] == [ROWS, 2]
    assert samples.origin == "a list of 2 samples"


def test_missing_values_are_nan_and_empty_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": pd.array([1, None, 3], "Int64"), "t": pd.Series(["u", None, "w"], dtype=object)})
    for value in (frame, frame.astype({"t": "category"}), [*frame.to_dict("records")]):
        found = read(value, MIXED, tmp_path)
        np.testing.assert_array_equal(found["n"], np.array([[1], [np.nan], [3]], np.float32))
        assert found["t"].tolist() == [["u"], [""], ["w"]]


def test_bfloat16_is_read_as_float32(tmp_path: Path) -> None:
    tensor = torch.tensor(NUMBERS).to(torch.bfloat16)
    np.testing.assert_array_equal(read(tensor, ONE, tmp_path)["x"], tensor.float().numpy())


JSON: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "records": lambda frame, path: frame.to_json(path, orient="records"),
    "columns": lambda frame, path: frame.to_json(path),
    "lists": lambda frame, path: path.write_text(
        pd.Series({name: frame[[name]].to_numpy().tolist() for name in frame}).to_json()
    ),
}


@pytest.mark.parametrize("form", JSON)
def test_a_table_that_pandas_wrote_as_json(form: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1.5, np.nan, 3.0], "f": [True, False, True]})
    path = tmp_path / "table.json"
    JSON[form](frame, path)
    samples = read_samples(path, FLAGS)
    assert np.concatenate([feed["f"] for feed in samples.feeds]).ravel().tolist() == [True, False, True]
    np.testing.assert_array_equal(
        np.concatenate([feed["n"] for feed in samples.feeds]).ravel(), frame["n"].to_numpy(np.float32)
    )


def test_objects_with_single_values_are_samples_of_a_model_with_scalars(tmp_path: Path) -> None:
    path = tmp_path / "scalars.json"
    path.write_text('[{"x": 1.5}, {"x": 2.5}]')
    samples = read_samples(path, Signature((TensorSpec("x", "float32", ()),), ()))
    assert [float(feed["x"]) for feed in samples.feeds] == [1.5, 2.5]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "type int"),
        ([], "type list"),
        (pd.DataFrame({"a": [1, "x"], "b": [1, 2]}), "mixes text with numbers"),
        ({"x": object()}, "dtype object"),
        (FRAME.rename(columns={"a": "z"}), "'a'"),
        ({"y": NUMBERS}, "'y'"),
    ],
)
def test_what_does_not_fit_is_refused(value: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError, match=words) as error:
        read(value, COLUMNS if isinstance(value, pd.DataFrame) else ONE, tmp_path)
    assert error.value.code == "PG204"
