"""Estimators inside of others: frozen ones convert, and one without a converter is named, however deep it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.4)
SEVERAL = np.column_stack([Y > 0, Y > 1])


class OddClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of the user's own."""

    def fit(self, x: Any, y: Any) -> OddClassifier:
        self.classes_, self.n_features_in_ = np.unique(y), x.shape[1]
        return self

    def predict(self, x: Any) -> Any:
        return self.classes_[np.zeros(len(x), int)]

    def predict_proba(self, x: Any) -> Any:
        return np.full((len(x), len(self.classes_)), 1 / len(self.classes_))


class OddTransformer(TransformerMixin, BaseEstimator):
    """A transformer of the user's own."""

    def fit(self, x: Any, y: Any = None) -> OddTransformer:
        self.n_features_in_ = x.shape[1]
        return self

    def transform(self, x: Any) -> Any:
        return x * 2


def frozen(*steps: Any, y: Any = Y) -> FrozenEstimator:
    return FrozenEstimator(make_pipeline(*steps).fit(X, y))


FROZEN: dict[str, Callable[[], Any]] = {
    "alone": lambda: frozen(StandardScaler(), LogisticRegression()),
    "a step": lambda: make_pipeline(FrozenEstimator(StandardScaler().fit(X)), LogisticRegression()).fit(X, Y),
    "calibrated, isotonic": lambda: CalibratedClassifierCV(
        frozen(StandardScaler(), RandomForestClassifier(5, random_state=0)), method="isotonic"
    ).fit(X, Y),
    "calibrated, decisions": lambda: CalibratedClassifierCV(frozen(StandardScaler(), LinearSVC())).fit(X, Y),
    "calibrated, a search": lambda: CalibratedClassifierCV(
        FrozenEstimator(GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(X, Y))
    ).fit(X, Y),
    "voting": lambda: VotingClassifier([("a", frozen(LogisticRegression()))], voting="soft").fit(X, Y),
}


@pytest.mark.parametrize("name", FROZEN)
def test_frozen_estimators_convert(name: str, parity: Any) -> None:
    parity(FROZEN[name](), X)


ODD = make_pipeline(StandardScaler(), OddClassifier())
WITH_AN_ODD_PART: dict[str, Callable[[], Any]] = {
    "calibrated": lambda: CalibratedClassifierCV(ODD, cv=2).fit(X, Y),
    "frozen": lambda: CalibratedClassifierCV(frozen(OddClassifier())).fit(X, Y),
    "one against the rest": lambda: OneVsRestClassifier(CalibratedClassifierCV(ODD, cv=2)).fit(X, Y),
    "stacked": lambda: StackingClassifier([("a", LogisticRegression()), ("b", ODD)], cv=2).fit(X, Y),
    "bagged": lambda: BaggingClassifier(ODD, n_estimators=2).fit(X, Y),
    "several targets": lambda: MultiOutputClassifier(ODD).fit(X, SEVERAL),
    "a chain": lambda: ClassifierChain(ODD).fit(X, SEVERAL),
    "a transformer": lambda: CalibratedClassifierCV(make_pipeline(OddTransformer(), LogisticRegression()), cv=2).fit(
        X, Y
    ),
    "a column's transformer": lambda: make_pipeline(
        ColumnTransformer([("a", OddTransformer(), [0, 1])]), LogisticRegression()
    ).fit(X, Y),
    "a search": lambda: GridSearchCV(
        make_pipeline(OddTransformer(), LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2
    ).fit(X, Y),
    "a target": lambda: TransformedTargetRegressor(make_pipeline(OddTransformer(), LinearRegression())).fit(X, X[:, 0]),
}


@pytest.mark.parametrize("name", WITH_AN_ODD_PART)
def test_a_part_without_a_converter_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError, match="has no converter to ONNX") as caught:
        convert(load(WITH_AN_ODD_PART[name](), LoadOptions(dtype="float64")), tmp_path / "out.onnx", RouteOptions())
    assert caught.value.code == "PG404"
    assert caught.value.subject in ("OddClassifier", "OddTransformer")
