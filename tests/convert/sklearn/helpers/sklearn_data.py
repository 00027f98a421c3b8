"""scikit-learn's shipped data sets for the tests of estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

WINE = load_wine(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIGITS = tuple(part[:500] for part in load_digits(return_X_y=True))
NAMES = np.array(["barolo", "grignolino", "barbera"])

Feed = Mapping[str, np.ndarray]


def holes(rows: np.ndarray) -> np.ndarray:
    """NaN in place of every tenth number, and one row of nothing but NaN."""
    absent = np.random.default_rng(7).random(rows.shape) < 0.1
    absent[3] = True
    return np.where(absent, np.nan, rows)


class Doubler(TransformerMixin, BaseEstimator):
    """An estimator that no converter knows."""

    def fit(self, X: Any, y: Any = None) -> Doubler:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return 2 * X


class Tripler(Doubler):
    """Another one."""
