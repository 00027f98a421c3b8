"""Trees of every library, read from both sides of a real conversion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.coreml import route as to_coreml
from paritygate.convert.routes.sklearn.onnx import route as to_onnx
from paritygate.validate.coreml.files.package import open_package
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.trees.ensemble import Ensemble, Reading, exact_sums
from paritygate.validate.trees.job_file import load_reading, save_reading
from paritygate.validate.trees.proof import prove
from paritygate.validate.trees.readers.coreml import read_coreml
from paritygate.validate.trees.readers.estimators import read_estimator
from paritygate.validate.trees.readers.onnx_ml import read_onnx
from paritygate.validate.trees.tree import SplitTest

ROWS = np.random.default_rng(0).standard_normal((300, 5))
NUMBERS = ROWS @ [1.0, -2.0, 0.5, 0.0, 3.0] + np.sin(9 * ROWS[:, 0])
CLASSES = np.digitize(NUMBERS, [-2.0, 2.0])


def _sklearn(name: str, target: Any, **options: Any) -> Any:
    from sklearn import ensemble, tree

    module = tree if hasattr(tree, name) else ensemble
    return getattr(module, name)(random_state=0, **options).fit(ROWS, target)


def _xgboost(name: str, target: Any, **options: Any) -> Any:
    import xgboost

    return getattr(xgboost, name)(n_estimators=8, max_depth=4, n_jobs=1, **options).fit(ROWS, target)


def _lightgbm(name: str, target: Any) -> Any:
    import lightgbm

    return getattr(lightgbm, name)(n_estimators=8, num_leaves=7, verbose=-1, n_jobs=1).fit(ROWS, target)


def _catboost(name: str, target: Any, **options: Any) -> Any:
    import catboost

    model = getattr(catboost, name)(iterations=8, depth=4, verbose=0, allow_writing_files=False, **options)
    return model.fit(ROWS, target)


def _bagged() -> Any:
    from sklearn.ensemble import BaggingRegressor

    return BaggingRegressor(n_estimators=4, max_features=0.6, random_state=0).fit(ROWS, NUMBERS)


MODELS: dict[str, tuple[Callable[[], Any], int]] = {
    "decision tree": (lambda: _sklearn("DecisionTreeRegressor", NUMBERS, max_depth=6), 1),
    "forest of classes": (lambda: _sklearn("RandomForestClassifier", CLASSES, n_estimators=8), 8),
    "forest of two targets": (
        lambda: _sklearn("ExtraTreesRegressor", np.c_[NUMBERS, -NUMBERS], n_estimators=4, max_depth=5), 4
    ),
    "gradient boosting": (lambda: _sklearn("GradientBoostingClassifier", CLASSES, n_estimators=4), 12),
    "histogram boosting": (lambda: _sklearn("HistGradientBoostingRegressor", NUMBERS, max_iter=8), 8),
    "isolation forest": (lambda: _sklearn("IsolationForest", None, n_estimators=8, max_samples=64), 8),
    "bagging": (_bagged, 4),
    "XGBoost": (lambda: _xgboost("XGBRegressor", NUMBERS), 8),
    "XGBoost, classes": (lambda: _xgboost("XGBClassifier", CLASSES), 24),
    "XGBoost, dart": (lambda: _xgboost("XGBRegressor", NUMBERS, booster="dart", rate_drop=0.3), 8),
    "XGBoost, vector leaves": (
        lambda: _xgboost("XGBRegressor", np.c_[NUMBERS, -NUMBERS], multi_strategy="multi_output_tree"), 8
    ),
    "LightGBM": (lambda: _lightgbm("LGBMClassifier", CLASSES > 0), 8),
    "CatBoost": (lambda: _catboost("CatBoostClassifier", CLASSES), 8),
    "CatBoost, lossguide": (lambda: _catboost("CatBoostRegressor", NUMBERS, grow_policy="Lossguide"), 8),
}  # fmt: skip


@cache
def fitted(name: str) -> Any:
    return MODELS[name][0]()


def converted(name: str, target: str, folder: Path) -> Reading:
    dtype = "float64" if target == "ONNX of doubles" else "float32"
    model = load(fitted(name), LoadOptions(dtype=dtype))
    if target == "Core ML":
        return read_coreml(open_package(to_coreml.convert(model, folder / "m.mlmodel", RouteOptions()).path).spec)
    return read_onnx(onnx.load(to_onnx.convert(model, folder / "m.onnx", RouteOptions()).path))


@pytest.mark.parametrize("target", ["ONNX", "ONNX of doubles", "Core ML"])
@pytest.mark.parametrize("name", MODELS)
def test_a_conversion_is_proved(name: str, target: str, tmp_path: Path) -> None:
    found = prove(read_estimator(fitted(name)), converted(name, target, tmp_path), single="doubles" not in target)
    assert found is not None
    assert (found.proved, found.trees) == (MODELS[name][1], MODELS[name][1])
    assert (found.outside, found.differences) == ((), ())


@pytest.mark.parametrize("name", ["XGBoost", "LightGBM", "histogram boosting"])
def test_the_sums_are_those_of_the_library(name: str) -> None:
    model, ensemble = fitted(name), read_estimator(fitted(name)).ensembles[0]
    sums = exact_sums(ensemble, ROWS)[:, 0]
    expected = model.predict(ROWS, raw_score=True) if name == "LightGBM" else model.predict(ROWS)
    np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-5)


def test_a_reading_survives_the_job_folder(tmp_path: Path) -> None:
    reading = Reading(read_estimator(fitted("XGBoost, vector leaves")).ensembles, ("a note",))
    save_reading(reading, tmp_path / "trees.npz")
    again = load_reading(tmp_path / "trees.npz")
    one, other = reading.ensembles[0], again.ensembles[0]
    assert again.notes == ("a note",)
    assert replace(one, trees=()) == replace(other, trees=())
    for first, second in zip(one.trees, other.trees, strict=True):
        for field in ("feature", "threshold", "left", "right", "missing_left", "value"):
            np.testing.assert_array_equal(getattr(first, field), getattr(second, field), strict=True)
        assert first.target == second.target


def version_5(modes: list[int], member: bool = False) -> onnx.ModelProto:
    """Root 0 (x[0] against 1.5), then node 1 (x[1] against 2.5); leaves 10, 20, 30."""
    numbers = helper.make_tensor
    node = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2, aggregate_function=1, tree_roots=[0],
        nodes_featureids=[0, 1], nodes_modes=numbers("m", onnx.TensorProto.UINT8, [2], modes),
        nodes_splits=numbers("s", onnx.TensorProto.FLOAT, [2], [1.5, 2.5]),
        nodes_truenodeids=[1, 1], nodes_trueleafs=[0, 1], nodes_falsenodeids=[0, 2], nodes_falseleafs=[1, 1],
        leaf_targetids=[0, 1, 0], leaf_weights=numbers("w", onnx.TensorProto.FLOAT, [3], [10.0, 20.0, 30.0]),
    )  # fmt: skip
    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 2]) for name in ("x", "y"))
    return helper.make_model(helper.make_graph([node], "g", [x], [y]))


LOW_LOW, LOW_HIGH, HIGH = [0.0, 20.0], [30.0, 0.0], [10.0, 0.0]
ON = np.array([[1.0, 2.0], [1.0, 3.0], [2.0, 0.0], [1.5, 2.5]], np.float32)
"""Below both limits, above the second, above the first, and on both."""


@pytest.mark.parametrize(
    ("modes", "sums"),
    [
        ([0, 0], [LOW_LOW, LOW_HIGH, HIGH, LOW_LOW]),
        ([1, 1], [LOW_LOW, LOW_HIGH, HIGH, HIGH]),
        ([3, 3], [HIGH, HIGH, LOW_HIGH, HIGH]),
        ([2, 2], [HIGH, HIGH, LOW_HIGH, LOW_LOW]),
    ],
)
def test_version_5_is_read(modes: list[int], sums: list[list[float]]) -> None:
    reading = read_onnx(version_5(modes))
    assert reading.notes == ()
    np.testing.assert_array_equal(exact_sums(reading.ensembles[0], ON), sums)


def test_what_is_not_understood_is_a_note() -> None:
    reading = read_onnx(version_5([4, 0]))
    assert reading.ensembles == ()
    assert reading.notes == ("the trees of TreeEnsemble 'y' can't be read: its nodes test mode 4",)


def test_a_node_with_two_parents_is_a_note() -> None:
    model = version_5([0, 0])
    attribute = next(a for a in model.graph.node[0].attribute if a.name == "nodes_truenodeids")
    attribute.ints[0] = 0
    reading = read_onnx(model)
    assert reading.ensembles == ()
    assert "its nodes don't form trees" in reading.notes[0]


def test_features_of_another_order_are_not_the_columns() -> None:
    model = version_5([0, 0])
    for name in ("a", "b"):
        model.graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 1]))
    del model.graph.input[0]
    model.graph.node.insert(0, helper.make_node("Concat", ["b", "a"], ["x"], axis=1))
    assert not read_onnx(model).ensembles[0].direct
    model.graph.node[0].input[:] = ["a", "b"]
    assert read_onnx(model).ensembles[0].direct


def test_the_estimator_in_a_pipeline_reads_no_columns_of_the_model() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), fitted("decision tree"))
    found: Ensemble = read_estimator(pipeline).ensembles[0]
    assert (found.direct, found.test, found.single) == (False, SplitTest.AT_MOST, True)
