"""XGBoost, LightGBM and CatBoost: objectives, missing values, zeros, categories, labels, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from paritygate.convert import ParityGateError
from paritygate.validate.detect import detect
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.trees.readers import lightgbm as lightgbm_form
from paritygate.validate.trees.readers import xgboost as xgboost_form

LETTERS = np.array(["ant", "bee", "cat"])
X, Y = load_wine(return_X_y=True)
RANDOM = np.random.default_rng(0)
X_HOLES = np.where(RANDOM.random(X.shape) < 0.2, np.nan, X)
X_ZEROS = np.where(RANDOM.random(X.shape) < 0.3, 0.0, X - X.mean(axis=0))
SHUFFLED = RANDOM.permutation(Y)
DIABETES, PROGRESS = load_diabetes(return_X_y=True)
SEVERAL = np.column_stack([Y > 0, Y > 1, Y == 1]).astype(int)
CODES = RANDOM.integers(0, 70, len(DIABETES)).astype(float)
CODES[::9] = np.nan
CODED = np.column_stack([DIABETES[:, 0], CODES, DIABETES[:, 1]])
ON_CODES = PROGRESS + 100.0 * np.isin(CODES, [0, 3, 5, 8, 30, 64])
ODD_CODES = np.array([-1.0, -0.5, 39.5, 69.9, 70.0, 1e7, -0.0, np.nan])
"""Codes below, between and above those of the training data."""

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
XGB = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1}
LGBM = {"n_estimators": 12, "num_leaves": 7, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
CAT = {"iterations": 12, "depth": 4, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
STOPS = {"eval_set": [(X_HOLES[::3], SHUFFLED[::3])]}
"""Wrong labels to validate with: the best round comes long before the last."""


def with_zeros(x: np.ndarray) -> np.ndarray:
    """Rows with holes, with zeros, and with numbers just small enough, or not, for LightGBM to treat as zero."""
    small = x.dtype.type(np.float32(1e-35))
    special = [np.nan, 0.0, small, -small, np.nextafter(small, x.dtype.type(1)), np.nextafter(-small, x.dtype.type(-1))]
    return np.concatenate([x, *(np.where(RANDOM.random(x.shape) < 0.4, value, x)[:30] for value in special)])


XGB_CLASSIFIERS = {
    "three classes": (xgboost.XGBClassifier(**XGB), X_HOLES, Y),
    "two classes": (xgboost.XGBClassifier(**XGB), X_HOLES, Y > 0),
    "softmax": (xgboost.XGBClassifier(objective="multi:softmax", **XGB), X_HOLES, Y),
    "hinge": (xgboost.XGBClassifier(objective="binary:hinge", **XGB), X_HOLES, Y > 0),
    "base score": (xgboost.XGBClassifier(base_score=0.2, **XGB), X_HOLES, Y > 0),
    "dart": (xgboost.XGBClassifier(booster="dart", rate_drop=0.3, **XGB), X_HOLES, Y),
    "forest": (xgboost.XGBRFClassifier(**XGB), X_HOLES, Y),
    "pruned": (xgboost.XGBClassifier(tree_method="exact", gamma=1.0, **XGB), X_HOLES, Y),
    "zero is missing": (xgboost.XGBClassifier(missing=0.0, **XGB), X_ZEROS, Y),
    "several labels": (xgboost.XGBClassifier(**XGB), X_HOLES, SEVERAL),
    "leaves of several labels": (xgboost.XGBClassifier(multi_strategy="multi_output_tree", **XGB), X_HOLES, SEVERAL),
}


@DTYPES
@pytest.mark.parametrize("name", XGB_CLASSIFIERS)
def test_xgboost_classifier(name: str, dtype: Any, parity: Any, around: Any) -> None:
    model, x, y = XGB_CLASSIFIERS[name]
    parity(model.fit(x, y), around(model, x.astype(dtype), 20))


def test_xgboost_stops_at_the_best_round(parity: Any) -> None:
    model = xgboost.XGBClassifier(**{**XGB, "n_estimators": 60}, early_stopping_rounds=3)
    model.fit(X_HOLES, Y, **STOPS, verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    parity(model, X_HOLES)


def test_xgboost_leaves_pruned_nodes_behind() -> None:
    """The case `pruned` above depends on it: XGBoost's own arrays still hold them."""
    model, x, y = XGB_CLASSIFIERS["pruned"]
    raws = xgboost_json(model.fit(x, y).get_booster())["model"]["trees"]
    trees = xgboost_form.read(model.get_booster()).trees
    assert sum(len(raw["left_children"]) for raw in raws) > sum(len(tree.left) for tree in trees)


def xgboost_json(booster: xgboost.Booster) -> Any:
    return json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]


XGB_OBJECTIVES = {
    "binary:hinge": PROGRESS > 150,
    "binary:logitraw": PROGRESS > 150,
    "count:poisson": PROGRESS.round(),
    "rank:ndcg": PROGRESS // 100,
    "reg:absoluteerror": PROGRESS,
    "reg:gamma": PROGRESS,
    "reg:logistic": PROGRESS / 400,
    "reg:pseudohubererror": PROGRESS / 100,
    "reg:quantileerror": PROGRESS,
    "reg:squarederror": PROGRESS,
    "reg:squaredlogerror": PROGRESS,
    "reg:tweedie": PROGRESS,
    "survival:cox": PROGRESS,
}


@pytest.mark.parametrize("objective", XGB_OBJECTIVES)
def test_xgboost_objective(objective: str, parity: Any, around: Any) -> None:
    """Base scores are on the scale of the prediction, trees on that of the link function."""
    y, x = XGB_OBJECTIVES[objective], DIABETES.astype(np.float32)
    if objective.startswith("rank:"):
        model = xgboost.XGBRanker(objective=objective, **XGB).fit(x, y, qid=np.arange(len(y)) // 10)
    else:
        quantiles = [0.2, 0.5, 0.8] if objective == "reg:quantileerror" else None
        model = xgboost.XGBRegressor(objective=objective, quantile_alpha=quantiles, **XGB).fit(x, y)
    parity(model, around(model, x, 20))


def test_xgboost_objectives_are_all_known() -> None:
    """The list is XGBoost's own, from the error that an unknown objective raises."""
    with pytest.raises(xgboost.core.XGBoostError) as caught:
        xgboost.train({"objective": "none"}, xgboost.DMatrix(np.ones((2, 1)), np.ones(2)), 1)
    lines = [line.partition("candidate: ") for line in str(caught.value).splitlines()]
    assert {name for _, found, name in lines if found} == set(xgboost_form.OBJECTIVES)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_xgboost_several_targets(strategy: str, parity: Any) -> None:
    y = np.column_stack([PROGRESS, PROGRESS**0.5])
    parity(xgboost.XGBRegressor(multi_strategy=strategy, **XGB).fit(DIABETES, y), DIABETES.astype(np.float32))


@DTYPES
def test_xgboost_categories(dtype: Any, parity: Any) -> None:
    model = xgboost.XGBRegressor(enable_categorical=True, feature_types=["q", "c", "q"], max_cat_to_onehot=4, **XGB)
    x = CODED.astype(dtype)
    x[: len(ODD_CODES), 1] = ODD_CODES
    assert len(xgboost_form.read(model.fit(CODED, ON_CODES).get_booster()).splits) > 10
    parity(model, x)


LGBM_CLASSIFIERS = {
    "three classes": (lightgbm.LGBMClassifier(**LGBM), X_HOLES, LETTERS[Y]),
    "two classes": (lightgbm.LGBMClassifier(**LGBM), X_HOLES, Y > 0),
    "one against all": (lightgbm.LGBMClassifier(objective="multiclassova", sigmoid=2.0, **LGBM), X_HOLES, Y),
    "nothing is missing": (lightgbm.LGBMClassifier(use_missing=False, **LGBM), X_ZEROS, Y),
    "fit without holes": (lightgbm.LGBMClassifier(**LGBM), X - X.mean(axis=0), Y),
    "zero is missing": (lightgbm.LGBMClassifier(zero_as_missing=True, **LGBM), X_ZEROS, Y),
    "forest": (lightgbm.LGBMClassifier(boosting_type="rf", subsample=0.5, subsample_freq=1, **LGBM), X_HOLES, Y),
    "dart": (lightgbm.LGBMClassifier(boosting_type="dart", **LGBM), X_HOLES, Y),
}


@DTYPES
@pytest.mark.parametrize("name", LGBM_CLASSIFIERS)
def test_lightgbm_classifier(name: str, dtype: Any, parity: Any, around: Any) -> None:
    """Each missing type, with holes, zeros and almost zeros in the samples."""
    model, x, y = LGBM_CLASSIFIERS[name]
    parity(model.fit(x, y), with_zeros(around(model, x.astype(dtype), 20)))


def test_lightgbm_zero_as_missing_matters(parity: Any) -> None:
    """The case above has splits that send zero to the other side than its value would."""
    model, x, y = LGBM_CLASSIFIERS["zero is missing"]
    boosting = lightgbm_form.read(model.fit(x, y).booster_)
    turned = [(tree.threshold >= 0) != tree.missing_left for tree in boosting.trees]
    assert len(boosting.zero_missing) > 3
    assert np.concatenate([flip[tree.left >= 0] for flip, tree in zip(turned, boosting.trees, strict=True)]).any()


def test_lightgbm_stops_at_the_best_round(parity: Any) -> None:
    model = lightgbm.LGBMClassifier(**{**LGBM, "n_estimators": 60})
    model.fit(X_HOLES, Y, **STOPS, callbacks=[lightgbm.early_stopping(3, verbose=False)])
    assert model.best_iteration_ < 60
    parity(model, X_HOLES)


LGBM_OBJECTIVES = ["cross_entropy", "cross_entropy_lambda", "fair", "gamma", "huber", "lambdarank", "mape", "poisson",
                   "quantile", "rank_xendcg", "regression", "regression_l1", "tweedie"]  # fmt: skip


@pytest.mark.parametrize("objective", [*LGBM_OBJECTIVES, "square root", "of one's own"])
def test_lightgbm_objective(objective: str, parity: Any, around: Any) -> None:
    if objective in ("lambdarank", "rank_xendcg"):
        model = lightgbm.LGBMRanker(objective=objective, **LGBM).fit(DIABETES, PROGRESS // 100, group=[34] * 13)
    elif objective == "square root":
        model = lightgbm.LGBMRegressor(reg_sqrt=True, **LGBM).fit(DIABETES, PROGRESS)
    elif objective == "of one's own":
        model = lightgbm.LGBMRegressor(objective=lambda y, p: (p - y, np.ones_like(y)), **LGBM).fit(DIABETES, PROGRESS)
    else:
        scale = 400 if objective.startswith("cross") else 1
        model = lightgbm.LGBMRegressor(objective=objective, **LGBM).fit(DIABETES, PROGRESS / scale)
    parity(model, around(model, DIABETES, 20))


@pytest.mark.parametrize("options", [{}, {"zero_as_missing": True}], ids=str)
@DTYPES
def test_lightgbm_categories(options: dict[str, Any], dtype: Any, parity: Any) -> None:
    """Code 0 is a category even where zeros are missing."""
    model = lightgbm.LGBMRegressor(min_data_per_group=1, cat_smooth=0.0, **options, **LGBM)
    model.fit(CODED, ON_CODES, categorical_feature=[1])
    x = CODED.astype(dtype)
    x[: len(ODD_CODES), 1], x[20:30, 0] = ODD_CODES, 0.0
    assert len(lightgbm_form.read(model.booster_).splits) > 10
    parity(model, x)


def test_lightgbm_that_learned_nothing(parity: Any) -> None:
    """Every tree is a single leaf."""
    parity(lightgbm.LGBMRegressor(**LGBM).fit(DIABETES, np.ones(len(DIABETES))), DIABETES)


CAT_CLASSIFIERS = {
    "three classes": (catboost.CatBoostClassifier(**CAT), LETTERS[Y]),
    "two classes": (catboost.CatBoostClassifier(**CAT), LETTERS[np.minimum(Y, 1)]),
    "two classes with a score each": (catboost.CatBoostClassifier(loss_function="MultiClass", **CAT), Y > 0),
    "booleans": (catboost.CatBoostClassifier(**CAT), Y > 0),
    "missing is greatest": (catboost.CatBoostClassifier(nan_mode="Max", **CAT), Y),
    "one against all": (catboost.CatBoostClassifier(loss_function="MultiClassOneVsAll", **CAT), Y),
    "several labels": (catboost.CatBoostClassifier(loss_function="MultiLogloss", **CAT), SEVERAL),
    "by loss": (catboost.CatBoostClassifier(grow_policy="Lossguide", **CAT), Y),
    "by depth": (catboost.CatBoostClassifier(grow_policy="Depthwise", **CAT), Y > 0),
}


@DTYPES
@pytest.mark.parametrize("name", CAT_CLASSIFIERS)
def test_catboost_classifier(name: str, dtype: Any, parity: Any, around: Any) -> None:
    model, y = CAT_CLASSIFIERS[name]
    parity(model.fit(X_HOLES, y), around(model, X_HOLES.astype(dtype), 20))


def test_catboost_threshold_of_probability(parity: Any) -> None:
    model = catboost.CatBoostClassifier(**CAT).fit(X_HOLES, Y > 0)
    before = model.predict(X_HOLES)
    model.set_probability_threshold(0.9)
    assert (model.predict(X_HOLES) != before).any()
    parity(model, X_HOLES)


CAT_LOSSES = ["RMSE", "MAE", "Poisson", "Quantile:alpha=0.3", "Tweedie:variance_power=1.5", "RMSEWithUncertainty",
              "MultiRMSE"]  # fmt: skip


@pytest.mark.parametrize("loss", CAT_LOSSES)
def test_catboost_regressor(loss: str, parity: Any, around: Any) -> None:
    y = np.column_stack([PROGRESS, PROGRESS**0.5]) if loss == "MultiRMSE" else PROGRESS
    model = catboost.CatBoostRegressor(loss_function=loss, **CAT).fit(DIABETES, y)
    parity(model, around(model, DIABETES.astype(np.float32), 20))


def test_catboost_ranker(parity: Any) -> None:
    model = catboost.CatBoostRanker(**CAT).fit(DIABETES, PROGRESS / 346, group_id=np.arange(len(PROGRESS)) // 10)
    parity(model, DIABETES)


BOOSTERS = [xgboost.XGBClassifier(**XGB), lightgbm.LGBMClassifier(**LGBM), catboost.CatBoostClassifier(**CAT)]
NAMES = ["xgboost", "lightgbm", "catboost"]


@pytest.mark.parametrize("booster", BOOSTERS, ids=NAMES)
def test_in_a_pipeline(booster: Any, parity: Any) -> None:
    """In double: a number that a scaler rounds differently in float32 may fall on the other side of a split."""
    parity(make_pipeline(SimpleImputer(), StandardScaler(), booster).fit(X_HOLES, Y), X_HOLES)


@DTYPES
def test_stacked(dtype: Any, parity: Any) -> None:
    """Three boosters under a fourth, whose splits depend on the last digits of its inputs."""
    names = list(zip(NAMES, BOOSTERS, strict=True))
    model = StackingClassifier(names, lightgbm.LGBMClassifier(**LGBM), cv=2).fit(X, LETTERS[Y])
    parity(model, X.astype(dtype), single=True)
    regressors = [("x", xgboost.XGBRegressor(**XGB)), ("l", lightgbm.LGBMRegressor(**LGBM))]
    parity(StackingRegressor(regressors, cv=2).fit(DIABETES, PROGRESS), DIABETES.astype(dtype), single=True)


@pytest.mark.parametrize("booster", BOOSTERS, ids=NAMES)
def test_calibrated(booster: Any, parity: Any) -> None:
    parity(CalibratedClassifierCV(booster, cv=2).fit(X, Y), X, single=booster is BOOSTERS[0])


def own_objective(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return p - y, np.ones_like(y)


REFUSED = {
    "linear_tree": lambda: lightgbm.LGBMRegressor(linear_tree=True, **LGBM).fit(DIABETES, PROGRESS),
    "custom objective": lambda: lightgbm.LGBMClassifier(objective=own_objective, **LGBM).fit(DIABETES, PROGRESS > 9),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_with_the_reason(reason: str, parity: Any) -> None:
    with pytest.raises(ParityGateError, match=reason) as caught:
        parity(REFUSED[reason](), DIABETES)
    assert caught.value.code == "PG404"


def native(name: str, folder: Path) -> tuple[Path, Any]:
    """A trained model's file in its library's own format, and the same as a live object where it has a form."""
    path = folder / name
    if name.startswith("xgboost"):
        booster = xgboost.XGBClassifier(**XGB).fit(X_HOLES, Y).get_booster()
        path.write_bytes(booster.save_raw("ubj" if name.endswith("ubj") else "json"))
    elif name.startswith("lightgbm"):
        booster = lightgbm.LGBMClassifier(**LGBM).fit(X_HOLES, Y).booster_.save_model(path)
    else:
        loss = "Poisson" if "poisson" in name else None
        booster = catboost.CatBoostRegressor(loss_function=loss, **CAT) if loss else catboost.CatBoostClassifier(**CAT)
        booster.fit(X_HOLES, Y + 1.0 if loss else LETTERS[Y]).save_model(str(path))
    return path, booster


FILES = ["xgboost.json", "xgboost.ubj", "xgboost.model", "lightgbm.txt", "lightgbm.model", "catboost.cbm",
         "catboost_poisson.cbm"]  # fmt: skip


@DTYPES
@pytest.mark.parametrize("name", FILES)
def test_native_file(name: str, dtype: Any, parity: Any, tmp_path: Path) -> None:
    """Detected by its first bytes, run by its library, converted, equal."""
    path, _ = native(name, tmp_path)
    kind = detect(path)
    assert kind.name == name.partition(".")[0].partition("_")[0]
    parity(path, with_zeros(X_HOLES.astype(dtype)), load=import_module(kind.runtime.engine).load)


@pytest.mark.parametrize("name", ["xgboost.ubj", "lightgbm.txt"])
def test_native_object(name: str, parity: Any, tmp_path: Path) -> None:
    _, booster = native(name, tmp_path)
    parity(booster, X_HOLES, load=import_module(detect(booster).runtime.engine).load)


LATE = """
import sys
from paritygate.convert.routes.sklearn.onnx.registry import is_supported, register_everything
register_everything()
assert not {"catboost", "lightgbm", "xgboost"} & set(sys.modules), "nothing but scikit-learn was needed so far"
import xgboost
register_everything()
assert is_supported(xgboost.XGBClassifier())
"""


def test_library_that_is_imported_after_the_first_conversion() -> None:
    """As in a notebook."""
    subprocess.run([sys.executable, "-c", LATE], check=True)


@pytest.mark.parametrize(("name", "content"), [("a.ubj", b"{L\0\0\0\0\0\0\0\7learner???"), ("b.cbm", b"CBM1"),
                                               ("c.txt", b"tree\nversion=v4\n")])  # fmt: skip
def test_damaged_native_file(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ParityGateError) as caught:
        import_module(detect(path).runtime.engine).load(path, LoadOptions())
    assert caught.value.code == "PG402"
