"""Every scikit-learn estimator's ONNX model against the estimator itself, on rows that it has not seen.

Trees and boosters have tests of their own (test_trees.py, test_boosters.py); here they occur only inside other
estimators.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from fixtures.estimator_data import NOT_ROW_BY_ROW
from fixtures.estimators import Recipe, build, fitted, recipe, recipes
from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.onnx.route import convert
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError

TREES = {
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ExtraTreeClassifier",
    "ExtraTreeRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "IsolationForest",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "RandomTreesEmbedding",
}

CASES = [(kind, entry) for kind, entry in recipes() if entry.name not in TREES]

ROUNDED = (2e-6, 2e-6)
"""Results are rounded to float32 once (6e-8); scikit-learn itself computes some in float32, at ten times that."""

LOOSER: dict[str, tuple[tuple[float, float], str]] = {
    "CCA": ((2e-5, 1e-5), "scikit-learn centres float32 samples in float32"),
    "Isomap": ((1e-5, 1e-5), "scikit-learn sums squared paths of float32 samples in float32"),
    "PLSCanonical": ((2e-5, 1e-5), "scikit-learn centres float32 samples in float32"),
    "PLSRegression": ((2e-5, 1e-5), "scikit-learn centres float32 samples in float32"),
}
"""Estimator -> (rtol, atol), and why."""

IN_DOUBLE = (1e-9, 1e-9)
"""Both models compute in double; cancellation in kernels and squared distances loses some of the 16 digits."""


def as_feed(rows: Any, dtype: str) -> dict[str, Any]:
    array = np.asarray(rows)
    if array.dtype.kind in "UO":
        return {"X": array.astype(str)}
    return {"X": array.astype(dtype) if array.ndim > 1 else array.astype(dtype).reshape(-1, 1)}


def check(estimator: Any, feed: dict[str, Any], path: Path, opset: int | None = None, dtype: str = "float32") -> None:
    """Same names, shapes and NaNs; equal labels; numbers within tolerance: for all rows at once, for 7, and for 1."""
    model = load(estimator, LoadOptions(dtype=dtype, example=feed))
    convert(model, path, RouteOptions(opset))
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    source = {spec.name: array for spec, array in zip(model.signature.inputs, feed.values(), strict=True)}
    (rtol, atol), _ = LOOSER.get(type(estimator).__name__, (ROUNDED, ""))
    if all(spec.dtype == "float64" for spec in model.signature.inputs):
        rtol, atol = IN_DOUBLE
    for rows in (slice(None), slice(7), slice(1)):
        part = {
            spec.name: source[spec.name][rows].astype(spec.dtype if spec.dtype != "str" else object)
            for spec in model.signature.inputs
        }
        expected, actual = model.run(part), dict(zip(names, session.run(None, part), strict=True))
        assert set(actual) == set(expected)
        for name, reference in expected.items():
            assert actual[name].shape == reference.shape, name
            if reference.dtype.kind == "f":
                np.testing.assert_allclose(actual[name], reference, rtol, atol, err_msg=name)
            else:
                np.testing.assert_array_equal(actual[name], reference, err_msg=name)


def named(kind: str, entry: Recipe) -> Any:
    return pytest.param(kind, entry, id=f"{kind}-{entry}"[:90])


@pytest.mark.parametrize(("kind", "entry"), [named(*case) for case in CASES])
def test_new_rows(kind: str, entry: Recipe, tmp_path: Path) -> None:
    estimator, new = fitted(kind, entry)
    check(estimator, as_feed(new, "float32"), tmp_path / "model.onnx")


WIDE = {
    "BisectingKMeans",
    "DictionaryLearning",
    "EllipticEnvelope",
    "GaussianNB",
    "KNNImputer",
    "KNeighborsRegressor",
    "KernelPCA",
    "KernelRidge",
    "LinearDiscriminantAnalysis",
    "LocalOutlierFactor",
    "NMF",
    "Nystroem",
    "PolynomialCountSketch",
    "PowerTransformer",
    "QuantileTransformer",
    "SplineTransformer",
    "StackingRegressor",
    "TargetEncoder",
    "TransformedTargetRegressor",
}
"""One or two of each kind of computation."""


@pytest.mark.parametrize(("kind", "entry"), [named(*case) for case in CASES if case[1].name in WIDE])
def test_new_rows_in_double(kind: str, entry: Recipe, tmp_path: Path) -> None:
    if "RandomForest" in str(entry):
        pytest.skip("ONNX Runtime's tree ensembles give float32")
    estimator, new = fitted(kind, entry)
    check(estimator, as_feed(new, "float64"), tmp_path / "model.onnx", dtype="float64")


AT_OLD_OPSET = {"KNeighborsClassifier", "LatentDirichletAllocation", "NMF", "SplineTransformer", "TargetEncoder"}
"""Reductions, Loop, TopK, Scan and look-ups, which newer opsets write differently."""


@pytest.mark.parametrize("opset", [15, 18])
@pytest.mark.parametrize(("kind", "entry"), [named(*case) for case in CASES if case[1].name in AT_OLD_OPSET])
def test_older_opsets(kind: str, entry: Recipe, opset: int, tmp_path: Path) -> None:
    estimator, new = fitted(kind, entry)
    check(estimator, as_feed(new, "float32"), tmp_path / "model.onnx", opset=opset)


def test_every_estimator_has_a_recipe() -> None:
    """A new release's estimators can't be forgotten: each is in the table, or listed with the reason why not."""
    from sklearn.utils import all_estimators

    answering = {name for name, kind in all_estimators() if hasattr(kind, "predict") or hasattr(kind, "transform")}
    answering -= {"HalvingGridSearchCV", "HalvingRandomSearchCV"}  # listed once somebody has enabled experiments
    assert {entry.name for _, entry in recipes()} == answering - set(NOT_ROW_BY_ROW)


def test_every_metric_agrees(tmp_path: Path) -> None:
    """All metrics that have a translation, through the distances to all training rows."""
    from paritygate.convert.routes.sklearn.onnx.distances import ROW_DISTANCES

    plain = {*ROW_DISTANCES, "euclidean", "cosine", "sqeuclidean"} - {"exact euclidean", "nan_euclidean", "minkowski"}
    named = [(metric, {}) for metric in sorted(plain)]
    spread = {"V": np.linspace(0.5, 2.0, 13)}
    for metric, parameters in [*named, ("minkowski", {"p": 3}), ("seuclidean", spread)]:
        entry = recipe("RadiusNeighborsTransformer", radius=1e9, metric=metric, metric_params=parameters or None)
        estimator, new = fitted("wine", entry)
        check(estimator, as_feed(new, "float32"), tmp_path / f"{metric}.onnx")


def test_elementwise_functions_are_as_accurate_as_numpys(tmp_path: Path) -> None:
    """Near zero too, where ``log(1 + x)`` and ``exp(x) - 1`` would lose all digits."""
    from paritygate.convert.routes.sklearn.onnx.functions import FUNCTIONS

    tiny = np.array([[1e-300, 1e-12, 1e-5], [0.3, 0.999, 1.0], [1.5, 2.5, 30.0]])
    for function in dict.fromkeys(FUNCTIONS):
        estimator = build(recipe("FunctionTransformer", func=function)).fit(tiny)
        check(estimator, {"X": tiny}, tmp_path / f"{function.__name__}.onnx", dtype="float64")


def test_normal_distribution_and_its_inverse(tmp_path: Path) -> None:
    """Including the tails: the quantile function against scipy's, the distribution function by a target's inverse."""
    rows = np.linspace(0.0, 1.0, 4001)[:, None] ** 3
    normal = recipe("QuantileTransformer", n_quantiles=4001, subsample=None, output_distribution="normal")
    check(build(normal).fit(rows), {"X": rows}, tmp_path / "normal.onnx", dtype="float64")
    target = recipe("TransformedTargetRegressor", regressor=recipe("LinearRegression"), transformer=normal)
    check(build(target).fit(rows, rows[:, 0]), {"X": rows[::9]}, tmp_path / "target.onnx", dtype="float64")


@pytest.mark.parametrize("add_indicator", [False, True])
def test_iterative_imputer(add_indicator: bool, tmp_path: Path) -> None:
    """It is experimental, so that all_estimators() doesn't list it; with one column that was always missing."""
    from sklearn.impute._iterative import IterativeImputer

    from fixtures.estimator_data import DATA, with_holes

    train, _, new = DATA["wine"]()
    train = with_holes(train[:, :6])
    train[:, 2] = np.nan
    imputer = IterativeImputer(max_iter=4, random_state=0, add_indicator=add_indicator).fit(train)
    check(imputer, as_feed(with_holes(new[:, :6]), "float32"), tmp_path / "model.onnx")


VARIANTS = [
    ("cancer", recipe("FixedThresholdClassifier", estimator=recipe("RidgeClassifier"), threshold=0.1)),
    ("cancer", recipe("FixedThresholdClassifier", estimator=recipe("GaussianNB"), pos_label=0, threshold=0.2)),
    ("cancer", recipe("TunedThresholdClassifierCV", estimator=recipe("LinearSVC"), cv=2, scoring="f1")),
    ("categories", recipe("OneHotEncoder", drop="if_binary", handle_unknown="ignore", dtype=np.int64)),
    ("diabetes", recipe("KNeighborsRegressor", metric="minkowski", p=3)),
    ("one_column", recipe("IsotonicRegression", increasing=False, out_of_bounds="clip")),
    ("pixels", recipe("MiniBatchNMF", n_components=3, beta_loss="kullback-leibler", random_state=0)),
    ("pixels", recipe("NMF", n_components=3, solver="mu", beta_loss=1.5, alpha_W=0.01, l1_ratio=0.5, random_state=0)),
    ("pixels", recipe("Nystroem", kernel="chi2", n_components=20, random_state=0)),
    ("pixels", recipe("PowerTransformer", standardize=False)),
    ("wine", recipe("LocalOutlierFactor", novelty=True, metric="cosine")),
    ("wine", recipe("RadiusNeighborsClassifier", radius=5.0, metric="cosine", outlier_label="class_0")),
    ("wine", recipe("SplineTransformer", degree=0, extrapolation="linear")),
    ("wine", recipe("SplineTransformer", degree=1, extrapolation="linear")),
]
"""Parameters that take another branch of a converter."""


@pytest.mark.parametrize(("kind", "entry"), VARIANTS, ids=[f"{kind}-{entry}"[:80] for kind, entry in VARIANTS])
def test_variants(kind: str, entry: Recipe, tmp_path: Path) -> None:
    estimator, new = fitted(kind, entry)
    check(estimator, as_feed(new, "float32"), tmp_path / "model.onnx")


def test_every_covariance_of_gaussian_processes(tmp_path: Path) -> None:
    """One sum and one product of all kernels that have a translation."""
    from sklearn.gaussian_process import GaussianProcessRegressor, kernels

    from fixtures.estimator_data import DATA

    train, target, new = DATA["diabetes"]()
    stationary = (
        kernels.RationalQuadratic() + kernels.ExpSineSquared() + kernels.Matern(nu=1.5) + kernels.Matern(nu=0.5)
    )
    kernel = stationary * kernels.RBF(2.0) + kernels.DotProduct() ** 2 + kernels.Matern() + kernels.WhiteKernel()
    model = GaussianProcessRegressor(kernel, alpha=1.0, normalize_y=True, optimizer=None).fit(train[:60], target[:60])
    check(model, as_feed(new, "float32"), tmp_path / "model.onnx")


def test_text_and_numbers_side_by_side(tmp_path: Path) -> None:
    """A frame with text, category and number columns through a pipeline of several converters."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.datasets import load_wine
    from sklearn.ensemble import StackingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, TargetEncoder
    from sklearn.svm import LinearSVC

    data, target = load_wine(return_X_y=True, as_frame=True)
    words = np.array(["dry", "sweet", "bitter", "sour"])
    frame = pd.DataFrame(
        {
            "note": [" ".join(words[[i % 4, i // 3 % 4]]) for i in range(len(data))],
            "grape": words[np.digitize(data["ash"], [2.2, 2.4, 2.6])],
            "alcohol": data["alcohol"].astype(np.float32),
            "proline": data["proline"].astype(np.float32),
        }
    )
    columns = ColumnTransformer(
        [
            ("text", TfidfVectorizer(ngram_range=(1, 2)), "note"),
            ("category", TargetEncoder(cv=2), ["grape"]),
            ("number", KBinsDiscretizer(4, encode="onehot-dense"), ["alcohol", "proline"]),
        ]
    )
    final = StackingClassifier([("svm", LinearSVC()), ("centroid", NearestCentroid())], cv=2)
    model = make_pipeline(columns, final).fit(frame, np.array(["a", "b", "c"])[target])
    feed = {name: frame[[name]].to_numpy() for name in frame}
    feed = {name: column.astype(str) if column.dtype == object else column for name, column in feed.items()}
    check(model, feed, tmp_path / "model.onnx")


BINS = recipe("KBinsDiscretizer", encode="ordinal", quantile_method="linear")

REFUSED = [
    ("wine", recipe("DummyClassifier", strategy="uniform"), "predicts at random"),
    ("diabetes", recipe("KernelRidge", kernel=np.dot), "the kernel"),
    ("diabetes", recipe("TransformedTargetRegressor", regressor=recipe("Ridge"), transformer=BINS), "KBinsDiscretizer"),
    ("wine", recipe("FunctionTransformer", func=np.cumsum), "cumsum"),
    ("pixels", recipe("NMF", n_components=2, shuffle=True), "at random"),
    ("text", recipe("CountVectorizer", strip_accents="ascii"), "strip_accents"),
    ("text", recipe("CountVectorizer", token_pattern=r"(?u)\b[a-z]+\b"), "token pattern"),
    ("wine", recipe("SparseCoder", dictionary=np.eye(13), transform_algorithm="lars"), "lars"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "entry", "reason"), REFUSED, ids=[str(entry)[:60] for _, entry, _ in REFUSED])
def test_what_has_no_translation_is_rejected_by_name(kind: str, entry: Recipe, reason: str, tmp_path: Path) -> None:
    estimator, new = fitted(kind, entry)
    with pytest.raises(ParityGateError, match=reason) as caught:
        check(estimator, as_feed(new, "float32"), tmp_path / "model.onnx")
    assert caught.value.code == "PG405"
    assert not (tmp_path / "model.onnx").exists()
