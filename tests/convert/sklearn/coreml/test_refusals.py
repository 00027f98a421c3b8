"""What Core ML has no classic model for, and options that no classic model supports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import (
    GradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, NuSVC
from sklearn_data import CANCER, DIABETES, WINE

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.coreml.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError

QUIET = {"verbosity": -1, "n_jobs": 1}
SILENT = {"verbose": 0, "thread_count": 1, "allow_writing_files": False, "random_seed": 0}


def product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A kernel of the user's own."""
    return one @ other.T


REFUSALS: dict[str, tuple[Callable[[], Any], str]] = {
    "MLPRegressor": (lambda: MLPRegressor(hidden_layer_sizes=(4,), max_iter=5).fit(*DIABETES), "no model of this kind"),
    "GaussianNB": (lambda: GaussianNB().fit(*WINE), "no model of this kind"),
    "a step": (lambda: make_pipeline(FunctionTransformer(np.log1p), Ridge()).fit(*DIABETES), "Python functions"),
    "a clipped scaler": (lambda: make_pipeline(MinMaxScaler(clip=True), Ridge()).fit(*DIABETES), "doesn't clip"),
    "libsvm, two classes": (
        lambda: SVC(probability=True, random_state=0).fit(CANCER[0][:99], CANCER[1][:99]), "two classes",
    ),
    "libsvm, decisions": (lambda: NuSVC().fit(*WINE), "decision values of several classes"),
    "break_ties": (lambda: SVC(break_ties=True).fit(*WINE), "break_ties"),
    "a kernel of one's own": (lambda: make_pipeline(StandardScaler(), SVR(kernel=product)).fit(*DIABETES), "no kernel"),
    "votes by distance": (lambda: KNeighborsClassifier(weights="distance").fit(*WINE), "squared distances"),
    "another metric": (lambda: KNeighborsClassifier(metric="cosine").fit(*WINE), "Euclidean"),
    "another link": (lambda: SGDClassifier(loss="modified_huber").fit(*WINE), "modified_huber"),
    "several labels": (
        lambda: RandomForestClassifier(2).fit(WINE[0], np.column_stack([WINE[1], WINE[1] > 0])), "one label",
    ),
    "a first estimator": (
        lambda: GradientBoostingRegressor(init=Ridge(), n_estimators=2).fit(*DIABETES), "another estimator",
    ),
    "zero as missing": (
        lambda: lightgbm.LGBMRegressor(n_estimators=2, zero_as_missing=True, **QUIET).fit(*DIABETES), "zero_as_missing",
    ),
    "one against all": (
        lambda: lightgbm.LGBMClassifier(n_estimators=2, objective="multiclassova", **QUIET).fit(*WINE), "multiclassova",
    ),
    "a linear booster's probability": (
        lambda: xgboost.XGBRegressor(booster="gblinear", objective="reg:logistic").fit(DIABETES[0], DIABETES[1] / 400),
        "SIGMOID",
    ),
    "CatBoost, one against all": (
        lambda: catboost.CatBoostClassifier(loss_function="MultiClassOneVsAll", iterations=2, **SILENT).fit(*WINE),
        "don't sum to 1",
    ),
    "too many categories": (lambda: OneHotEncoder().fit(np.arange(500.0)[:, None]), "500 columns of categories"),
    "documents": (lambda: CountVectorizer().fit(["some words", "more words"]), "no model of this kind"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.filterwarnings("ignore")
def test_what_core_ml_has_no_model_for(name: str, tmp_path: Path):
    make, words = REFUSALS[name]
    with pytest.raises(ParityGateError, match=words) as caught:
        convert(load(make(), LoadOptions()), tmp_path / "model.mlmodel", RouteOptions())
    assert caught.value.code == "PG404"


OPTIONS: dict[str, tuple[str, RouteOptions, str]] = {
    "half precision": ("mlpackage", RouteOptions(precision="fp16"), "PG404"),
    "half precision without a package": ("mlmodel", RouteOptions(precision="fp16"), "PG201"),
    "an old target": ("mlpackage", RouteOptions(deployment_target="iOS14"), "PG408"),
    "no target": ("mlmodel", RouteOptions(deployment_target="iOS99"), "PG201"),
    "class labels": ("mlmodel", RouteOptions(class_labels=("a", "b")), "PG404"),
    "shapes": ("mlmodel", RouteOptions(shapes={"X": ((1, 10),)}), "PG404"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_unsupported_options_are_rejected(name: str, tmp_path: Path):
    suffix, options, code = OPTIONS[name]
    with pytest.raises(ParityGateError) as caught:
        convert(load(Ridge().fit(*DIABETES), LoadOptions()), tmp_path / f"model.{suffix}", options)
    assert caught.value.code == code
