"""Boosters as ``xgb.train`` and ``lgb.train`` return them, from pickles; and XGBoost's linear boosters."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import onnxruntime
import pytest
import xgboost

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.coreml.route import convert as to_coreml
from paritygate.convert.routes.sklearn.onnx.route import convert as to_onnx
from paritygate.validate.engines.base import LoadOptions, Model
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.sklearn import booster_files
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(300, 4)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
HOLES = np.where(RANDOM.random(X.shape) < 0.2, np.nan, X)[:40].astype(np.float32)

IN_SINGLE = 3e-6
"""XGBoost adds a dozen numbers in single precision, 6e-8 a step, and so does its link; LightGBM in double."""


def xgb(objective: str, target: Any = CLASSES, **parameters: Any) -> xgboost.Booster:
    return xgboost.train({"objective": objective, "nthread": 1, **parameters}, xgboost.DMatrix(X, target), 6)


def lgbm(objective: str, target: Any = CLASSES, **parameters: Any) -> lightgbm.Booster:
    return lightgbm.train(
        {"objective": objective, "verbose": -1, "num_threads": 1, **parameters}, lightgbm.Dataset(X, target), 6
    )


BOOSTERS: dict[str, Callable[[], Any]] = {
    "xgboost softmax": lambda: xgb("multi:softmax", num_class=3),
    "xgboost softprob": lambda: xgb("multi:softprob", num_class=3),
    "xgboost dart": lambda: xgb("binary:logistic", CLASSES > 0, booster="dart", rate_drop=0.4),
    "xgboost vector leaves": lambda: xgb("reg:squarederror", X[:, :2], multi_strategy="multi_output_tree"),
    "lightgbm binary": lambda: lgbm("binary", CLASSES > 0),
    "lightgbm multiclass": lambda: lgbm("multiclass", num_class=3),
    "lightgbm dart": lambda: lgbm("regression", X[:, 0], boosting="dart", drop_rate=0.5, skip_drop=0.0),
    "lightgbm forest": lambda: lgbm("regression", X[:, 0], boosting="rf", bagging_freq=1, bagging_fraction=0.6),
}

LINEAR = {"booster": "gblinear", "n_estimators": 5, "n_jobs": 1}
SEVERAL = np.column_stack([X[:, 0] + 5, X[:, 1] * 2 - 5])
LINEAR_MODELS: dict[str, tuple[Any, Any]] = {
    "regressor": (xgboost.XGBRegressor(**LINEAR), X[:, 0] * 2 + 7),
    "several targets": (xgboost.XGBRegressor(**LINEAR), SEVERAL),
    "counts": (xgboost.XGBRegressor(objective="count:poisson", **LINEAR), CLASSES),
    "two classes": (xgboost.XGBClassifier(**LINEAR), CLASSES > 0),
    "three classes": (xgboost.XGBClassifier(**LINEAR), CLASSES),
    "another missing value": (xgboost.XGBRegressor(missing=-1.0, **LINEAR), X[:, 0]),
    "ranker": (xgboost.XGBRanker(**LINEAR), CLASSES),
}
"""The base scores of several targets differ: XGBoost 3.2 adds the first one to all targets."""


def written(model: Model, folder: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of the model's ONNX file."""
    candidate = to_onnx(model, folder / "out.onnx", RouteOptions())
    session = onnxruntime.InferenceSession(candidate.path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": x}), strict=True))


def written_for_core_ml(model: Model, folder: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of the model's Core ML file, row by row."""
    candidate = to_coreml(model, folder / "out.mlmodel", RouteOptions())
    session = coreml.load(candidate.path, LoadOptions()).session
    rows = [session.predict(dict.fromkeys(candidate.inputs, row)) for row in x]
    found = {}
    for feature, source in candidate.outputs.items():
        order = candidate.classes.get(feature)
        values = [row[feature] if order is None else [row[feature][label] for label in order] for row in rows]
        found[source] = np.array(values)
    return found


def assert_close(got: np.ndarray, want: np.ndarray) -> None:
    np.testing.assert_allclose(got.reshape(want.shape), want, IN_SINGLE, IN_SINGLE)


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_pickled_booster_is_its_own_predict(name: str, tmp_path: Path) -> None:
    booster = BOOSTERS[name]()
    save, suffix = (joblib.dump, "joblib") if "dart" in name else (_pickle, "pkl")
    save(booster, tmp_path / f"model.{suffix}")
    model = load(tmp_path / f"model.{suffix}", LoadOptions())
    want = booster.predict(xgboost.DMatrix(HOLES) if name.startswith("xgboost") else HOLES)
    assert_close(model.run({"X": HOLES})["prediction"], want)
    assert_close(written(model, tmp_path, HOLES)["prediction"], want)
    if "softmax" not in name:  # Core ML has no model that gives the number of a class as a number
        assert_close(written_for_core_ml(model, tmp_path, HOLES)["prediction"], want)


def _pickle(value: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(value))


def test_the_text_in_a_pickled_booster_is_checked(tmp_path: Path) -> None:
    """LightGBM follows the counts in its text without looking."""
    content = pickle.dumps(lgbm("binary", CLASSES > 0))
    at = content.index(b"num_leaves=") + len(b"num_leaves=")
    (tmp_path / "bad.pkl").write_bytes(content[:at] + b"9" + content[at + 1 :])
    with pytest.raises(ParityGateError) as caught:
        load(tmp_path / "bad.pkl", LoadOptions())
    assert caught.value.code == "PG402"
    assert "num_leaves" in caught.value.cause or "leaf_value" in caught.value.cause


@pytest.mark.parametrize("name", LINEAR_MODELS)
def test_a_linear_booster(name: str, tmp_path: Path) -> None:
    estimator, target = LINEAR_MODELS[name]
    groups = {"qid": np.arange(len(X)) // 10} if name == "ranker" else {}
    estimator.fit(X, target, **groups)
    x = np.concatenate([HOLES, np.full((1, 4), -1, np.float32)])
    model, want = load(estimator, LoadOptions()), estimator.predict(x)
    for outputs in (written(model, tmp_path, x), written_for_core_ml(model, tmp_path, x)):
        if name.endswith("classes"):
            assert outputs["label"].tolist() == want.tolist()
            assert_close(outputs["probabilities"], estimator.predict_proba(x))
        else:
            assert_close(outputs["prediction"], want)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_a_file_of_a_linear_booster(suffix: str, tmp_path: Path) -> None:
    booster = xgb("binary:logistic", CLASSES > 0, booster="gblinear")
    booster.save_model(tmp_path / f"model.{suffix}")
    model, want = booster_files.load(tmp_path / f"model.{suffix}", LoadOptions()), booster.predict(xgboost.DMatrix(X))
    assert model.facts().operators == {"Linear": 1}
    assert_close(model.run({"X": X})["prediction"], want)
    assert_close(written(model, tmp_path, X)["prediction"], want)
