"""scikit-learn and the boosters as Core ML's own models: each row's answer against the estimator's own."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import paritygate.convert
from paritygate.convert.routes.base import Candidate, ConvertOptions
from paritygate.convert.routes.sklearn.coreml.registry import PREDICTORS, TRANSFORMERS
from paritygate.convert.routes.sklearn.coreml.route import convert
from paritygate.convert.routes.sklearn.coreml.single_precision import widen_limit
from paritygate.convert.routes.sklearn.models.trees import SplitTest
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.engines.sklearn.thresholds import thresholds_of
from paritygate.validate.errors import ParityGateError

sys.path.append(str(Path(__file__).parents[1]))  # where the fixtures are, if pytest isn't run as a module

from fixtures.estimators import Recipe, fitted, recipes

Feed = Mapping[str, np.ndarray]

WINE, CANCER = load_wine(return_X_y=True), load_breast_cancer(return_X_y=True)
DIABETES, DIGITS = load_diabetes(return_X_y=True), load_digits(return_X_y=True)
NAMES = np.array(["barolo", "grignolino", "barbera"])
QUIET = {"verbosity": -1, "n_jobs": 1}
SILENT = {"verbose": 0, "thread_count": 1, "allow_writing_files": False, "random_seed": 0}

IN_DOUBLE = 1e-11
"""Relative, and absolute below 1: scikit-learn and the model add the same doubles, in different orders."""

IN_SINGLE = 3e-6
"""XGBoost adds its leaves in single precision (6e-8 a step, some dozen steps); exponentials are computed in it, of
sums that are large by then; scikit-learn's own linear models compute in it for such samples."""


def answers(estimator: Any, feed: Feed, folder: Path, dtype: str) -> tuple[Candidate, dict[str, np.ndarray]]:
    """What the converted file says of every row, under the source's names of its outputs."""
    model = load(estimator, LoadOptions(dtype=dtype))
    candidate = convert(model, folder / "model.mlmodel", ConvertOptions())
    session = coreml.load(candidate.path, LoadOptions()).session
    count = len(next(iter(feed.values())))
    rows = [session.predict({name: feed[source][i] for name, source in candidate.inputs.items()}) for i in range(count)]
    found = {}
    for feature, source in candidate.outputs.items():
        order = candidate.classes.get(feature)
        values = [row[feature] if order is None else [row[feature][label] for label in order] for row in rows]
        found[source] = np.array(values)
    return candidate, found


def assert_agrees(
    estimator: Any, rows: Any, folder: Path, dtype: str = "float32", tolerance: float = IN_SINGLE
) -> Candidate:
    """Every row's answer is the estimator's: labels exactly, numbers within the tolerance."""
    model = load(estimator, LoadOptions(dtype=dtype))
    feed = _feed(model, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown categories, which are wanted here
        expected = model.run(feed)
    candidate, found = answers(estimator, feed, folder, dtype)
    assert_well_formed(coreml.load(candidate.path, LoadOptions()).native.spec)
    assert set(found) == set(expected)
    for name, want in expected.items():
        got = found[name].reshape(want.shape)
        if want.dtype.kind == "f" and name != "label":
            np.testing.assert_allclose(got, want, tolerance, tolerance, equal_nan=True, err_msg=name)
        else:
            assert got.tolist() == want.tolist(), name
    return candidate


def assert_well_formed(spec: Any) -> None:
    """What Core ML demands of a model before it loads it, as far as these models could break it.

    coremltools' C++ sources say so (mlmodel/src/Validation, TreeEnsembleCommon.cpp); its library runs on a Mac only.
    """
    kind, description = spec.WhichOneof("Type"), spec.description
    body = getattr(spec, kind)
    inputs, outputs = ({f.name: f.type for f in features} for features in (description.input, description.output))
    assert not inputs.keys() & outputs.keys()
    if kind.startswith("pipeline"):
        known = dict(inputs)
        for stage in (body if kind == "pipeline" else body.pipeline).models:
            assert_well_formed(stage)
            assert all(known[feature.name] == feature.type for feature in stage.description.input)
            known |= {feature.name: feature.type for feature in stage.description.output}
        assert all(known[name] == declared for name, declared in outputs.items())
    elif kind.endswith("Regressor"):
        assert [declared.WhichOneof("Type") for declared in outputs.values()] == ["doubleType"]
    if kind.startswith("glm"):
        assert len(body.weights) == len(body.offset) > 0
    if kind == "glmClassifier":
        count = len(body.int64ClassLabels.vector) or len(body.stringClassLabels.vector)
        assert len(body.weights) == (count if body.classEncoding == body.OneVsRest else count - 1)
        assert count > 2 or body.classEncoding == body.ReferenceClass
    if kind.startswith("treeEnsemble"):
        trees = body.treeEnsemble
        assert trees.nodes
        assert len(trees.basePredictionValue) == trees.numPredictionDimensions
        for node in trees.nodes:
            indices = [info.evaluationIndex for info in node.evaluationInfo]
            assert len(set(indices)) == len(indices)
            assert indices or node.nodeBehavior != node.LeafNode
            assert node.nodeBehavior == node.LeafNode or node.nodeId not in (
                node.trueChildNodeId,
                node.falseChildNodeId,
            )
    if kind in ("imputer", "scaler", "normalizer"):
        assert list(inputs.values()) == list(outputs.values())


def _feed(model: Any, rows: Any) -> dict[str, np.ndarray]:
    specs = model.signature.inputs
    frame = isinstance(rows, pd.DataFrame)
    table = rows if frame else np.asarray(rows)
    columns = [table[spec.name].to_numpy()[:, None] for spec in specs] if frame else [table]
    return {s.name: c.astype(str if s.dtype == "str" else s.dtype) for s, c in zip(specs, columns, strict=True)}


def holes(rows: np.ndarray) -> np.ndarray:
    """NaN in place of every tenth number, and one row of nothing else."""
    absent = np.random.default_rng(7).random(rows.shape) < 0.1
    absent[3] = True
    return np.where(absent, np.nan, rows)


# ---------------------------------------------------------------------------------------------- the whole catalogue

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
"""Recipes of estimators that are native otherwise; ``PG404`` says what Core ML lacks."""

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
        warnings.simplefilter("ignore")  # too few iterations to converge, which is all the same here
        estimator, new = fitted(kind, entry)
    if is_refused(kind, entry):
        with pytest.raises(ParityGateError) as caught:
            convert(load(estimator, LoadOptions()), tmp_path / "model.mlmodel", ConvertOptions())
        assert caught.value.code == "PG404"
        return
    logarithmic = entry.name in ("GammaRegressor", "PoissonRegressor", "TweedieRegressor", "IsolationForest")
    assert_agrees(estimator, new, tmp_path, "float64", IN_SINGLE if logarithmic else IN_DOUBLE)


# -------------------------------------------------------------------------------------------------------- pipelines

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


# ------------------------------------------------------------------------------------------------------------- trees

XGB = {"n_estimators": 12, "n_jobs": 1}
TREES: dict[str, tuple[Callable[[], Any], tuple[np.ndarray, np.ndarray]]] = {
    "DecisionTreeClassifier": (lambda: DecisionTreeClassifier(random_state=0), WINE),
    "DecisionTreeRegressor, two targets": (
        lambda: DecisionTreeRegressor(max_depth=6, random_state=0),
        (DIABETES[0], np.column_stack([DIABETES[1], DIABETES[0][:, 2]])),
    ),
    "RandomForestClassifier": (lambda: RandomForestClassifier(10, random_state=0), WINE),
    "RandomForestRegressor": (lambda: RandomForestRegressor(8, max_depth=7, random_state=0), DIABETES),
    "ExtraTreesClassifier": (lambda: ExtraTreesClassifier(8, random_state=0), WINE),
    "BaggingClassifier": (lambda: BaggingClassifier(n_estimators=6, max_features=0.5, random_state=0), WINE),
    "GradientBoostingClassifier": (lambda: GradientBoostingClassifier(n_estimators=8, random_state=0), WINE),
    "GradientBoostingClassifier, exponential": (
        lambda: GradientBoostingClassifier(loss="exponential", n_estimators=12, random_state=0), CANCER,
    ),
    "GradientBoostingRegressor": (lambda: GradientBoostingRegressor(n_estimators=20, random_state=0), DIABETES),
    "HistGradientBoostingClassifier": (lambda: HistGradientBoostingClassifier(max_iter=8), WINE),
    "HistGradientBoostingRegressor": (lambda: HistGradientBoostingRegressor(max_iter=15), DIABETES),
    "IsolationForest": (lambda: IsolationForest(n_estimators=12, random_state=0), WINE),
    "XGBClassifier": (lambda: xgboost.XGBClassifier(**XGB), WINE),
    "XGBClassifier of two classes": (lambda: xgboost.XGBClassifier(**XGB), CANCER),
    "XGBRegressor": (lambda: xgboost.XGBRegressor(**XGB, max_depth=4), DIABETES),
    "LGBMClassifier": (lambda: lightgbm.LGBMClassifier(n_estimators=8, **QUIET), WINE),
    "LGBMClassifier of two classes": (lambda: lightgbm.LGBMClassifier(n_estimators=12, **QUIET), CANCER),
    "LGBMRegressor": (lambda: lightgbm.LGBMRegressor(n_estimators=15, **QUIET), DIABETES),
    "CatBoostClassifier": (lambda: catboost.CatBoostClassifier(iterations=10, depth=4, **SILENT), WINE),
    "CatBoostRegressor": (lambda: catboost.CatBoostRegressor(iterations=10, depth=4, **SILENT), DIABETES),
    "CatBoostRegressor, asymmetric": (
        lambda: catboost.CatBoostRegressor(iterations=10, grow_policy="Lossguide", **SILENT), DIABETES,
    ),
}  # fmt: skip


def steps_around(points: np.ndarray, dtype: Any) -> np.ndarray:
    """The points in a dtype, with the two neighbours below and above each."""
    kept = [np.asarray(points, dtype)]
    for end in (-np.inf, np.inf):
        once = np.nextafter(kept[0], dtype(end))
        kept += [once, np.nextafter(once, dtype(end))]
    return np.concatenate(kept)


def at_thresholds(points: list[np.ndarray], middle: np.ndarray, dtype: Any) -> np.ndarray:
    """Rows of which one feature stands beside a threshold, on real values of the others."""
    chosen = [steps_around(p[:: max(1, len(p) // 6)], dtype) for p in points]
    rows = np.repeat(middle.astype(dtype), sum(map(len, chosen)), axis=0)
    first = 0
    for feature, values in enumerate(chosen):
        rows[first : first + len(values), feature] = values
        first += len(values)
    return rows[:: max(1, len(rows) // 250)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TREES)
def test_trees_at_their_thresholds(name: str, dtype: str, tmp_path: Path):
    make, (rows, target) = TREES[name]
    estimator = make().fit(rows, target)
    kind = np.dtype(dtype).type
    beside = at_thresholds(thresholds_of(estimator, rows.shape[1]), np.median(rows, axis=0)[None], kind)
    candidate = assert_agrees(estimator, np.concatenate([beside, rows[::10].astype(kind)]), tmp_path, dtype)
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    assert spec.specificationVersion == 1
    several = name == "IsolationForest" or "two targets" in name
    assert several or spec.WhichOneof("Type").startswith("treeEnsemble")


SCALERS = (StandardScaler(), RobustScaler(), MinMaxScaler(clip=True), make_pipeline(MaxAbsScaler(), StandardScaler()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", SCALERS, ids=lambda scaler: type(scaler).__name__)
@pytest.mark.parametrize("kind", [RandomForestClassifier, HistGradientBoostingClassifier])
def test_trees_behind_scalers_at_their_thresholds(kind: Any, scaler: Any, dtype: str, tmp_path: Path):
    """scikit-learn scales in the samples' width: a model that did so in double would lose many of these rows."""
    forest = kind(n_estimators=10, random_state=0) if kind is RandomForestClassifier else kind(max_iter=10)
    estimator = make_pipeline(scaler, forest).fit(*CANCER)
    points = thresholds_of(estimator[-1], CANCER[0].shape[1])
    table = np.full((max(map(len, points)), len(points)), np.nan)
    for feature, values in enumerate(points):
        table[: len(values), feature] = values
    back = scaler.inverse_transform(table)
    raw = [column[np.isfinite(column)] for column in back.T]
    rows = at_thresholds(raw, np.median(CANCER[0], axis=0)[None], np.dtype(dtype).type)
    candidate = assert_agrees(estimator, rows, tmp_path, dtype)
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    assert spec.WhichOneof("Type") == "treeEnsembleClassifier"  # the scaler fell away


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.floats(allow_nan=False), st.sampled_from(SplitTest))
def test_limits_in_double_part_what_single_precision_parts(threshold: float, test: SplitTest):
    assume((threshold, test) != (-np.inf, SplitTest.BELOW))  # nothing is below it, which no limit says
    limit = widen_limit(np.array([threshold]), test)[0]
    with np.errstate(over="ignore"):
        around = steps_around(np.array([limit, threshold, np.float64(np.float32(threshold))]), np.float64)
        rounded = around.astype(np.float32).astype(np.float64)
    expected = rounded <= threshold if test is SplitTest.AT_MOST else rounded < threshold
    known = ~np.isnan(around)
    assert (around <= limit)[known].tolist() == expected[known].tolist()


HOLLOW = ("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier", "HistGradientBoostingClassifier",
          "IsolationForest", "XGBClassifier", "LGBMClassifier", "CatBoostClassifier")  # fmt: skip


@pytest.mark.parametrize("seen", [True, False], ids=["trained with NaN", "trained without"])
@pytest.mark.parametrize("name", HOLLOW)
def test_missing_values_go_where_the_trees_send_them(name: str, seen: bool, tmp_path: Path):
    make, (rows, target) = TREES[name]
    assert_agrees(make().fit(holes(rows) if seen else rows, target), holes(rows)[:60], tmp_path)


# -------------------------------------------------------------------------------------------------------- categories


def coded() -> tuple[np.ndarray, np.ndarray]:
    """Two numbers and two columns of codes, of which a set decides; what is missing has a target of its own."""
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 12, (400, 2)).astype(float)
    rows = np.column_stack([draw.normal(size=(400, 2)), codes])
    target = np.isin(codes[:, 0], [1, 4, 7]) * 3.0 + codes[:, 1] % 3 + rows[:, 0]
    rows[::9, 2] = np.nan
    return rows, np.where(np.isnan(rows[:, 2]), 5.0, target)


CATEGORICAL = {
    "HistGradientBoostingRegressor": lambda x, y: HistGradientBoostingRegressor(
        max_iter=10, categorical_features=[2, 3]
    ).fit(x, y),
    "behind a scaler": lambda x, y: make_pipeline(
        ColumnTransformer([("s", StandardScaler(), [0, 1])], remainder="passthrough"),
        HistGradientBoostingRegressor(max_iter=10, categorical_features=[2, 3]),
    ).fit(x, y),
    "XGBRegressor": lambda x, y: xgboost.XGBRegressor(
        n_estimators=10, n_jobs=1, enable_categorical=True, feature_types=["q", "q", "c", "c"], max_cat_to_onehot=1
    ).fit(x, y),
    "LGBMRegressor": lambda x, y: lightgbm.LGBMRegressor(
        n_estimators=10, cat_smooth=1, min_data_per_group=5, **QUIET
    ).fit(x, y, categorical_feature=[2, 3]),
}


@pytest.mark.parametrize("name", CATEGORICAL)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sets_of_categories(name: str, tmp_path: Path):
    rows, target = coded()
    estimator = CATEGORICAL[name](rows, target)
    new = rows[:60].copy()
    new[::7, 2], new[::5, 3] = np.nan, 10.0
    if name != "XGBRegressor":  # which refuses codes that it hasn't seen
        new[1::6, 3] = 77.0
    assert_agrees(estimator, new, tmp_path)


# -------------------------------------------------------------------------------------------------------- named columns


def cellar() -> tuple[pd.DataFrame, np.ndarray]:
    """Wine as a table of numbers, text and integers, with a column that nothing reads."""
    bunch = load_wine(as_frame=True)
    frame = bunch.data[["alcohol", "hue", "proline"]].copy()
    frame.loc[::7, "alcohol"] = np.nan
    frame["colour"] = np.array(["pale", "mid", "deep"])[np.digitize(bunch.data.color_intensity, [3.5, 5.5])]
    frame["grade"] = (bunch.data.ash * 2).astype(int)
    frame["unused"] = 1.0
    return frame, bunch.target_names[bunch.target]


def cellar_model(final: Any, colours: Any = None) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    parts = ColumnTransformer([
        ("numbers", numbers, ["alcohol", "proline"]),
        ("colour", colours or OneHotEncoder(handle_unknown="ignore"), ["colour"]),
        ("grade", OneHotEncoder(handle_unknown="ignore", drop="first"), ["grade"]),
        ("hue", "passthrough", ["hue"]),
    ])  # fmt: skip
    frame, target = cellar()
    return Pipeline([("parts", parts), ("final", final)]).fit(frame, target)


FINALS = {
    "trees": (RandomForestClassifier(10, random_state=0), None),
    "boosting": (HistGradientBoostingClassifier(max_iter=5), None),
    "linear": (LogisticRegression(), None),
    "numbered colours": (
        LogisticRegression(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    ),
    "rare colours": (LogisticRegression(), OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2)),
}  # fmt: skip


@pytest.mark.parametrize("name", FINALS)
def test_columns_keep_their_names(name: str, tmp_path: Path):
    frame, _ = cellar()
    new = frame[::6].copy()
    new.iloc[::3, new.columns.get_loc("colour")] = "green"
    new.iloc[1::4, new.columns.get_loc("grade")] = 99
    candidate = assert_agrees(cellar_model(*FINALS[name]), new, tmp_path, tolerance=2e-5)
    description = coreml.load(candidate.path, LoadOptions()).native.spec.description
    kinds = {feature.name: feature.type.WhichOneof("Type") for feature in (*description.input, *description.output)}
    assert kinds == {
        "alcohol": "doubleType", "hue": "doubleType", "proline": "doubleType", "colour": "stringType",
        "grade": "int64Type", "unused": "doubleType", "label": "stringType", "probabilities": "dictionaryType",
    }  # fmt: skip
    assert candidate.classes == {"probabilities": ("class_0", "class_1", "class_2")}
    assert (description.predictedFeatureName, description.predictedProbabilitiesName) == ("label", "probabilities")


def test_a_raw_booster_of_three_classes_through_the_gate(tmp_path: Path):
    """Its shares become a classifier's dictionary, whose label is left over: the gate holds it to the shares."""
    data = xgboost.DMatrix(*WINE)
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "nthread": 1}, data, 5)
    made = paritygate.convert.convert(booster, tmp_path / "wine.mlmodel", route="native")
    assert made.report.passed, str(made.report)


@pytest.mark.parametrize("suffix", ["mlmodel", "mlpackage"])
def test_a_column_model_through_the_gate(suffix: str, tmp_path: Path):
    output = tmp_path / f"cellar.{suffix}"
    made = paritygate.convert.convert(
        cellar_model(*FINALS["trees"]), output, route="native", deployment_target="macOS12", samples=None
    )
    assert made.report.passed, str(made.report)
    assert output.exists()


def test_columns_called_like_outputs_and_unlike_swift(tmp_path: Path):
    rows = pd.DataFrame(WINE[0][:, :3], columns=["label", "malic acid", "2nd"])
    candidate = assert_agrees(LogisticRegression(max_iter=500).fit(rows, WINE[1]), rows[::9], tmp_path, tolerance=2e-5)
    assert candidate.inputs == {"label": "label", "malic_acid": "malic acid", "_2nd": "2nd"}
    assert candidate.outputs == {"label_": "label", "probabilities": "probabilities"}


def test_a_union_of_text_encoders(tmp_path: Path):
    frame, _ = cellar()
    texts = frame[["colour"]].assign(other=frame.colour.str.upper())
    encoder = OneHotEncoder(handle_unknown="error", sparse_output=False).set_output(transform="default").fit(texts)
    candidate = assert_agrees(encoder, texts[::9], tmp_path)
    session = coreml.load(candidate.path, LoadOptions()).session
    with pytest.raises(ParityGateError, match="PG406"):  # like the encoder itself
        session.predict({"colour": "green", "other": "PALE"})


# ------------------------------------------------------------------------------------------------- what must be refused


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
    "a linear booster": (lambda: xgboost.XGBRegressor(booster="gblinear", n_estimators=2).fit(*DIABETES), "gblinear"),
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
        convert(load(make(), LoadOptions()), tmp_path / "model.mlmodel", ConvertOptions())
    assert caught.value.code == "PG404"


OPTIONS: dict[str, tuple[str, ConvertOptions, str]] = {
    "half precision": ("mlpackage", ConvertOptions(precision="fp16"), "PG404"),
    "half precision without a package": ("mlmodel", ConvertOptions(precision="fp16"), "PG201"),
    "an old target": ("mlpackage", ConvertOptions(deployment_target="iOS14"), "PG408"),
    "no target": ("mlmodel", ConvertOptions(deployment_target="iOS99"), "PG201"),
    "class labels": ("mlmodel", ConvertOptions(class_labels=("a", "b")), "PG404"),
    "shapes": ("mlmodel", ConvertOptions(shapes={"X": ((1, 10),)}), "PG404"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_no_classic_model_meets(name: str, tmp_path: Path):
    suffix, options, code = OPTIONS[name]
    with pytest.raises(ParityGateError) as caught:
        convert(load(Ridge().fit(*DIABETES), LoadOptions()), tmp_path / f"model.{suffix}", options)
    assert caught.value.code == code


def test_a_wrong_model_does_not_pass(tmp_path: Path):
    """The test's own eye: another forest's file is found out."""
    forest = RandomForestClassifier(5, random_state=0).fit(*WINE)
    other = RandomForestClassifier(5, random_state=1).fit(*WINE)
    other.predict, other.predict_proba = forest.predict, forest.predict_proba
    with pytest.raises(AssertionError):
        assert_agrees(other, WINE[0][::9], tmp_path)


# ------------------------------------------------------------------------------------------------------------ the file


def test_the_file_says_what_it_is(tmp_path: Path):
    import sklearn

    model = load(KNeighborsClassifier().fit(*WINE), LoadOptions())
    candidate = convert(model, tmp_path / "model.mlmodel", ConvertOptions())
    spec = coreml.load(candidate.path, LoadOptions()).native.spec
    assert spec.specificationVersion == 4  # nearest neighbours are there from iOS13 on
    assert spec.description.metadata.shortDescription == f"KNeighborsClassifier, scikit-learn {sklearn.__version__}"
    assert dict(spec.description.metadata.userDefined)["com.github.apple.coremltools.source"].startswith("scikit-learn")


@pytest.mark.parametrize("kind", ["SGDClassifier", "OneVsRestClassifier"])
def test_labels_go_by_the_scores_where_shares_are_rounded_to_one(kind: str, tmp_path: Path):
    many = (
        OneVsRestClassifier(LogisticRegression())
        if kind != "SGDClassifier"
        else SGDClassifier(loss="log_loss", random_state=0)
    )
    scaler = StandardScaler().fit(WINE[0])
    estimator = many.fit(scaler.transform(WINE[0]), WINE[1])
    assert_agrees(estimator, 300.0 * scaler.transform(WINE[0])[::5], tmp_path, "float64", IN_DOUBLE)


def test_linear_classifiers_without_probabilities_give_their_scores(tmp_path: Path):
    for rows, target in (WINE, CANCER):
        estimator = make_pipeline(StandardScaler(), LinearSVC()).fit(rows, target)
        assert_agrees(estimator, rows[::9], tmp_path, "float64", IN_DOUBLE)
