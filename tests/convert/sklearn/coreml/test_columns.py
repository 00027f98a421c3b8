"""Column models: features keep the names and types of the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from native_parity import assert_agrees
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn_data import WINE

import paritygate.convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.errors import ParityGateError


def cellar() -> tuple[pd.DataFrame, np.ndarray]:
    """Wine as a table of numbers, text and integers, with a column that nothing reads."""
    bunch = load_wine(as_frame=True)
    frame = bunch.data[["alcohol", "hue", "proline"]].copy()
    frame.loc[::7, "alcohol"] = np.nan
    frame["colour"] = np.array(["pale", "mid", "deep"])[np.digitize(bunch.data.color_intensity, [3.5, 5.5])]
    frame["grade"] = (bunch.data.ash * 2).astype(int)
    frame["unused"] = 1.0
    return frame, bunch.target_names[bunch.target]


def cellar_model(final: Any, colours: Any = None) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    parts = ColumnTransformer([
        ("numbers", numbers, ["alcohol", "proline"]),
        ("colour", colours or OneHotEncoder(handle_unknown="ignore"), ["colour"]),
        ("grade", OneHotEncoder(handle_unknown="ignore", drop="first"), ["grade"]),
        ("hue", "passthrough", ["hue"]),
    ])  # fmt: skip
    frame, target = cellar()
    return Pipeline([("parts", parts), ("final", final)]).fit(frame, target)


FINALS = {
    "trees": (RandomForestClassifier(10, random_state=0), None),
    "boosting": (HistGradientBoostingClassifier(max_iter=5), None),
    "linear": (LogisticRegression(), None),
    "numbered colours": (
        LogisticRegression(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    ),
    "rare colours": (LogisticRegression(), OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2)),
}  # fmt: skip


@pytest.mark.parametrize("name", FINALS)
def test_columns_keep_their_names(name: str, tmp_path: Path):
    frame, _ = cellar()
    new = frame[::6].copy()
    new.iloc[::3, new.columns.get_loc("colour")] = "green"
    new.iloc[1::4, new.columns.get_loc("grade")] = 99
    candidate = assert_agrees(cellar_model(*FINALS[name]), new, tmp_path, tolerance=2e-5)
    description = coreml.load(candidate.path, LoadOptions()).native.spec.description
    kinds = {feature.name: feature.type.WhichOneof("Type") for feature in (*description.input, *description.output)}
    assert kinds == {
        "alcohol": "doubleType", "hue": "doubleType", "proline": "doubleType", "colour": "stringType",
        "grade": "int64Type", "unused": "doubleType", "label": "stringType", "probabilities": "dictionaryType",
    }  # fmt: skip
    assert candidate.classes == {"probabilities": ("class_0", "class_1", "class_2")}
    assert (description.predictedFeatureName, description.predictedProbabilitiesName) == ("label", "probabilities")


def test_a_raw_booster_of_three_classes_through_the_gate(tmp_path: Path):
    """Its probabilities become a classifier's dictionary; the gate compares the additional label with them."""
    data = xgboost.DMatrix(*WINE)
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "nthread": 1}, data, 5)
    made = paritygate.convert.convert(booster, tmp_path / "wine.mlmodel", route="native")
    assert made.report.passed, str(made.report)


@pytest.mark.parametrize("suffix", ["mlmodel", "mlpackage"])
def test_a_column_model_through_the_gate(suffix: str, tmp_path: Path):
    output = tmp_path / f"cellar.{suffix}"
    made = paritygate.convert.convert(
        cellar_model(*FINALS["trees"]), output, route="native", deployment_target="macOS12", samples=None
    )
    assert made.report.passed, str(made.report)
    assert output.exists()


def test_columns_named_like_an_output_or_unlike_an_identifier(tmp_path: Path):
    rows = pd.DataFrame(WINE[0][:, :3], columns=["label", "malic acid", "2nd"])
    candidate = assert_agrees(LogisticRegression(max_iter=500).fit(rows, WINE[1]), rows[::9], tmp_path, tolerance=2e-5)
    assert candidate.inputs == {"label": "label", "malic_acid": "malic acid", "_2nd": "2nd"}
    assert candidate.outputs == {"label_": "label", "probabilities": "probabilities"}


def test_a_union_of_text_encoders(tmp_path: Path):
    frame, _ = cellar()
    texts = frame[["colour"]].assign(other=frame.colour.str.upper())
    encoder = OneHotEncoder(handle_unknown="error", sparse_output=False).set_output(transform="default").fit(texts)
    candidate = assert_agrees(encoder, texts[::9], tmp_path)
    session = coreml.load(candidate.path, LoadOptions()).session
    with pytest.raises(ParityGateError, match="PG406"):  # like the encoder itself
        session.predict({"colour": "green", "other": "PALE"})
