"""scikit-learn: files and live objects, tables of text and numbers, and what their conversion must keep."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RANSACRegressor, Ridge, RidgeClassifier, SGDOneClassSVM
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KernelCenterer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from paritygate.convert.routes.base import Candidate, ConvertOptions
from paritygate.convert.routes.sklearn.onnx.route import NEWEST, convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import newest_opset
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import generate_samples
from paritygate.validate.signature import TensorSpec

WINE = load_wine(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIGITS = tuple(part[:500] for part in load_digits(return_X_y=True))
NAMES = np.array(["barolo", "grignolino", "barbera"])

Feed = Mapping[str, np.ndarray]

TOLERANCE = 1e-5
"""Absolute and relative: float32 rounds a result once (6e-8) and what scikit-learn itself does in float32 may add
some hundred such steps; double inside of the candidate adds nothing to it."""


def run(path: Path, feed: Feed) -> dict[str, np.ndarray]:
    """What ONNX Runtime computes, strings as numpy text."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arrays = {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in feed.items()}
    results = zip((output.name for output in session.get_outputs()), session.run(None, arrays), strict=True)
    return {name: array.astype(str) if array.dtype == object else array for name, array in results}


def differences(expected: Feed, actual: Feed) -> list[str]:
    """Sentences on every output that differs; a label may differ where two classes score alike to 1e-6."""
    assert list(expected) == list(actual)
    found = []
    for name, want in expected.items():
        got = actual[name]
        if want.shape != got.shape:
            found.append(f"{name}: shape {want.shape} became {got.shape}")
        elif want.dtype.kind == "f":
            if not np.allclose(got, want, TOLERANCE, TOLERANCE, equal_nan=True):
                found.append(f"{name}: {np.nanmax(abs(got - want))} apart")
        elif want.dtype.kind != got.dtype.kind or (want != got)[~_tied(expected, want)].any():
            found.append(f"{name}: {want} became {got}")
    return found


def _tied(outputs: Feed, label: np.ndarray) -> np.ndarray:
    scores = outputs.get("probabilities", outputs.get("scores"))
    if scores is None or scores.ndim != 2 or label.ndim != 1:
        return np.zeros(label.shape, bool)
    best = np.sort(scores, axis=1)
    return best[:, -1] - best[:, -2] < 1e-6


def parity(
    estimator: Any,
    folder: Path,
    real: Feed | np.ndarray | None = None,
    *,
    opset: int | None = None,
    options: LoadOptions | None = None,
) -> Candidate:
    """Convert, then hold the file to the estimator on real rows and on generated samples of every kind."""
    model = load(estimator, options or LoadOptions())
    candidate = convert(model, folder / "model.onnx", ConvertOptions(opset))
    feeds = [item.feed for item in generate_samples(model.signature, model.hints()).items]
    feeds += [] if real is None else [_cast(model.signature.inputs, real)]
    for feed in feeds:
        got = {candidate.outputs[name]: array for name, array in run(candidate.path, feed).items()}
        assert differences(model.run(feed), got) == []
    declared = onnx.load(candidate.path).graph
    assert [value.name for value in declared.input] == [spec.name for spec in model.signature.inputs]
    assert [candidate.outputs[value.name] for value in declared.output] == [s.name for s in model.signature.outputs]
    return candidate


def _cast(specs: tuple[TensorSpec, ...], real: Feed | np.ndarray) -> dict[str, np.ndarray]:
    feed = real if isinstance(real, Mapping) else {specs[0].name: real}
    return {spec.name: feed[spec.name].astype(str if spec.dtype == "str" else spec.dtype) for spec in specs}


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
def test_the_comparison_sees_a_broken_conversion(change: str, tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(StandardScaler().fit_transform(WINE[0]), WINE[1])
    model = load(estimator, LoadOptions())
    broken = pickle.loads(pickle.dumps(estimator))
    setattr(
        broken,
        change,
        getattr(estimator, change)[::-1].copy() if change == "classes_" else 1.001 * getattr(estimator, change),
    )
    candidate = convert(load(broken, LoadOptions()), tmp_path / "model.onnx", ConvertOptions())
    feed = {"X": StandardScaler().fit_transform(WINE[0]).astype(np.float32)}
    assert differences(model.run(feed), run(candidate.path, feed))


# ------------------------------------------------------------------------------- widths


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
    candidate = convert(model, tmp_path / "model.onnx", ConvertOptions())
    rng = np.random.default_rng(0)
    x = (WINE[0].mean(0) + rng.normal(size=(5000, 13)) * 2 * WINE[0].std(0)).astype(dtype)
    x[::7] = np.nan if type(scaler).__name__.endswith("Scaler") else x[::7]
    want, got = model.run({"X": x})["transformed"], run(candidate.path, {"X": x})["transformed"]
    assert want.dtype == got.dtype
    np.testing.assert_array_equal(got, want)


def test_an_estimator_that_refuses_float32_is_fed_float64(tmp_path: Path) -> None:
    """scikit-learn's KMeans fitted on float64 fails on float32: its width is not open."""
    model = load(KMeans(3, n_init=1).fit(WINE[0]), LoadOptions())
    assert model.signature.inputs[0].dtype == "float64"
    assert "float64" in model.notes[0]
    parity(model.native, tmp_path, WINE[0])
    assert model.run({"X": WINE[0].astype(np.float32)})["label"].shape == (178,)


# ------------------------------------------------------------------------------- tables


def wine_table() -> pd.DataFrame:
    """Wine with a column of text, one of integers and one of missing values, under awkward names."""
    table = load_wine(as_frame=True).data.iloc[:, :6]
    table["shade (eye)"] = np.array(["pale", "mid", "deep"])[(table["alcohol"] * 7).astype(int) % 3]
    table["label"] = (table["ash"] * 10).round().astype(int) % 5
    table["variable"] = table["magnesium"].where(table["magnesium"] > 90)
    return table


TABLE = wine_table()
NUMBERS = [*TABLE.columns[:6]]
FEED = {name: column.to_numpy()[:, None] for name, column in TABLE.items()}


def table_model(last: Any, encoder: Any = None, **settings: Any) -> Any:
    encoder = encoder or OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["variable", *NUMBERS[::-1]]),
            ("categories", encoder, ["label", "shade (eye)"]),
        ],
        **settings,
    )
    return make_pipeline(columns, last) if last is not None else columns


TABLE_MODELS = {
    "linear": table_model(LogisticRegression(max_iter=500)),
    "trees": table_model(RandomForestClassifier(9, random_state=0)),
    "weighted": table_model(LinearSVC(), transformer_weights={"numbers": 2.0, "categories": 0.5}),
    "alone": table_model(None),
    "infrequent": table_model(
        DecisionTreeClassifier(), OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=40)
    ),
    "ordinal": table_model(
        DecisionTreeClassifier(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    ),
    "ordinal, unknown is missing": table_model(
        DecisionTreeClassifier(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    ),
    "remainder": make_pipeline(
        ColumnTransformer([("c", OneHotEncoder(), ["shade (eye)"])], remainder="passthrough"), DecisionTreeClassifier()
    ),
    "text filled in": make_pipeline(
        ColumnTransformer(
            [
                ("text", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["shade (eye)"]),
                ("numbers", SimpleImputer(add_indicator=True), ["variable", "ash"]),
            ]
        ),
        RidgeClassifier(),
    ),
    "a searched table": GridSearchCV(
        table_model(LogisticRegression(max_iter=500)), {"logisticregression__C": [0.1, 1.0]}, cv=2
    ),
    "slices and masks": make_pipeline(
        ColumnTransformer([("a", MinMaxScaler(), slice(1, 4)), ("b", "passthrough", np.arange(9) == 0)]), LinearSVC()
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("estimator", TABLE_MODELS.values(), ids=TABLE_MODELS.keys())
def test_tables_of_text_and_numbers(estimator: Any, dtype: str, tmp_path: Path) -> None:
    """One input per column, under the column's own name, whatever skl2onnx calls its variables.

    The generated samples hold unknown categories, empty strings and NaN wherever the estimator takes them.
    """
    estimator.fit(TABLE, NAMES[WINE[1]])
    options = LoadOptions(
        dtype=dtype,
        example={name: column.astype(str) if column.dtype == object else column for name, column in FEED.items()},
    )
    candidate = parity(estimator, tmp_path, FEED, options=options)
    assert list(candidate.inputs) == list(TABLE.columns)


def test_columns_say_their_dtypes_without_an_example() -> None:
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


def test_a_model_of_numbers_takes_its_columns_or_one_array(tmp_path: Path) -> None:
    estimator = RidgeClassifier().fit(TABLE[NUMBERS], WINE[1])
    parity(estimator, tmp_path, FEED)
    array = TABLE[NUMBERS].to_numpy(np.float32)
    options = LoadOptions(example={"features": array})
    assert list(parity(estimator, tmp_path, {"features": array}, options=options).inputs) == ["features"]


def test_missing_text_and_a_name_taken_twice_are_noted(tmp_path: Path) -> None:
    text, renamed = parity(table_model(LinearSVC()).fit(TABLE, WINE[1]), tmp_path).notes
    assert "shade (eye)" in text
    assert "'label_output'" in renamed


TEXTS = ["the cat sat on the mat", "A dog; and a cat!", "dogs eat cats' food", "it's 3.14", "mats & cats", "UPPER Case"]
TOPICS = [0, 1, 1, 2, 0, 2]
VECTORIZERS = (
    CountVectorizer(),
    CountVectorizer(binary=True, lowercase=False),
    CountVectorizer(analyzer="char", ngram_range=(2, 3)),
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    TfidfVectorizer(token_pattern=r"\S+", norm="l1"),
)


@pytest.mark.parametrize("vectorizer", VECTORIZERS, ids=str)
def test_text(vectorizer: Any, tmp_path: Path) -> None:
    estimator = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, TOPICS)
    parity(estimator, tmp_path, np.array([*TEXTS, "", "never seen", "cat cat  cat", "Ünïcode ß"]))


def test_text_beside_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame({"doc": TEXTS, "stars": np.arange(6.0)})
    columns = ColumnTransformer([("t", TfidfVectorizer(), "doc"), ("n", StandardScaler(), ["stars"])])
    estimator = make_pipeline(columns, LogisticRegression()).fit(table, TOPICS)
    parity(estimator, tmp_path, {name: column.to_numpy()[:, None] for name, column in table.items()})


def test_labels_are_encoded(tmp_path: Path) -> None:
    parity(LabelEncoder().fit(NAMES), tmp_path, NAMES)


# ------------------------------------------------------------------------------- opsets


OPSET_MODELS = {
    "linear": make_pipeline(StandardScaler(), LogisticRegression()),
    "svm": make_pipeline(MinMaxScaler(), SVC(probability=True)),
    "forest": RandomForestClassifier(5, random_state=0),
    "neighbours": KNeighborsClassifier(3),
    "components": make_pipeline(PCA(3), MLPClassifier((4,), max_iter=20)),
}


@pytest.mark.parametrize("opset", [11, 13, 15, 17, NEWEST, newest_opset()])
@pytest.mark.parametrize("estimator", OPSET_MODELS.values(), ids=OPSET_MODELS.keys())
def test_opsets(estimator: Any, opset: int, tmp_path: Path) -> None:
    """Neighbours and the SVM use Loop, Scan, TopK and Unsqueeze, which have changed most."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(*WINE)
    candidate = parity(estimator, tmp_path, WINE[0], opset=opset)
    imports = {entry.domain: entry.version for entry in onnx.load(candidate.path).opset_import}
    assert imports[""] == opset
    assert imports.get("ai.onnx.ml", 1) <= (3 if opset >= 16 else 2)


def test_newer_opsets_change_no_operator_that_is_written(tmp_path: Path) -> None:
    """Opsets beyond skl2onnx's are stamped on: every operator must have kept its inputs, outputs and
    attributes, and a new attribute (Cast's round_mode) must have a default."""
    for i, estimator in enumerate([*OPSET_MODELS.values(), TABLE_MODELS["linear"]]):
        data = (TABLE, WINE[1]) if i == len(OPSET_MODELS) else WINE
        candidate = convert(load(estimator.fit(*data), LoadOptions()), tmp_path / f"{i}.onnx", ConvertOptions(NEWEST))
        for kind in {node.op_type for node in onnx.load(candidate.path).graph.node if node.domain == ""}:
            old, new = (onnx.defs.get_schema(kind, opset, "") for opset in (NEWEST, newest_opset()))
            assert [part.name for part in old.inputs] == [part.name for part in new.inputs]
            assert [part.name for part in old.outputs] == [part.name for part in new.outputs]
            added = new.attributes.keys() - old.attributes.keys()
            assert not [name for name in added if new.attributes[name].required]
            assert not old.attributes.keys() - new.attributes.keys()


@pytest.mark.parametrize("opset", [8, newest_opset() + 1])
def test_opsets_out_of_reach_are_refused(opset: int, tmp_path: Path) -> None:
    with pytest.raises(ParityGateError) as caught:
        convert(load(Ridge().fit(*DIABETES), LoadOptions()), tmp_path / "model.onnx", ConvertOptions(opset))
    assert caught.value.code == "PG408"


def test_an_opset_that_lacks_an_operator_is_at_fault(tmp_path: Path) -> None:
    model = load(KNeighborsClassifier().fit(*WINE), LoadOptions())
    with pytest.raises(ParityGateError, match="TopK") as caught:
        convert(model, tmp_path / "model.onnx", ConvertOptions(9))
    assert caught.value.code == "PG408"


# ------------------------------------------------------------------------------- files


def dump_pickle(estimator: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(estimator))


WRITERS = {
    "model.pkl": dump_pickle,
    "model.joblib": joblib.dump,
    "zipped.joblib": lambda estimator, path: joblib.dump(estimator, path, compress=("gzip", 3)),
    "model.skops": skops.io.dump,
}


@pytest.mark.parametrize(("name", "write"), WRITERS.items())
@pytest.mark.parametrize("estimator", [make_pipeline(StandardScaler(), SVC()), RandomForestClassifier(3)], ids=str)
def test_files(name: str, write: Any, estimator: Any, tmp_path: Path) -> None:
    write(estimator.fit(*WINE), tmp_path / name)
    model = load(tmp_path / name, LoadOptions())
    feed = {"X": WINE[0].astype(np.float32)}
    assert differences(load(estimator, LoadOptions()).run(feed), model.run(feed)) == []
    facts = model.facts()
    assert facts.size == (tmp_path / name).stat().st_size
    assert type(estimator).__name__ in facts.operators
    assert facts.parameters


def refusal(source: Any, options: LoadOptions | None = None) -> ParityGateError:
    with pytest.raises(ParityGateError) as caught:
        load(source, options or LoadOptions())
    return caught.value


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (StandardScaler(), "not fitted"),
        (make_pipeline(StandardScaler(), LinearSVC()), "not fitted"),
        ({"model": 1, "scaler": 2}, "'model', 'scaler'"),
        (StandardScaler, "no estimator"),
        (DBSCAN().fit(WINE[0]), "nothing about new data"),
    ],
)
def test_what_is_no_fitted_model_is_refused(estimator: Any, words: str) -> None:
    error = refusal(estimator)
    assert (error.code, words in error.cause) == ("PG402", True)


def test_input_that_is_no_table_is_refused() -> None:
    error = refusal(make_pipeline(DictVectorizer(), Ridge()).fit([{"a": 1}, {"b": 2}], [0, 1]))
    assert (error.code, error.subject) == ("PG206", "DictVectorizer")


def test_no_file_and_damaged_files_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.pkl").code == "PG202"
    damaged = tmp_path / "model.pkl"
    damaged.write_bytes(pickle.dumps(StandardScaler().fit(WINE[0]))[:-40])
    assert refusal(damaged).code == "PG402"
    damaged.with_suffix(".skops").write_bytes(b"PK\x03\x04 no archive")
    assert refusal(damaged.with_suffix(".skops")).code == "PG402"


def test_another_version_of_scikit_learn_is_noted(tmp_path: Path) -> None:
    import sklearn

    path = tmp_path / "model.pkl"
    content = pickle.dumps(StandardScaler().fit(WINE[0]))
    path.write_bytes(content.replace(sklearn.__version__.encode(), b"1.2.0"))
    with pytest.warns(UserWarning, match="1.2.0"):
        model = load(path, LoadOptions())
    assert "1.2.0" in model.notes[0]
    assert model.facts().producer == f"scikit-learn 1.2.0, read by {sklearn.__version__}"


def test_an_attribute_that_is_gone_names_the_version(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"csklearn.preprocessing._data\nImputer\n)\x81.")
    error = refusal(path)
    assert (error.code, "Imputer" in error.cause, "scikit-learn" in error.remedy) == ("PG402", True, True)


def test_a_class_of_a_script_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"c__main__\nMyModel\n)\x81.")
    assert refusal(path).code == "PG501"
    error = refusal(path, LoadOptions(trust=True))
    assert (error.code, "script" in error.remedy) == ("PG402", True)


def test_a_missing_framework_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xgboost", None)
    monkeypatch.setitem(__import__("sys").modules, "xgboost.sklearn", None)
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cxgboost.sklearn\nXGBClassifier\n)\x81.")
    error = refusal(path)
    assert (error.code, "paritygate[boosters]" in error.remedy) == ("PG403", True)


def test_skops_files_with_unknown_types_need_trust(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(make_pipeline(Doubler(), Ridge()).fit(*DIABETES), path)
    error = refusal(path)
    assert (error.code, "Doubler" in error.cause) == ("PG501", True)
    assert load(path, LoadOptions(trust=True)).signature.outputs[0].name == "prediction"


# ------------------------------------------------------------------------------- refusals of the route


class Doubler(TransformerMixin, BaseEstimator):
    """An estimator that no converter knows."""

    def fit(self, X: Any, y: Any = None) -> Doubler:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        return 2 * X


class Tripler(Doubler):
    """Another one."""


def test_all_estimators_without_a_converter_are_named(tmp_path: Path) -> None:
    model = load(make_pipeline(Doubler(), StandardScaler(), Tripler(), Ridge()).fit(*DIABETES), LoadOptions())
    with pytest.raises(ParityGateError) as caught:
        convert(model, tmp_path / "model.onnx", ConvertOptions())
    assert (caught.value.code, caught.value.subject) == ("PG404", "Doubler, Tripler")
    assert not (tmp_path / "model.onnx").exists()


def test_a_python_function_is_refused_by_its_name(tmp_path: Path) -> None:
    def halve(x: Any) -> Any:
        return x / 2

    model = load(make_pipeline(FunctionTransformer(halve), Ridge()).fit(*DIABETES), LoadOptions())
    with pytest.raises(ParityGateError, match="halve") as caught:
        convert(model, tmp_path / "model.onnx", ConvertOptions())
    assert caught.value.code == "PG405"


# ------------------------------------------------------------------------------- signature and hints


def test_declared_inputs_are_taken_at_their_word() -> None:
    declared = (TensorSpec("pixels", "float64", ("N", 4)),)
    model = load(LinearSVC().fit(*load_iris(return_X_y=True)), LoadOptions(inputs=declared))
    assert model.signature.inputs == declared


def test_a_label_says_which_scores_it_is_chosen_by() -> None:
    assert load(LinearSVC().fit(*WINE), LoadOptions()).signature.labels == {"label": "scores"}
    assert load(KMeans(2, n_init=1).fit(WINE[0]), LoadOptions()).signature.labels == {"label": ""}
    assert load(Ridge().fit(*DIABETES), LoadOptions()).signature.labels == {}


def test_thresholds_reach_back_through_a_scaler() -> None:
    """Behind the scaler, a tree's thresholds are points of the scaled features; samples need the raw ones."""
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


def test_each_column_of_an_array_is_drawn_from_its_own_categories(tmp_path: Path) -> None:
    """A strict encoder takes no other column's categories; numbers beside it are drawn as ever."""
    words = np.c_[NAMES[WINE[1]], np.where(WINE[0][:, 0] > 13, "strong", "weak")]
    parity(OneHotEncoder().fit(words), tmp_path, words)
    mixed = np.c_[WINE[0][:, 0], WINE[1] + 3]
    columns = ColumnTransformer([("n", StandardScaler(), [0]), ("c", OrdinalEncoder(), [1])])
    model = load(columns.fit(mixed), LoadOptions())
    drawn = np.concatenate([item.feed["X"] for item in generate_samples(model.signature, model.hints()).items])
    assert {*drawn[:, 1]} == {3, 4, 5}
    assert len({*drawn[:, 0]}) > 100
    parity(model.native, tmp_path, mixed)
