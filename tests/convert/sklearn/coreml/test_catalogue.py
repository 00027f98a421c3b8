"""Every native estimator of the catalogue, and pipelines on real data."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_parity import IN_DOUBLE, IN_SINGLE, assert_agrees
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, OneClassSVM
from sklearn_data import CANCER, DIABETES, DIGITS, NAMES, WINE, holes

from fixtures.estimators import Recipe, fitted, recipes
from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.coreml.registry import PREDICTORS, TRANSFORMERS
from paritygate.convert.routes.sklearn.coreml.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError

REFUSED = {
    "BaggingClassifier(estimator=KNeighborsClassifier(), n_estimators=4, max_features=0.5, random_state=0)",
    "BaggingClassifier(estimator=LogisticRegression(), n_estimators=3, random_state=0)",
    "BaggingClassifier(estimator=RidgeClassifier(), n_estimators=3, random_state=0)",
    "FunctionTransformer(func=absolute)",
    "KNeighborsClassifier(n_neighbors=3)",
    "KNeighborsClassifier(weights=distance, metric=manhattan)",
    "KernelRidge(kernel=cosine)",
    "KernelRidge(kernel=laplacian)",
    "MinMaxScaler(clip=True)",
    "NuSVC()",
    "OneVsRestClassifier(estimator=RidgeClassifier())",
    "OneVsRestClassifier(estimator=SVC())",
    "SGDClassifier(loss=modified_huber, random_state=0)",
    "SVC()",
}
"""Recipes of estimators that are native with other parameters; ``PG404`` says what Core ML lacks."""

REFUSED_ON = {
    "categories": "text as one array",
    "multi_label": "several labels",
    ("multi_target", "KernelRidge(kernel=rbf)"): "several targets",
}

NATIVE = [
    (kind, entry) for kind, entry in recipes() if f"sklearn.{entry.name}" in {*PREDICTORS, *TRANSFORMERS}
]  # fmt: skip


def is_refused(kind: str, entry: Recipe) -> bool:
    return str(entry) in REFUSED or kind in REFUSED_ON or (kind, str(entry)) in REFUSED_ON


def test_the_catalogue_is_mostly_native():
    assert len([case for case in NATIVE if not is_refused(*case)]) >= 100
    assert {str(entry) for _, entry in NATIVE} >= REFUSED


@pytest.mark.parametrize(("kind", "entry"), NATIVE, ids=lambda value: str(value)[:60])
def test_every_native_estimator(kind: str, entry: Recipe, tmp_path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few iterations to converge, which doesn't matter here
        estimator, new = fitted(kind, entry)
    if is_refused(kind, entry):
        with pytest.raises(ParityGateError) as caught:
            convert(load(estimator, LoadOptions()), tmp_path / "model.mlmodel", RouteOptions())
        assert caught.value.code == "PG404"
        return
    logarithmic = entry.name in ("GammaRegressor", "PoissonRegressor", "TweedieRegressor", "IsolationForest")
    assert_agrees(estimator, new, tmp_path, "float64", IN_SINGLE if logarithmic else IN_DOUBLE)


PIPELINES: dict[str, tuple[Any, tuple[np.ndarray, np.ndarray]]] = {
    "digits by a forest": (RandomForestClassifier(20, random_state=0), (DIGITS[0][:600], DIGITS[1][:600])),
    "digits by neighbours": (KNeighborsClassifier(3), (DIGITS[0][:600], DIGITS[1][:600])),
    "wine with names": (make_pipeline(StandardScaler(), LogisticRegression()), (WINE[0], NAMES[WINE[1]])),
    "wine with floating labels": (make_pipeline(MaxAbsScaler(), LogisticRegression()), (WINE[0], WINE[1] + 1.0)),
    "wine by libsvm": (make_pipeline(RobustScaler(), SVC(probability=True, random_state=0)), WINE),
    "two classes by decisions": (make_pipeline(StandardScaler(), SVC()), CANCER),
    "filled, scaled, chosen": (
        make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), SelectKBest(k=5), LogisticRegression()),
        (holes(WINE[0]), WINE[1]),
    ),
    "a union": (
        make_pipeline(
            FeatureUnion([("s", StandardScaler()), ("n", Normalizer()), ("all", "passthrough")],
                         transformer_weights={"n": 2.0}),
            Ridge(),
        ),
        DIABETES,
    ),
    "numbers by column": (
        make_pipeline(
            ColumnTransformer([("s", StandardScaler(), [0, 5]), ("drop", "drop", [1])], remainder="passthrough"),
            SVR(C=100.0),
        ),
        DIABETES,
    ),
    "an exponential": (make_pipeline(MinMaxScaler(), PoissonRegressor()), DIABETES),
    "novelties": (make_pipeline(StandardScaler(), OneClassSVM(gamma=0.05)), WINE),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
def test_pipelines_on_real_data(name: str, dtype: str, tmp_path: Path):
    estimator, (rows, target) = PIPELINES[name]
    # Normalised or scaled in single precision by scikit-learn, in double by the model.
    assert_agrees(estimator.fit(rows, target), rows[::9], tmp_path, dtype, 2e-5 if dtype == "float32" else IN_SINGLE)
