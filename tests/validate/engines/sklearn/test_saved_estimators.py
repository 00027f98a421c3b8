"""Everything that people fit loads without --trust: every estimator, in every setting, by pickle, joblib and skops."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import skops.io
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from fixtures.estimators import Recipe, fitted, recipes
from paritygate.validate.engines.sklearn.files import read

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
TABLE = pd.DataFrame(X, columns=list("abcd")).assign(
    word=pd.Categorical(np.where(Y, "u", "v")), number=pd.Categorical(np.arange(80) % 5)
)


def _joblib(value: Any, compress: int = 0) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file, compress=compress)
    return file.getvalue()


FORMS: dict[str, Callable[[Any], bytes]] = {
    **{f"pickle {n}": functools.partial(pickle.dumps, protocol=n) for n in (0, 5)},
    "joblib zipped": functools.partial(_joblib, compress=3),
    "skops": skops.io.dumps,
}


def check(value: Any, path: Path) -> None:
    """Every form that can be written is read, and gives what was written."""
    for form, dump in FORMS.items():
        try:
            content = dump(value)
        except skops.io.exceptions.UnsupportedTypeException:
            assert form == "skops"
            continue
        path.write_bytes(content)
        back = read(path, trust=False).value
        assert type(back) is type(value), form


@pytest.mark.parametrize(("kind", "recipe"), recipes(), ids=str)
def test_fitted_estimators_load(kind: str, recipe: Recipe, tmp_path: Path) -> None:
    check(fitted(kind, recipe).estimator, tmp_path / "model")


@pytest.mark.parametrize(("name", "kind"), all_estimators(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_estimator_loads(name: str, kind: Any, tmp_path: Path) -> None:
    """As scikit-learn's own tests make it; fitted where it takes numbers and two classes, as it is otherwise."""
    estimator = next(iter(_construct_instances(kind)))
    try:
        check(clone(estimator).fit(np.abs(X), Y), tmp_path / "model")
    except (ValueError, TypeError, AttributeError, IndexError, NotImplementedError):
        check(estimator, tmp_path / "model")


def _settings() -> Iterator[tuple[str, Any]]:
    columns = [("a", OneHotEncoder(), ["word", "number"]), ("b", StandardScaler(), ["a", "b"])]
    chosen = [("b", StandardScaler(), make_column_selector(dtype_include=float))]
    frame = ColumnTransformer([("a", OneHotEncoder(sparse_output=False), ["word"])], remainder="passthrough")
    kernel = kernels.ConstantKernel() * kernels.Matern() + kernels.WhiteKernel() + kernels.DotProduct()
    kernel += kernels.RationalQuadratic() * kernels.ExpSineSquared() + kernels.PairwiseKernel() ** 2
    search = {"C": scipy.stats.loguniform(0.01, 10), "max_iter": scipy.stats.randint(50, 200)}
    yield "columns by name", make_pipeline(ColumnTransformer(columns), LogisticRegression()).fit(TABLE, Y)
    yield "columns by type", make_pipeline(ColumnTransformer(chosen), LogisticRegression()).fit(TABLE, Y)
    yield "output as a frame", make_pipeline(frame.set_output(transform="pandas"), LogisticRegression()).fit(TABLE, Y)
    yield (
        "categories from the types",
        HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype").fit(TABLE, Y),
    )
    yield "a sum of kernels", GaussianProcessRegressor(kernel).fit(X, Y)
    yield "distributions", RandomizedSearchCV(LogisticRegression(), search, n_iter=2).fit(X, Y)
    yield "a scorer", GridSearchCV(LogisticRegression(), {"C": [1]}, scoring=make_scorer(f1_score)).fit(X, Y)
    yield "a splitter", GridSearchCV(LogisticRegression(), {"C": [1]}, cv=ShuffleSplit(3, random_state=0)).fit(X, Y)
    yield "a function with arguments", FunctionTransformer(functools.partial(np.clip, a_min=0, a_max=1)).fit(X)
    yield "a ufunc of SciPy", FunctionTransformer(scipy.special.expit, scipy.special.logit).fit(X)
    yield "a metric", KNeighborsClassifier(metric="mahalanobis", metric_params={"V": np.eye(4)}).fit(X, Y)
    yield "a random state", SGDClassifier(random_state=np.random.RandomState(3)).fit(X, Y)
    yield "a generator", LogisticRegression().set_params(random_state=None).fit(X, Y)
    yield "a type", OneHotEncoder(dtype=np.float32).fit(TABLE[["word"]])
    yield "metadata", LogisticRegression().fit(X, Y)
    for loss in ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber"):
        yield f"loss {loss}", SGDClassifier(loss).fit(X, Y)
    for metric in ("euclidean", "manhattan", "chebyshev", "minkowski", "canberra", "hamming", "jaccard", "haversine"):
        data = X[:, :2] if metric == "haversine" else X > 0 if metric == "jaccard" else X
        yield f"metric {metric}", KNeighborsClassifier(metric=metric, algorithm="ball_tree").fit(data, Y)


SETTINGS = dict(_settings())


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_load(name: str, tmp_path: Path) -> None:
    if name == "distributions":  # skops writes the functions that SciPy makes, too, and can't read them itself
        for form in list(FORMS)[:-1]:
            path = tmp_path / "model"
            path.write_bytes(FORMS[form](SETTINGS[name]))
            assert read(path, trust=False).value.best_params_
        return
    check(SETTINGS[name], tmp_path / "model")


def _boosters() -> Iterator[tuple[str, Callable[[], Any]]]:
    groups, grades = [20] * 4, np.arange(80) % 3

    def xgboost(name: str, **arguments: Any) -> Any:
        import xgboost

        return getattr(xgboost, name)(n_estimators=3, **arguments)

    def lightgbm(name: str, **arguments: Any) -> Any:
        import lightgbm

        return getattr(lightgbm, name)(n_estimators=3, verbose=-1, n_jobs=1, min_child_samples=2, **arguments)

    def catboost(name: str, **arguments: Any) -> Any:
        import catboost

        return getattr(catboost, name)(iterations=3, verbose=0, allow_writing_files=False, thread_count=1, **arguments)

    for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"):
        yield name, lambda name=name: xgboost(name).fit(X, Y)
    yield "XGBRanker", lambda: xgboost("XGBRanker").fit(X, grades, qid=np.repeat(range(4), 20))
    yield "XGB categories", lambda: xgboost("XGBClassifier", enable_categorical=True).fit(TABLE, Y)
    for booster in ("gblinear", "dart"):
        yield f"XGB {booster}", lambda booster=booster: xgboost("XGBClassifier", booster=booster).fit(X, Y)
    yield (
        "XGB early stopping",
        lambda: xgboost("XGBClassifier", early_stopping_rounds=2).fit(X, Y, eval_set=[(X, Y)], verbose=False),
    )
    yield "LGBMClassifier", lambda: lightgbm("LGBMClassifier").fit(X, Y)
    yield "LGBMRegressor", lambda: lightgbm("LGBMRegressor").fit(X, Y)
    yield "LGBMRanker", lambda: lightgbm("LGBMRanker").fit(X, grades, group=groups)
    yield "LGBM categories", lambda: lightgbm("LGBMClassifier").fit(TABLE, Y)
    yield "LGBM evaluated", lambda: lightgbm("LGBMClassifier").fit(X, Y, eval_set=[(X, Y)])
    for name in ("CatBoostClassifier", "CatBoostRegressor"):
        yield name, lambda name=name: catboost(name).fit(X, Y)
    yield "CatBoostRanker", lambda: catboost("CatBoostRanker").fit(X, grades, group_id=np.repeat(range(4), 20))
    yield (
        "CatBoost categories",
        lambda: catboost("CatBoostClassifier", cat_features=["word"]).fit(
            TABLE[["a", "word"]].astype({"word": str}), Y
        ),
    )
    yield "in a pipeline", lambda: make_pipeline(StandardScaler(), xgboost("XGBClassifier")).fit(X, Y)
    yield "in a search", lambda: GridSearchCV(lightgbm("LGBMClassifier"), {"max_depth": [2]}, cv=2).fit(X, Y)


@pytest.mark.parametrize(("name", "fit"), _boosters(), ids=lambda value: value if isinstance(value, str) else "")
def test_boosters_load(name: str, fit: Callable[[], Any], tmp_path: Path) -> None:
    value = fit()
    for form in list(FORMS)[:-1]:  # skops has no form for most of them
        path = tmp_path / "model"
        path.write_bytes(FORMS[form](value))
        back = read(path, trust=False).value
        assert np.array_equal(back.predict(_rows(name)), value.predict(_rows(name)))


def _rows(name: str) -> Any:
    if name == "CatBoost categories":
        return TABLE[["a", "word"]].astype({"word": str})
    return TABLE if "categories" in name else X
