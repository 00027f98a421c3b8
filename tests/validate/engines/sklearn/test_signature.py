"""What an estimator's signature and hints say of its inputs and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn_data import DIABETES, WINE
from sklearn_tables import NUMBERS, TABLE, TABLE_MODELS, table_model

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.signature import TensorSpec


def test_dtypes_of_columns_are_known_without_an_example() -> None:
    inputs = load(table_model(LinearSVC()).fit(TABLE, WINE[1]), LoadOptions()).signature.inputs
    assert {spec.name: spec.dtype for spec in inputs} == {
        **dict.fromkeys([*NUMBERS, "variable"], "float32"),
        "shade (eye)": "str",
        "label": "int64",
    }
    assert {spec.shape for spec in inputs} == {("N", 1)}


def test_unknown_categories_and_missing_values_are_sampled() -> None:
    hints = {hint.name: hint for hint in load(TABLE_MODELS["linear"].fit(TABLE, WINE[1]), LoadOptions()).hints()}
    assert hints["shade (eye)"].vocabulary == ("deep", "mid", "pale")
    assert hints["shade (eye)"].unknown
    assert hints["variable"].missing
    strict = table_model(LinearSVC(), OneHotEncoder()).fit(TABLE, WINE[1])
    assert not {hint.name: hint for hint in load(strict, LoadOptions()).hints()}["label"].unknown


def test_declared_inputs_are_used_as_declared() -> None:
    declared = (TensorSpec("pixels", "float64", ("N", 4)),)
    model = load(LinearSVC().fit(*load_iris(return_X_y=True)), LoadOptions(inputs=declared))
    assert model.signature.inputs == declared


def test_the_signature_says_which_scores_choose_a_label() -> None:
    assert load(LinearSVC().fit(*WINE), LoadOptions()).signature.labels == {"label": "scores"}
    assert load(KMeans(2, n_init=1).fit(WINE[0]), LoadOptions()).signature.labels == {"label": ""}
    assert load(Ridge().fit(*DIABETES), LoadOptions()).signature.labels == {}


def test_thresholds_reach_back_through_a_scaler() -> None:
    """After a scaler, a tree's thresholds are points of the scaled features; samples need the raw ones."""
    estimator = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=2)).fit(*WINE)
    (hint,) = load(estimator, LoadOptions()).hints()
    scaler, tree = estimator[0], estimator[1].tree_
    inner = tree.feature >= 0
    want = {
        (f, float(t * scaler.scale_[f] + scaler.mean_[f]))
        for f, t in zip(tree.feature[inner], tree.threshold[inner], strict=True)
    }
    got = {(feature, float(point)) for feature, points in enumerate(hint.points) for point in points}
    assert {(f, round(t, 6)) for f, t in got} == {(f, round(t, 6)) for f, t in want}
    assert hint.low is not None
    np.testing.assert_allclose(hint.low, scaler.mean_ - 3 * scaler.scale_)


@pytest.mark.parametrize(
    ("estimator", "missing"),
    [
        (make_pipeline(SimpleImputer(), Ridge()), True),
        (make_pipeline(StandardScaler(), Ridge()), False),
        (make_pipeline(StandardScaler(), DecisionTreeRegressor()), True),
        (make_pipeline(PCA(2), DecisionTreeRegressor()), False),
    ],
    ids=str,
)
def test_missing_values_are_sampled_where_every_step_takes_them(estimator: Any, missing: bool) -> None:
    (hint,) = load(estimator.fit(*DIABETES), LoadOptions()).hints()
    assert hint.missing is missing
