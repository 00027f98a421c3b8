"""Samples from .csv, .parquet, .feather and .arrow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather
from sample_helpers import X4, joined, only, refused, signature, spec
from sklearn.datasets import load_digits, load_wine

from paritygate.validate.samples import Samples, read_samples

PEOPLE = signature(
    spec("age", "float32", "N", 1), spec("city", "str", "N", 1), spec("zip", "str", "N", 1), spec("member", "bool", "N")
)
PEOPLE_CSV = 'city,age,member,zip,note\n"Köln, Süd",41,true,01234,a\n,,False,7,b\nBonn,3.5,TRUE,99_9,c\n'


def check_people(samples: Samples) -> None:
    np.testing.assert_array_equal(joined(samples, "age"), np.float32([[41], [np.nan], [3.5]]))
    assert joined(samples, "city").ravel().tolist() == ["Köln, Süd", "", "Bonn"]
    assert joined(samples, "zip").ravel().tolist() == ["01234", "7", "99_9"]
    assert joined(samples, "member").tolist() == [True, False, True]
    assert samples.notes == ("columns that aren't inputs of the model were ignored: note",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_columns_go_to_inputs_by_name(tmp_path, encoding):
    (tmp_path / "s.csv").write_text(PEOPLE_CSV, encoding=encoding)
    check_people(read_samples(tmp_path / "s.csv", PEOPLE))


def _write_stream(frame: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(frame)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)


WRITERS = {
    "s.parquet": lambda frame, path: frame.to_parquet(path),
    "s.feather": lambda frame, path: frame.reset_index(drop=True).to_feather(path),
    "file.arrow": lambda frame, path: feather.write_feather(frame, str(path), compression="uncompressed"),
    "stream.arrow": _write_stream,
}


@pytest.mark.parametrize("name", WRITERS)
def test_columns_of_a_binary_table_go_to_inputs_by_name(tmp_path, name):
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
    WRITERS[name](frame, tmp_path / name)
    check_people(read_samples(tmp_path / name, PEOPLE))


def test_a_column_has_one_type_over_the_whole_file(tmp_path):
    """The first 5000 values of ``late`` look like integers, the last is text: none may be lost."""
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


def test_features_are_bound_by_name_where_the_model_knows_them(tmp_path):
    WINE.assign(target=0)[["target", *reversed(WINE.columns)]].to_csv(tmp_path / "s.csv", index=False)
    samples = read_samples(tmp_path / "s.csv", WIDE, features=tuple(WINE.columns))
    np.testing.assert_array_equal(joined(samples, "X"), WINE.to_numpy())
    with refused("PG204", "feature 'other'.*no column"):
        read_samples(tmp_path / "s.csv", WIDE, features=(*WINE.columns, "other"))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_recognised(tmp_path, separator):
    WINE.to_csv(tmp_path / "s.csv", index=False, sep=separator)
    np.testing.assert_array_equal(joined(read_samples(tmp_path / "s.csv", WIDE), "X"), WINE.to_numpy())


def test_a_header_that_counts_is_not_a_row(tmp_path):
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
    ("n\n1_0\n2\n", signature(spec("n", "float32", "N", 1)), "hold str"),  # a code, which Python would parse as 10
    ("n\n1\n\n2.5\n", signature(spec("n", "int64", "N", 1)), "2.5 is not an integer"),
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
def test_any_csv_of_pandas_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "s.csv"
    frame = pd.DataFrame(rows, columns=["word", "whole", "real"])
    frame.to_csv(path, index=False)
    feed = only(read_samples(path, signature(spec("word", "str", "N"), spec("real", "float64", "N")), batch=100))
    assert feed["word"].tolist() == [word for word, _, _ in rows]
    np.testing.assert_array_equal(feed["real"], np.array([real for _, _, real in rows], float))
