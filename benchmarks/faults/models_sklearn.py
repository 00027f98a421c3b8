"""Estimators and boosters, fitted on scikit-learn's own data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fixtures.estimator_data import DATA, with_holes
from fixtures.estimators import Recipe, fitted
from fixtures.estimators import recipe as E
from paritygate.validate.engines.base import LoadOptions

from .models import Source


def _fitted(kind: str, entry: Recipe) -> Callable[[Path], Source]:
    def build(_: Path) -> Source:
        case = fitted(kind, entry)
        return Source(case.estimator, LoadOptions(example={"X": np.asarray(case.new, np.float32)}))

    return build


def _svc(_: Path) -> Source:
    from sklearn.svm import SVC

    train, target, new = DATA["wine"]()
    return Source(SVC(random_state=0).fit(train, target), LoadOptions(example={"X": new.astype(np.float32)}))


def _xgboost(_: Path) -> Source:
    from xgboost import XGBClassifier

    train, target, new = DATA["wine"]()
    codes = np.unique(target, return_inverse=True)[1]
    model = XGBClassifier(n_estimators=20, max_depth=4, random_state=0).fit(with_holes(train), codes)
    return Source(model, LoadOptions(example={"X": new.astype(np.float32)}))


def _lightgbm(_: Path) -> Source:
    from lightgbm import LGBMRegressor

    train, target, new = DATA["diabetes"]()
    model = LGBMRegressor(n_estimators=30, random_state=0, verbose=-1).fit(with_holes(train), target)
    return Source(model, LoadOptions(example={"X": new.astype(np.float32)}))


_RIDGE = [("s", E("StandardScaler")), ("r", E("Ridge"))]

MODELS: dict[str, Callable[[Path], Source]] = {
    "logistic": _fitted("wine", E("LogisticRegression")),
    "svc": _svc,
    "random-forest": _fitted("wine", E("RandomForestClassifier", n_estimators=10, random_state=0)),
    "tree-with-nan": _fitted("diabetes", E("DecisionTreeRegressor", max_depth=6, random_state=0)),
    "hist-gradient-boosting": _fitted("wine", E("HistGradientBoostingClassifier", max_iter=10)),
    "gradient-boosting": _fitted("diabetes", E("GradientBoostingRegressor", n_estimators=20, random_state=0)),
    "mlp": _fitted("wine", E("MLPClassifier", hidden_layer_sizes=(16,), max_iter=200, random_state=0)),
    "scaled-ridge": _fitted("diabetes", E("Pipeline", steps=_RIDGE)),
    "kmeans": _fitted("wine", E("KMeans", n_clusters=4, random_state=0)),
    "pca": _fitted("wine", E("PCA", n_components=4, whiten=True)),
    "gaussian-process": _fitted("diabetes", E("GaussianProcessRegressor", alpha=0.1)),
    "isolation-forest": _fitted("wine", E("IsolationForest", n_estimators=20, random_state=0)),
    "naive-bayes": _fitted("wine", E("GaussianNB")),
    "nearest-neighbours": _fitted("wine", E("KNeighborsClassifier")),
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
}
