"""Tables of text and numbers as ONNX: one input for each column, under the column's own name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from onnx_parity import parity
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    LabelEncoder,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn_data import NAMES, WINE
from sklearn_tables import FEED, NUMBERS, TABLE, TABLE_MODELS, table_model

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.samples import generate_samples


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("estimator", TABLE_MODELS.values(), ids=TABLE_MODELS.keys())
def test_tables_of_text_and_numbers(estimator: Any, dtype: str, tmp_path: Path) -> None:
    """One input per column, under the column's own name, whatever skl2onnx calls its variables.

    The generated samples hold unknown categories, empty strings and NaN wherever the estimator takes them.
    """
    estimator.fit(TABLE, NAMES[WINE[1]])
    options = LoadOptions(
        dtype=dtype,
        example={name: column.astype(str) if column.dtype == object else column for name, column in FEED.items()},
    )
    candidate = parity(estimator, tmp_path, FEED, options=options)
    assert list(candidate.inputs) == list(TABLE.columns)


def test_a_model_of_numbers_takes_its_columns_or_one_array(tmp_path: Path) -> None:
    estimator = RidgeClassifier().fit(TABLE[NUMBERS], WINE[1])
    parity(estimator, tmp_path, FEED)
    array = TABLE[NUMBERS].to_numpy(np.float32)
    options = LoadOptions(example={"features": array})
    assert list(parity(estimator, tmp_path, {"features": array}, options=options).inputs) == ["features"]


def test_notes_on_missing_text_and_on_a_name_used_twice(tmp_path: Path) -> None:
    text, renamed = parity(table_model(LinearSVC()).fit(TABLE, WINE[1]), tmp_path).notes
    assert "shade (eye)" in text
    assert "'label_output'" in renamed


TEXTS = ["the cat sat on the mat", "A dog; and a cat!", "dogs eat cats' food", "it's 3.14", "mats & cats", "UPPER Case"]
TOPICS = [0, 1, 1, 2, 0, 2]
VECTORIZERS = (
    CountVectorizer(),
    CountVectorizer(binary=True, lowercase=False),
    CountVectorizer(analyzer="char", ngram_range=(2, 3)),
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    TfidfVectorizer(token_pattern=r"\S+", norm="l1"),
)


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=str)
def test_text(vectorizer: Any, tmp_path: Path) -> None:
    estimator = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, TOPICS)
    parity(estimator, tmp_path, np.array([*TEXTS, "", "never seen", "cat cat  cat", "Ünïcode ß"]))


def test_text_beside_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame({"doc": TEXTS, "stars": np.arange(6.0)})
    columns = ColumnTransformer([("t", TfidfVectorizer(), "doc"), ("n", StandardScaler(), ["stars"])])
    estimator = make_pipeline(columns, LogisticRegression()).fit(table, TOPICS)
    parity(estimator, tmp_path, {name: column.to_numpy()[:, None] for name, column in table.items()})


def test_labels_are_encoded(tmp_path: Path) -> None:
    parity(LabelEncoder().fit(NAMES), tmp_path, NAMES)


def test_each_column_of_an_array_is_drawn_from_its_own_categories(tmp_path: Path) -> None:
    """A strict encoder accepts no other column's categories; columns of numbers are drawn as usual."""
    words = np.c_[NAMES[WINE[1]], np.where(WINE[0][:, 0] > 13, "strong", "weak")]
    parity(OneHotEncoder().fit(words), tmp_path, words)
    mixed = np.c_[WINE[0][:, 0], WINE[1] + 3]
    columns = ColumnTransformer([("n", StandardScaler(), [0]), ("c", OrdinalEncoder(), [1])])
    model = load(columns.fit(mixed), LoadOptions())
    drawn = np.concatenate([item.feed["X"] for item in generate_samples(model.signature, model.hints()).items])
    assert {*drawn[:, 1]} == {3, 4, 5}
    assert len({*drawn[:, 0]}) > 100
    parity(model.native, tmp_path, mixed)
