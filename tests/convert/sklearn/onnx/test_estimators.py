"""Estimators of every kind as ONNX: on real rows and on generated samples, in both float widths."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_parity import differences, parity, run
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, RANSACRegressor, Ridge, RidgeClassifier, SGDOneClassSVM
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KernelCenterer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn_data import CANCER, DIABETES, DIGITS, NAMES, WINE

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load

ESTIMATORS = {
    "digits through PCA and an SVM": (make_pipeline(StandardScaler(), PCA(20), SVC(probability=True)), DIGITS),
    "wine, with names": (make_pipeline(MaxAbsScaler(), LogisticRegression()), (WINE[0], NAMES[WINE[1]])),
    "wine, decision values": (make_pipeline(StandardScaler(), LinearSVC()), WINE),
    "two classes, decision values": (RidgeClassifier(), CANCER),
    "two classes, probabilities": (make_pipeline(MinMaxScaler(), LogisticRegression()), CANCER),
    "a forest behind a scaler": (make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0)), WINE),
    "a tree behind a scaler": (make_pipeline(RobustScaler(), DecisionTreeRegressor()), DIABETES),
    "regression": (make_pipeline(PolynomialFeatures(2), Ridge()), DIABETES),
    "several targets": (Ridge(), (WINE[0], WINE[0][:, :3])),
    "a step that does nothing": (Pipeline([("a", "passthrough"), ("b", RidgeClassifier())]), WINE),
    "a union": (
        make_pipeline(FeatureUnion([("p", PCA(2)), ("k", SelectKBest(k=2)), ("d", "drop")]), LinearSVC()),
        WINE,
    ),
    "a search": (GridSearchCV(make_pipeline(StandardScaler(), LinearSVC()), {"linearsvc__C": [0.1, 1]}), WINE),
    "another search": (RandomizedSearchCV(Ridge(), {"alpha": [0.1, 1]}, n_iter=2), DIABETES),
    "isotonic calibration": (CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=3), WINE),
    "sigmoid calibration": (CalibratedClassifierCV(RandomForestClassifier(5), cv=3), (WINE[0], NAMES[WINE[1]])),
    "a vote": (VotingClassifier([("a", SVC(probability=True)), ("b", DecisionTreeClassifier())], voting="soft"), WINE),
    "a stack": (StackingClassifier([("a", make_pipeline(StandardScaler(), SVC())), ("b", LinearSVC())]), WINE),
    "bagged pipelines": (BaggingClassifier(make_pipeline(StandardScaler(), SVC()), 4, max_features=0.5), WINE),
    "a transformer at the end": (make_pipeline(StandardScaler(), TruncatedSVD(3)), WINE),
    "floats as labels": (make_pipeline(StandardScaler(), LogisticRegression()), (WINE[0], WINE[1].astype(float))),
    "truth values as labels": (make_pipeline(StandardScaler(), LogisticRegression()), (WINE[0], WINE[1] == 0)),
    "narrow integers as labels": (
        make_pipeline(StandardScaler(), LogisticRegression()),
        (WINE[0], WINE[1].astype(np.int32)),
    ),
    "objects as labels": (DecisionTreeClassifier(), (WINE[0], NAMES[WINE[1]].astype(object))),
    "several labels at once": (MLPClassifier((8,)), (WINE[0], np.c_[WINE[1] == 0, WINE[0][:, 0] > 13].astype(int))),
    "labels of several targets": (RandomForestClassifier(5), (WINE[0], np.c_[WINE[1], WINE[0][:, 0] > 13])),
    "an estimator for each target": (
        MultiOutputClassifier(make_pipeline(StandardScaler(), LogisticRegression())),
        (WINE[0], np.c_[WINE[1], WINE[0][:, 0] > 13].astype(int)),
    ),
    "an SVM of polynomials": (make_pipeline(StandardScaler(), NuSVC(nu=0.1, kernel="poly", probability=True)), WINE),
    "an SVM of two classes": (make_pipeline(StandardScaler(), SVC(probability=True)), CANCER),
    "an SVM, one value per pair": (make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")), WINE),
    "an SVM that breaks ties": (SVC(kernel="linear", break_ties=True), (WINE[0], NAMES[WINE[1]])),
    "an SVM for regression": (SVR(kernel="sigmoid"), DIABETES),
    "an SVM of one class": (OneClassSVM(), DIABETES),
    "linear outliers": (SGDOneClassSVM(), DIABETES),
    "robust regression": (RANSACRegressor(random_state=0), DIABETES),
    "a perceptron": (make_pipeline(StandardScaler(), MLPClassifier((9, 5), activation="tanh")), WINE),
    "a perceptron for regression": (MLPRegressor(hidden_layer_sizes=(9,), activation="logistic"), DIABETES),
    "whitened components": (IncrementalPCA(3, whiten=True), WINE),
    "a centred kernel": (KernelCenterer(), (DIABETES[0] @ DIABETES[0].T, None)),
    "a mixture, full": (GaussianMixture(3, random_state=0), WINE),
    "a mixture, tied": (GaussianMixture(3, covariance_type="tied", random_state=0), DIABETES),
    "a mixture, diagonal": (BayesianGaussianMixture(n_components=3, covariance_type="diag", random_state=0), DIABETES),
    "a mixture, spherical": (BayesianGaussianMixture(n_components=2, covariance_type="spherical"), DIABETES),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("estimator", "data"), ESTIMATORS.values(), ids=ESTIMATORS.keys())
def test_estimators(estimator: Any, data: tuple[Any, Any], dtype: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that stop early
        estimator.fit(*data)
    parity(estimator, tmp_path, data[0], options=LoadOptions(dtype=dtype))


@pytest.mark.parametrize("change", ["coef_", "intercept_", "classes_"])
def test_the_comparison_detects_a_broken_conversion(change: str, tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(StandardScaler().fit_transform(WINE[0]), WINE[1])
    model = load(estimator, LoadOptions())
    broken = pickle.loads(pickle.dumps(estimator))
    setattr(
        broken,
        change,
        getattr(estimator, change)[::-1].copy() if change == "classes_" else 1.001 * getattr(estimator, change),
    )
    candidate = convert(load(broken, LoadOptions()), tmp_path / "model.onnx", RouteOptions())
    feed = {"X": StandardScaler().fit_transform(WINE[0]).astype(np.float32)}
    assert differences(model.run(feed), run(candidate.path, feed))


SCALERS = (
    StandardScaler(),
    StandardScaler(with_mean=False),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    Binarizer(threshold=2.3),
    PolynomialFeatures(3),
    PolynomialFeatures((2, 3), interaction_only=True, include_bias=False),
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_scalers_agree_to_the_last_bit(scaler: Any, dtype: str, tmp_path: Path) -> None:
    """A tree behind them would turn one differing bit into another leaf."""
    model = load(scaler.fit(WINE[0]), LoadOptions(dtype=dtype))
    candidate = convert(model, tmp_path / "model.onnx", RouteOptions())
    rng = np.random.default_rng(0)
    x = (WINE[0].mean(0) + rng.normal(size=(5000, 13)) * 2 * WINE[0].std(0)).astype(dtype)
    x[::7] = np.nan if type(scaler).__name__.endswith("Scaler") else x[::7]
    want, got = model.run({"X": x})["transformed"], run(candidate.path, {"X": x})["transformed"]
    assert want.dtype == got.dtype
    np.testing.assert_array_equal(got, want)


def test_an_estimator_that_rejects_float32_gets_float64(tmp_path: Path) -> None:
    """scikit-learn's KMeans fitted on float64 fails on float32: its width is fixed."""
    model = load(KMeans(3, n_init=1).fit(WINE[0]), LoadOptions())
    assert model.signature.inputs[0].dtype == "float64"
    assert "float64" in model.notes[0]
    parity(model.native, tmp_path, WINE[0])
    assert model.run({"X": WINE[0].astype(np.float32)})["label"].shape == (178,)
