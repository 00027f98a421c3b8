"""Boosters that were fitted on a frame's categories take the frame's values, as their predict does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import xgboost

from paritygate.convert import ParityGateError, convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn import booster_files as boosters
from paritygate.validate.engines.sklearn.estimator import load

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
def test_core_ml_has_no_such_step(name: str, tmp_path: Path):
    with pytest.raises(ParityGateError, match="values are not their codes"):
        convert(MODELS[name], tmp_path / "out.mlmodel", route="native")


@pytest.mark.parametrize("kind", [lightgbm.LGBMRegressor, xgboost.XGBRegressor])
def test_texts_are_given_by_codes_which_a_note_explains(kind: Any):
    words = pd.Categorical(RANDOM.choice(["ant", "bee"], 400))
    options = LGBM if kind is lightgbm.LGBMRegressor else XGB
    model = kind(**options).fit(pd.DataFrame({"a": X[:, 0], "word": words}), Y)
    assert (
        "column 1 takes codes of categories, as pandas' .cat.codes: 0 is 'ant', 1 is 'bee'"
        in load(model, LoadOptions()).notes
    )
