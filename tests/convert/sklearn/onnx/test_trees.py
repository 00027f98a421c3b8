"""scikit-learn's trees: NaN routing, thresholds' neighbours, losses, categories, several targets, old opsets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn import ensemble, tree
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from paritygate.convert import ParityGateError
from paritygate.convert.routes.sklearn.onnx.estimators.ensembles.trees import Ensemble, split
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.trees.tree import Tree

LETTERS = np.array(["ant", "bee", "cat", "dog", "elk", "fly", "gnu", "hen", "ibis", "jay"])
FEW = {"random_state": 0, "n_estimators": 12}
"""Enough trees for sums to need rounding; more would only take time."""


def holes(x: np.ndarray, share: float = 0.2, seed: int = 0) -> np.ndarray:
    x = x.copy()
    x[np.random.default_rng(seed).random(x.shape) < share] = np.nan
    return x


X, Y = load_wine(return_X_y=True)
X_HOLES = holes(X)
DIABETES, PROGRESS = load_diabetes(return_X_y=True)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


CLASSIFIERS = {
    "tree": tree.DecisionTreeClassifier(random_state=0),
    "stump": tree.DecisionTreeClassifier(max_depth=1, random_state=0),
    "extra tree": tree.ExtraTreeClassifier(random_state=0),
    "forest": ensemble.RandomForestClassifier(min_samples_leaf=3, **FEW),
    "extra trees": ensemble.ExtraTreesClassifier(max_depth=5, **FEW),
    "histogram": ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=0),
}


@DTYPES
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_route_missing_values_as_they_learned_to(name: str, dtype: Any, parity: Any, around: Any) -> None:
    """Rows with holes, whole rows of holes, and rows on and beside every threshold; labels are strings."""
    model = CLASSIFIERS[name].fit(X_HOLES, LETTERS[Y])
    nothing = np.full((1, X.shape[1]), np.nan, dtype)
    parity(model, np.concatenate([around(model, X_HOLES.astype(dtype)), nothing]))


REGRESSORS = {
    "tree": tree.DecisionTreeRegressor(random_state=0),
    "extra tree": tree.ExtraTreeRegressor(random_state=0),
    "forest": ensemble.RandomForestRegressor(**FEW),
    "extra trees": ensemble.ExtraTreesRegressor(**FEW),
}


@DTYPES
@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name: str, targets: int, dtype: Any, parity: Any, around: Any) -> None:
    y = X[:, 0] if targets == 1 else X[:, :targets]
    model = REGRESSORS[name].fit(X_HOLES, y)
    parity(model, around(model, X_HOLES.astype(dtype), 15))


def test_forest_of_several_labels_with_different_classes(parity: Any) -> None:
    """Three outputs of 3, 2 and 1 classes, each with probabilities of its own width."""
    model = ensemble.RandomForestClassifier(**FEW).fit(X_HOLES, np.column_stack([Y, Y % 2, np.zeros_like(Y)]))
    parity(model, X_HOLES.astype(np.float32))


def test_equal_votes_give_the_first_class(parity: Any) -> None:
    """Fully grown trees vote with 0 and 1: sums are exact, so that a tie stays a tie."""
    x, y = load_digits(return_X_y=True)
    model = ensemble.RandomForestClassifier(4, max_features=1, random_state=0).fit(x[::2], y[::2])
    votes = np.sort(model.predict_proba(x), axis=1)
    assert (votes[:, -1] == votes[:, -2]).sum() > 20
    parity(model, x.astype(np.float32))


def test_random_trees_embedding(parity: Any) -> None:
    """Dense, though scikit-learn's own is sparse."""
    parity(ensemble.RandomTreesEmbedding(**FEW).fit(X), X.astype(np.float32))


GRADIENT_BOOSTING = [
    (2, {}),
    (3, {}),
    (2, {"loss": "exponential"}),
    (3, {"init": "zero"}),
    (2, {"init": LogisticRegression(max_iter=200)}),
    (3, {"init": make_pipeline(StandardScaler(), LogisticRegression())}),
    (2, {"init": make_pipeline(StandardScaler(), LogisticRegression()), "loss": "exponential"}),
]


@DTYPES
@pytest.mark.parametrize(("classes", "options"), GRADIENT_BOOSTING, ids=str)
def test_gradient_boosting_classifier(
    classes: int, options: dict[str, Any], dtype: Any, parity: Any, around: Any
) -> None:
    """An init model is fitted on float32, and predicts in it."""
    x = X / X.max(axis=0)
    model = ensemble.GradientBoostingClassifier(**FEW, **options).fit(x, np.minimum(Y, classes - 1))
    parity(model, around(model, x.astype(dtype), 10), single="init" in options)


@pytest.mark.parametrize("init", [None, "zero", Ridge()])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_gradient_boosting_regressor(loss: str, init: Any, parity: Any, around: Any) -> None:
    model = ensemble.GradientBoostingRegressor(loss=loss, init=init, **FEW).fit(DIABETES, PROGRESS)
    parity(model, around(model, DIABETES.astype(np.float32), 10))


@DTYPES
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "gamma", "poisson", "quantile"])
def test_histogram_regressor(loss: str, dtype: Any, parity: Any, around: Any) -> None:
    """Thresholds are double, and so are the samples they are compared with; infinity is a legal value."""
    quantile = 0.3 if loss == "quantile" else None
    model = ensemble.HistGradientBoostingRegressor(loss=loss, quantile=quantile, max_iter=15, random_state=0)
    model.fit(holes(DIABETES), PROGRESS)
    x = around(model, holes(DIABETES).astype(dtype))
    x[0, :3], x[1, :3] = np.inf, -np.inf
    parity(model, x)


def test_histogram_of_two_classes(parity: Any, around: Any) -> None:
    x, y = load_breast_cancer(return_X_y=True)
    model = ensemble.HistGradientBoostingClassifier(max_iter=15).fit(holes(x), y)
    parity(model, around(model, holes(x), 10))


def test_missing_values_that_the_fit_never_saw(parity: Any) -> None:
    """Histogram boosting sends them to the larger child then."""
    model = ensemble.HistGradientBoostingClassifier(max_iter=10).fit(X, Y)
    parity(model, X_HOLES)


def categories(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers, a category of 40 codes that aren't whole numbers, one of 3; and a target that depends on sets."""
    rng = np.random.default_rng(seed)
    many, few = rng.integers(0, 40, 400) * 1.5 - 3.0, rng.integers(0, 3, 400)
    many[::9] = np.nan
    x = np.column_stack([rng.normal(size=400), many, few, rng.normal(size=400)])
    return x, 2.0 * np.isin(many, [-1.5, 0.0, 6.0, 42.0]) + few % 2 + 0.1 * x[:, 0]


@DTYPES
@pytest.mark.parametrize("task", ["regression", "three classes"])
def test_categories(task: str, dtype: Any, parity: Any) -> None:
    """Known, missing, unknown and negative codes."""
    x, y = categories()
    kind = {"regression": ensemble.HistGradientBoostingRegressor}.get(task, ensemble.HistGradientBoostingClassifier)
    y = y if task == "regression" else np.digitize(y, [0.6, 1.7])
    model = kind(categorical_features=[1, 2], max_iter=12, min_samples_leaf=5, random_state=0).fit(x, y)
    splits = sum(p.nodes["is_categorical"].sum() for stage in model._predictors for p in stage)
    assert splits > 20
    rows = x.astype(dtype)
    rows[:6, 1], rows[6:9, 2] = [-3.0, -1.0, 0.7, 1e9, 57.0, np.nan], [3.0, -1.0, np.nan]
    parity(model, rows)


def frame_of_categories() -> tuple[pd.DataFrame, np.ndarray]:
    """Strings (some missing) and whole numbers as pandas categories between two columns of numbers."""
    x, y = categories()
    words = np.where(np.isnan(x[:, 1]), None, LETTERS[np.nan_to_num(x[:, 1]).astype(int) % 10])
    columns = {"a": x[:, 0], "word": pd.Categorical(words), "few": pd.Categorical(x[:, 2].astype(int)), "b": x[:, 3]}
    return pd.DataFrame(columns), y + 2.0 * (words == "bee")


def test_categories_of_a_frame(parity: Any) -> None:
    """Found by their dtype; a string tensor has '' where the frame has nothing."""
    frame, y = frame_of_categories()
    model = ensemble.HistGradientBoostingRegressor(max_iter=12, min_samples_leaf=5, random_state=0).fit(frame, y)
    words = frame["word"].astype(object).fillna("").to_numpy().astype(str)
    words[:2] = "unheard of"
    rows = {
        "a": frame["a"].to_numpy(),
        "word": words,
        "few": frame["few"].to_numpy(np.int64),
        "b": frame["b"].to_numpy(),
    }
    parity(model, {name: column[:, None] for name, column in rows.items()})


def test_engine_knows_the_categories_of_a_frame() -> None:
    """Without samples: dtypes, vocabularies, and thresholds by the column of the frame, not by the trees' own order."""
    frame, y = frame_of_categories()
    model = load(ensemble.HistGradientBoostingRegressor(max_iter=12, min_samples_leaf=5).fit(frame, y), LoadOptions())
    assert [spec.dtype for spec in model.signature.inputs] == ["float32", "str", "int64", "float32"]
    a, word, few, b = model.hints()
    assert set(word.vocabulary) == set(LETTERS)
    assert set(few.vocabulary) == {0, 1, 2}
    for hint in (a, b):
        (points,) = hint.points
        assert frame[hint.name].min() < points.min() < points.max() < frame[hint.name].max()
    assert not word.points
    assert not few.points


ISOLATION = [{}, {"contamination": 0.1}, {"contamination": 0.5}, {"max_features": 0.5}, {"bootstrap": True},
             {"max_samples": 1}, {"max_samples": 2}]  # fmt: skip


@DTYPES
@pytest.mark.parametrize("options", ISOLATION, ids=str)
def test_isolation_forest(options: dict[str, Any], dtype: Any, parity: Any, around: Any) -> None:
    """The fit is on 177 rows: with a contamination of 0.5, one of them lies exactly on the limit."""
    x = X_HOLES[:177].astype(dtype)
    model = ensemble.IsolationForest(**FEW, **options).fit(x)
    assert (model.decision_function(x) == 0).any() == (options in (ISOLATION[2], *ISOLATION[5:]))
    parity(model, around(model, x, 5))


@pytest.mark.parametrize("opset", [13, 15, 16, 23])
def test_old_opsets_hold_the_same_decisions_in_float32(opset: int, parity: Any, around: Any) -> None:
    """Before ai.onnx.ml 3 (opset 16) thresholds are rounded, and sums are float32."""
    model = ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=0).fit(X_HOLES, Y)
    proto = parity(model, around(model, X_HOLES.astype(np.float32)), opset)
    (node,) = [node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor"]
    names = {attribute.name for attribute in node.attribute}
    assert ("nodes_values_as_tensor" in names) == (opset >= 16)


def test_double_sums_at_an_old_opset(parity: Any) -> None:
    """scikit-learn's trees compare float32, so that only their sums are double: two float32 nodes' worth of targets."""
    parity(ensemble.RandomForestRegressor(**FEW).fit(X_HOLES, X[:, :2]), X_HOLES, 13)


def test_doubles_at_an_old_opset_are_refused(parity: Any) -> None:
    model = ensemble.HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    with pytest.raises(ParityGateError, match="opset 16") as caught:
        parity(model, X, 13)
    assert caught.value.code == "PG408"


def test_rows_detect_a_wrong_direction_of_missing_values(parity: Any) -> None:
    """The samples above are sensitive: flipping one attribute of the finished model changes its outputs."""
    model = ensemble.RandomForestClassifier(**FEW).fit(X_HOLES, Y)
    proto, x = parity(model, X_HOLES), {"X": X_HOLES}
    expected = run(proto, x)
    (node,) = [node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor"]
    (flags,) = [a for a in node.attribute if a.name == "nodes_missing_value_tracks_true"]
    flags.ints[:] = [1 - flag for flag in flags.ints]
    assert (run(proto, x) != expected).sum() > 10


def run(proto: onnx.ModelProto, feed: dict[str, np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0])


LEAVES = st.lists(st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-20), min_size=3, max_size=3)
"""Within the exponents of float32, which no split can widen."""


@settings(max_examples=200, deadline=None)
@given(trees=st.lists(LEAVES, min_size=1, max_size=40), pick=st.randoms(use_true_random=False))
def test_split_sums_are_double_in_float32_and_in_any_order(trees: list[list[float]], pick: Any) -> None:
    """Any one leaf of each tree, added up in float32 in random order, against the exact sum."""
    left = np.full(3, -1)
    parts = split(Ensemble(tuple(
        Tree(left, np.zeros(3), left, left, left > 0, np.array(leaves).reshape(-1, 1)) for leaves in trees
    )))  # fmt: skip
    rows = [pick.randrange(3) for _ in trees]
    order = pick.sample(range(len(trees)), len(trees))
    sums = np.zeros(parts.targets, np.float32)
    for number in order:
        sums += parts.trees[number].value[rows[number]].astype(np.float32)
    exact = math.fsum(leaves[row] for leaves, row in zip(trees, rows, strict=True))
    bound = sum(max(map(abs, leaves)) for leaves in trees)
    assert abs(sums.astype(np.float64).sum() - exact) <= 2.0**-52 * bound


def test_split_of_whole_numbers_is_one_target() -> None:
    """Votes need no more bits than a float32 has."""
    votes = Tree.constant([1.0, 0.0])
    assert split(Ensemble((votes,) * 5, 2)).targets == 2


def test_runtime_still_ignores_base_values() -> None:
    """The reason why a base score is a tree: when this fails, ONNX Runtime has fixed it."""
    leaf = {"nodes_treeids": [0], "nodes_nodeids": [0], "nodes_featureids": [0], "nodes_modes": ["LEAF"],
            "nodes_values": [0.0], "nodes_truenodeids": [0], "nodes_falsenodeids": [0]}  # fmt: skip
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2, base_values=[0.5, 0.25],
        target_treeids=[0], target_nodeids=[0], target_ids=[1], target_weights=[1.0], **leaf,
    )  # fmt: skip
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in "xy"]
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 1)]
    proto = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]), opset_imports=opsets, ir_version=8)
    assert run(proto, {"x": np.zeros((1, 1), np.float32)}).tolist() == [[0.0, 1.25]]
