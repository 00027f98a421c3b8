"""Boosters that were fitted on a frame's categories take the frame's values, as their predict does."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import xgboost

from paritygate.convert import ParityGateError, convert
from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.convert.routes.sklearn.coreml.route import convert as to_coreml
from paritygate.convert.routes.sklearn.onnx.route import convert as to_onnx
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered
from paritygate.validate.engines.sklearn import booster_files as boosters
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.signature import TensorSpec

RANDOM = np.random.default_rng(0)
PLANS = [3, 1, 40, 7, 12]
"""Values that are neither their codes nor in order."""

X = np.column_stack([RANDOM.normal(size=400), RANDOM.choice(PLANS, 400), RANDOM.integers(0, 3, 400)])
Y = X[:, 0] + 3 * np.isin(X[:, 1], [1, 12]) + (X[:, 2] == 1)


def frame(x: np.ndarray) -> pd.DataFrame:
    """The matrix as its owner has it: the plan and the kind are categories."""
    plan, kind = (pd.Categorical(x[:, at], categories=known) for at, known in ((1, PLANS), (2, [0, 1, 2])))
    return pd.DataFrame({"age": x[:, 0], "plan": plan, "kind": kind})


LGBM = {"n_estimators": 8, "min_child_samples": 5, "min_data_per_group": 1, "cat_smooth": 1, "verbose": -1, "n_jobs": 1}
XGB = {"n_estimators": 8, "enable_categorical": True, "n_jobs": 1}
MODELS: dict[str, Any] = {
    "LGBMRegressor": lightgbm.LGBMRegressor(**LGBM).fit(frame(X), Y),
    "LGBMClassifier": lightgbm.LGBMClassifier(**LGBM).fit(frame(X), Y > 1),
    "XGBRegressor": xgboost.XGBRegressor(**XGB).fit(frame(X), Y),
    "XGBClassifier": xgboost.XGBClassifier(**XGB).fit(frame(X), Y > 1),
}
ROWS = X[:50]
HOLES = np.vstack([ROWS, [[0.5, np.nan, 1.0]]])
UNKNOWN = np.vstack([ROWS, [[0.5, 5.0, 1.0]]])


def predicted(model: Any, x: np.ndarray) -> np.ndarray:
    return model.predict_proba(frame(x)) if hasattr(model, "predict_proba") else model.predict(frame(x))


@pytest.mark.parametrize("name", MODELS)
def test_the_file_takes_the_values_of_the_frame(name: str, tmp_path: Path):
    model = MODELS[name]
    assert convert(model, tmp_path / "out.onnx", dtype="float64").report.passed
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx", providers=["CPUExecutionProvider"])
    # 1e-5: XGBoost gives float32, whose sums of eight trees round otherwise than ours.
    np.testing.assert_allclose(
        np.squeeze(session.run(None, {"X": HOLES})[-1]), np.squeeze(predicted(model, HOLES)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["LGBMRegressor", "LGBMClassifier"])
def test_lightgbm_takes_an_unknown_value_for_a_missing_one(name: str):
    run = load(MODELS[name], LoadOptions(dtype="float64")).run({"X": UNKNOWN})
    np.testing.assert_allclose(
        run.get("probabilities", run.get("prediction")).squeeze(), predicted(MODELS[name], UNKNOWN)
    )


def test_xgboost_refuses_an_unknown_value():
    with pytest.raises(ParityGateError, match="column 1 holds 5, which is not one of the categories"):
        load(MODELS["XGBRegressor"], LoadOptions(dtype="float64")).run({"X": UNKNOWN})


@pytest.mark.parametrize("name", ["LGBMRegressor", "XGBRegressor"])
def test_a_booster_from_a_file_takes_them_too(name: str, tmp_path: Path):
    model = MODELS[name]
    path = tmp_path / ("model.txt" if name.startswith("LGBM") else "model.json")
    (model.booster_ if name.startswith("LGBM") else model).save_model(path)
    run = boosters.load(path, LoadOptions(dtype="float64")).run({"X": ROWS})
    np.testing.assert_allclose(run["prediction"], predicted(model, ROWS), rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_core_ml_takes_them_too(name: str, tmp_path: Path):
    model = MODELS[name]
    candidate = to_coreml(load(model, LoadOptions(dtype="float64")), tmp_path / "out.mlmodel", RouteOptions())
    assert_close(core_ml_outputs(candidate, {"X": HOLES})[-1], predicted(model, HOLES))


TOWNS = ["Bern", "Gent", "Linz", "Oslo"]


def with_towns(x: np.ndarray, seed: int, *others: str) -> pd.DataFrame:
    """The frame with a column of texts, some of them no categories of the models'."""
    return frame(x).assign(town=np.random.default_rng(seed).choice([*TOWNS, *others], len(x)))


def categorical(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(town=pd.Categorical(table["town"].where(table["town"].isin(TOWNS)), categories=TOWNS))


def fitted_on_towns(kind: Any) -> Any:
    table = with_towns(X, 1)
    classes = kind.__name__.endswith("Classifier")
    y = Y + 2 * table["town"].isin(["Gent", "Oslo"])
    return kind(**(XGB if kind.__module__.startswith("xgb") else LGBM)).fit(categorical(table), y > 2 if classes else y)


def feed_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    return {name: table[name].to_numpy(str if name == "town" else np.float64).reshape(-1, 1) for name in table.columns}


WITH_TEXT = [lightgbm.LGBMRegressor, lightgbm.LGBMClassifier, xgboost.XGBRegressor, xgboost.XGBClassifier]


@pytest.mark.parametrize("kind", WITH_TEXT)
def test_texts_are_taken_as_they_are(kind: Any, tmp_path: Path):
    """Also texts that are no categories, which LightGBM takes for missing and XGBoost refuses."""
    model = fitted_on_towns(kind)
    table = with_towns(HOLES, 2, *(["Ulm", ""] if kind.__module__.startswith("lightgbm") else [""]))
    want = getattr(model, "predict_proba", model.predict)(categorical(table))
    opened = load(model, LoadOptions(dtype="float64"))
    assert [spec.dtype for spec in opened.signature.inputs] == ["float64", "float64", "float64", "str"]
    assert_close(list(opened.run(feed_of(table)).values())[-1], want)
    given = {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in feed_of(table).items()}
    candidate = to_onnx(opened, tmp_path / "out.onnx", RouteOptions())
    session = onnxruntime.InferenceSession(candidate.path, providers=["CPUExecutionProvider"])
    assert_close(session.run(None, given)[-1], want)
    candidate = to_coreml(opened, tmp_path / "out.mlmodel", RouteOptions())
    assert_close(core_ml_outputs(candidate, feed_of(table))[-1], want)


@pytest.mark.parametrize("kind", [lightgbm.LGBMRegressor, xgboost.XGBRegressor])
def test_a_pickled_booster_takes_texts_too(kind: Any, tmp_path: Path):
    model = fitted_on_towns(kind)
    (tmp_path / "model.pkl").write_bytes(
        pickle.dumps(model.booster_ if hasattr(model, "booster_") else model.get_booster())
    )
    opened = load(tmp_path / "model.pkl", LoadOptions(dtype="float64"))
    table = with_towns(ROWS, 3)
    assert_close(opened.run(feed_of(table))["prediction"], model.predict(categorical(table)))
    towns = opened.hints()[3]
    assert (towns.name, towns.vocabulary) == ("town", tuple(TOWNS))


def test_xgboost_refuses_an_unknown_text():
    opened = load(fitted_on_towns(xgboost.XGBRegressor), LoadOptions(dtype="float64"))
    with pytest.raises(ParityGateError, match="column 'town' holds 'Ulm', which is not one of the categories"):
        opened.run(feed_of(with_towns(ROWS, 2, "Ulm")))


@pytest.mark.parametrize("kind", [lightgbm.LGBMRegressor, xgboost.XGBRegressor])
def test_texts_are_given_by_codes_to_one_declared_input(kind: Any, tmp_path: Path):
    model = fitted_on_towns(kind)
    opened = load(model, LoadOptions(dtype="float64", inputs=(TensorSpec("X", "float64", ("N", 4)),)))
    note = (
        "column 3 takes codes of categories, as pandas' .cat.codes: 0 is 'Bern', 1 is 'Gent', 2 is 'Linz', 3 is 'Oslo'"
    )
    assert note in opened.notes
    table = categorical(with_towns(ROWS, 3))
    x = np.column_stack([ROWS, table["town"].cat.codes])
    assert_close(opened.run({"X": x})["prediction"], model.predict(table))
    candidate = to_onnx(opened, tmp_path / "out.onnx", RouteOptions())
    odd = np.concatenate([x, [[*ROWS[0], code] for code in (-1.0, 4.0, np.nan)]])
    session = onnxruntime.InferenceSession(candidate.path, providers=["CPUExecutionProvider"])
    assert_close(session.run(None, {"X": odd})[0], opened.run({"X": odd})["prediction"])


def assert_close(got: np.ndarray, want: np.ndarray) -> None:
    # 1e-5: XGBoost gives float32, whose sums of eight trees round otherwise than ours.
    np.testing.assert_allclose(np.squeeze(got), np.squeeze(want), rtol=1e-5, atol=1e-6)


def core_ml_outputs(candidate: Candidate, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = lowered.load(candidate.path, LoadOptions()).session
    count = len(next(iter(feed.values())))
    rows = [session.predict({key: feed[source][i] for key, source in candidate.inputs.items()}) for i in range(count)]
    found = []
    for feature in candidate.outputs:
        order = candidate.classes.get(feature)
        found.append(np.array([row[feature] if order is None else [row[feature][c] for c in order] for row in rows]))
    return found
