"""Trees of every library as Core ML's tree ensembles: thresholds, missing values, sets of categories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from native_parity import assert_agrees
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn_data import CANCER, DIABETES, WINE, holes

from paritygate.convert.routes.sklearn.coreml.single_precision import widen_limit
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.sklearn.thresholds import thresholds_of
from paritygate.validate.trees.tree import SplitTest

QUIET = {"verbosity": -1, "n_jobs": 1}
SILENT = {"verbose": 0, "thread_count": 1, "allow_writing_files": False, "random_seed": 0}


XGB = {"n_estimators": 12, "n_jobs": 1}
TREES: dict[str, tuple[Callable[[], Any], tuple[np.ndarray, np.ndarray]]] = {
    "DecisionTreeClassifier": (lambda: DecisionTreeClassifier(random_state=0), WINE),
    "DecisionTreeRegressor, two targets": (
        lambda: DecisionTreeRegressor(max_depth=6, random_state=0),
        (DIABETES[0], np.column_stack([DIABETES[1], DIABETES[0][:, 2]])),
    ),
    "RandomForestClassifier": (lambda: RandomForestClassifier(10, random_state=0), WINE),
    "RandomForestRegressor": (lambda: RandomForestRegressor(8, max_depth=7, random_state=0), DIABETES),
    "ExtraTreesClassifier": (lambda: ExtraTreesClassifier(8, random_state=0), WINE),
    "BaggingClassifier": (lambda: BaggingClassifier(n_estimators=6, max_features=0.5, random_state=0), WINE),
    "GradientBoostingClassifier": (lambda: GradientBoostingClassifier(n_estimators=8, random_state=0), WINE),
    "GradientBoostingClassifier, exponential": (
        lambda: GradientBoostingClassifier(loss="exponential", n_estimators=12, random_state=0), CANCER,
    ),
    "GradientBoostingRegressor": (lambda: GradientBoostingRegressor(n_estimators=20, random_state=0), DIABETES),
    "HistGradientBoostingClassifier": (lambda: HistGradientBoostingClassifier(max_iter=8), WINE),
    "HistGradientBoostingRegressor": (lambda: HistGradientBoostingRegressor(max_iter=15), DIABETES),
    "IsolationForest": (lambda: IsolationForest(n_estimators=12, random_state=0), WINE),
    "XGBClassifier": (lambda: xgboost.XGBClassifier(**XGB), WINE),
    "XGBClassifier of two classes": (lambda: xgboost.XGBClassifier(**XGB), CANCER),
    "XGBRegressor": (lambda: xgboost.XGBRegressor(**XGB, max_depth=4), DIABETES),
    "LGBMClassifier": (lambda: lightgbm.LGBMClassifier(n_estimators=8, **QUIET), WINE),
    "LGBMClassifier of two classes": (lambda: lightgbm.LGBMClassifier(n_estimators=12, **QUIET), CANCER),
    "LGBMRegressor": (lambda: lightgbm.LGBMRegressor(n_estimators=15, **QUIET), DIABETES),
    "CatBoostClassifier": (lambda: catboost.CatBoostClassifier(iterations=10, depth=4, **SILENT), WINE),
    "CatBoostRegressor": (lambda: catboost.CatBoostRegressor(iterations=10, depth=4, **SILENT), DIABETES),
    "CatBoostRegressor, asymmetric": (
        lambda: catboost.CatBoostRegressor(iterations=10, grow_policy="Lossguide", **SILENT), DIABETES,
    ),
}  # fmt: skip


def steps_around(points: np.ndarray, dtype: Any) -> np.ndarray:
    """The points in a dtype, with the two neighbours below and above each."""
    kept = [np.asarray(points, dtype)]
    for end in (-np.inf, np.inf):
        once = np.nextafter(kept[0], dtype(end))
        kept += [once, np.nextafter(once, dtype(end))]
    return np.concatenate(kept)


def at_thresholds(points: list[np.ndarray], middle: np.ndarray, dtype: Any) -> np.ndarray:
    """Rows with one feature next to a threshold, and real values of the others."""
    chosen = [steps_around(p[:: max(1, len(p) // 6)], dtype) for p in points]
    rows = np.repeat(middle.astype(dtype), sum(map(len, chosen)), axis=0)
    first = 0
    for feature, values in enumerate(chosen):
        rows[first : first + len(values), feature] = values
        first += len(values)
    return rows[:: max(1, len(rows) // 250)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TREES)
def test_trees_at_their_thresholds(name: str, dtype: str, tmp_path: Path):
    make, (rows, target) = TREES[name]
    estimator = make().fit(rows, target)
    kind = np.dtype(dtype).type
    beside = at_thresholds(thresholds_of(estimator, rows.shape[1]), np.median(rows, axis=0)[None], kind)
    candidate = assert_agrees(estimator, np.concatenate([beside, rows[::10].astype(kind)]), tmp_path, dtype)
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    assert spec.specificationVersion == 1
    several = name == "IsolationForest" or "two targets" in name
    assert several or spec.WhichOneof("Type").startswith("treeEnsemble")


SCALERS = (StandardScaler(), RobustScaler(), MinMaxScaler(clip=True), make_pipeline(MaxAbsScaler(), StandardScaler()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=lambda scaler: type(scaler).__name__)
@pytest.mark.parametrize("kind", [RandomForestClassifier, HistGradientBoostingClassifier])
def test_trees_after_scalers_at_their_thresholds(kind: Any, scaler: Any, dtype: str, tmp_path: Path):
    """scikit-learn scales in the samples' width: a model that did so in double would lose many of these rows."""
    forest = kind(n_estimators=10, random_state=0) if kind is RandomForestClassifier else kind(max_iter=10)
    estimator = make_pipeline(scaler, forest).fit(*CANCER)
    points = thresholds_of(estimator[-1], CANCER[0].shape[1])
    table = np.full((max(map(len, points)), len(points)), np.nan)
    for feature, values in enumerate(points):
        table[: len(values), feature] = values
    back = scaler.inverse_transform(table)
    raw = [column[np.isfinite(column)] for column in back.T]
    rows = at_thresholds(raw, np.median(CANCER[0], axis=0)[None], np.dtype(dtype).type)
    candidate = assert_agrees(estimator, rows, tmp_path, dtype)
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    assert spec.WhichOneof("Type") == "treeEnsembleClassifier"  # the scaler was dropped


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.floats(allow_nan=False), st.sampled_from(SplitTest))
def test_double_limits_separate_the_same_numbers_as_single_precision(threshold: float, test: SplitTest):
    assume((threshold, test) != (-np.inf, SplitTest.BELOW))  # nothing is below it, which no limit can express
    limit = widen_limit(np.array([threshold]), test)[0]
    with np.errstate(over="ignore"):
        around = steps_around(np.array([limit, threshold, np.float64(np.float32(threshold))]), np.float64)
        rounded = around.astype(np.float32).astype(np.float64)
    expected = rounded <= threshold if test is SplitTest.AT_MOST else rounded < threshold
    known = ~np.isnan(around)
    assert (around <= limit)[known].tolist() == expected[known].tolist()


HOLLOW = ("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "HistGradientBoostingClassifier",
          "IsolationForest", "XGBClassifier", "LGBMClassifier", "CatBoostClassifier")  # fmt: skip


@pytest.mark.parametrize("seen", [True, False], ids=["trained with NaN", "trained without"])
@pytest.mark.parametrize("name", HOLLOW)
def test_missing_values_go_where_the_trees_send_them(name: str, seen: bool, tmp_path: Path):
    make, (rows, target) = TREES[name]
    assert_agrees(make().fit(holes(rows) if seen else rows, target), holes(rows)[:60], tmp_path)


def coded() -> tuple[np.ndarray, np.ndarray]:
    """Two numbers and two columns of codes, one of them used as a set; missing values have their own target."""
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 12, (400, 2)).astype(float)
    rows = np.column_stack([draw.normal(size=(400, 2)), codes])
    target = np.isin(codes[:, 0], [1, 4, 7]) * 3.0 + codes[:, 1] % 3 + rows[:, 0]
    rows[::9, 2] = np.nan
    return rows, np.where(np.isnan(rows[:, 2]), 5.0, target)


CATEGORICAL = {
    "HistGradientBoostingRegressor": lambda x, y: HistGradientBoostingRegressor(
        max_iter=10, categorical_features=[2, 3]
    ).fit(x, y),
    "behind a scaler": lambda x, y: make_pipeline(
        ColumnTransformer([("s", StandardScaler(), [0, 1])], remainder="passthrough"),
        HistGradientBoostingRegressor(max_iter=10, categorical_features=[2, 3]),
    ).fit(x, y),
    "XGBRegressor": lambda x, y: xgboost.XGBRegressor(
        n_estimators=10, n_jobs=1, enable_categorical=True, feature_types=["q", "q", "c", "c"], max_cat_to_onehot=1
    ).fit(x, y),
    "LGBMRegressor": lambda x, y: lightgbm.LGBMRegressor(
        n_estimators=10, cat_smooth=1, min_data_per_group=5, **QUIET
    ).fit(x, y, categorical_feature=[2, 3]),
}


@pytest.mark.parametrize("name", CATEGORICAL)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sets_of_categories(name: str, tmp_path: Path):
    rows, target = coded()
    estimator = CATEGORICAL[name](rows, target)
    new = rows[:60].copy()
    new[::7, 2], new[::5, 3] = np.nan, 10.0
    if name != "XGBRegressor":  # which rejects unknown codes
        new[1::6, 3] = 77.0
    assert_agrees(estimator, new, tmp_path)
