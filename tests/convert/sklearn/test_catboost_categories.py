"""Columns of categories: CatBoost's files hold hashes, the converted ones texts. Expected: CatBoost's predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost
import numpy as np
import onnxruntime
import pandas as pd
import pytest

from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.sklearn.coreml.route import convert as to_coreml
from paritygate.convert.routes.sklearn.onnx.route import convert as to_onnx
from paritygate.validate.engines.base import LoadOptions, Model
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.sklearn import booster_files
from paritygate.validate.engines.sklearn.catboost_categories import category_columns
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError
from paritygate.validate.trees.readers.estimators import read_estimator

TOWNS = ["Antwerpen", "Bern", "Gent", "Ærøskøbing"]
IN_SINGLE = 1e-6
"""The ensemble's sums are rounded to single precision once (6e-8)."""


def table(seed: int, rows: int = 200, towns: tuple[str, ...] = ()) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.normal(size=rows).astype(np.float32),
            "town": random.choice([*TOWNS, *towns], rows),
            "floor": random.integers(0, 5, rows),
            "code": random.integers(0, 40, rows).astype(str),
            "pay": random.normal(size=rows).astype(np.float32),
        }
    )


ROWS = table(1, towns=("elsewhere", ""))
"""With towns that no model was fitted on."""

QUIET = {"iterations": 8, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
ONE_HOT = {"one_hot_max_size": 10, **QUIET}


def target(x: pd.DataFrame) -> Any:
    return (x["age"] > 0).astype(int) + x["town"].isin(["Gent", "Ærøskøbing"]) + (x["floor"] == 3)


def fitted(kind: Any, columns: list[str], y: Any = None, **parameters: Any) -> Any:
    x = table(0, 500)
    names = [name for name in ("town", "floor", "code") if name in columns]
    return kind(cat_features=names, **(ONE_HOT | parameters)).fit(x[columns], target(x) if y is None else y(x))


def example(model: Any, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """The rows as the samples' reader gives them."""
    arrays = {name: rows[name].to_numpy() for name in model.feature_names_}
    return {name: (a.astype(str) if a.dtype == object else a).reshape(-1, 1) for name, a in arrays.items()}


MODELS = {
    "text and numbers": lambda: fitted(catboost.CatBoostClassifier, ["age", "town", "pay"]),
    "two classes": lambda: fitted(catboost.CatBoostClassifier, ["town", "age"], lambda x: target(x) > 1),
    "text and whole numbers": lambda: fitted(catboost.CatBoostRegressor, ["floor", "age", "town"]),
    "categories alone": lambda: fitted(catboost.CatBoostRegressor, ["floor", "town"]),
    "trees of nodes": lambda: fitted(catboost.CatBoostRegressor, ["town", "age", "floor"], grow_policy="Lossguide"),
    "an unused column": lambda: fitted(catboost.CatBoostRegressor, ["age", "town"], lambda x: x["age"]),
    "plain scores": lambda: catboost.CatBoost(ONE_HOT).fit(table(0)[["age", "town"]], target(table(0)), [1]),
}


def loaded(estimator: Any) -> Model:
    return load(estimator, LoadOptions(example=example(estimator, table(3))))


def expected(estimator: Any) -> list[np.ndarray]:
    x = ROWS[estimator.feature_names_]
    wanted = [estimator.predict(x)]
    return (
        [*wanted, estimator.predict_proba(x)] if hasattr(estimator, "classes_") and len(estimator.classes_) else wanted
    )


@pytest.mark.parametrize("name", MODELS)
def test_onnx_takes_the_texts(name: str, tmp_path: Path) -> None:
    estimator = MODELS[name]()
    model, feed = loaded(estimator), example(estimator, ROWS)
    candidate = to_onnx(model, tmp_path / "out.onnx", RouteOptions())
    session = onnxruntime.InferenceSession(candidate.path, providers=["CPUExecutionProvider"])
    given = {key: array.astype(object) if array.dtype.kind == "U" else array for key, array in feed.items()}
    found, ran = session.run(None, given), list(model.run(feed).values())
    for got, own, want in zip(found, ran, expected(estimator), strict=True):
        np.testing.assert_array_equal(own, want)  # the reference is what the owner calls
        np.testing.assert_allclose(got.reshape(want.shape), want, IN_SINGLE, IN_SINGLE)


@pytest.mark.parametrize("name", ["text and numbers", "text and whole numbers", "categories alone", "two classes"])
def test_core_ml_takes_the_texts(name: str, tmp_path: Path) -> None:
    estimator = MODELS[name]()
    feed = {key: array[:40] for key, array in example(estimator, ROWS).items()}
    candidate = to_coreml(loaded(estimator), tmp_path / "out.mlmodel", RouteOptions())
    session = coreml.load(candidate.path, LoadOptions()).session
    rows = [session.predict({key: feed[source][i] for key, source in candidate.inputs.items()}) for i in range(40)]
    for (feature, _), want in zip(candidate.outputs.items(), expected(estimator), strict=True):
        order = candidate.classes.get(feature)
        got = np.array([row[feature] if order is None else [row[feature][key] for key in order] for row in rows])
        np.testing.assert_allclose(got.reshape(want[:40].shape), want[:40], IN_SINGLE, IN_SINGLE)


def test_the_trees_are_proved_too() -> None:
    estimator = loaded(MODELS["text and numbers"]()).native
    assert [(len(each.trees), each.direct) for each in read_estimator(estimator).ensembles] == [(9, False)]


def test_every_text_has_catboosts_hash() -> None:
    """Escapes, digits behind them, other scripts: each row is its own class, so each text must be told apart."""
    texts = ["", "a\n1", "\x01" + "7", "tab\tq", "q\"uo'te\\n", "e\u0301", "\u0130", "\U0001f600", "\x7f", "x: 1,", "}"]
    x = pd.DataFrame({"town": texts * 20})
    estimator = catboost.CatBoostRegressor(
        cat_features=["town"], **(ONE_HOT | {"one_hot_max_size": 99, "iterations": 40})
    )
    estimator.fit(x, np.arange(len(texts)).tolist() * 20)
    (column,) = category_columns(load(estimator, LoadOptions(example={"town": np.array(texts)})).native)
    assert len(column.hashes) > 5
    assert set(column.keys()) <= set(texts)


def test_short_texts_and_numbers_are_found_without_samples(tmp_path: Path) -> None:
    x = table(0, 500).assign(town=np.random.default_rng(5).choice(["x", "w w", "ZZZ"], 500))
    estimator = catboost.CatBoostRegressor(cat_features=["town", "floor"], **ONE_HOT)
    estimator.fit(x[["town", "floor"]], (x["town"] == "x") + 2 * (x["town"] == "ZZZ") + (x["floor"] == 3))
    estimator.save_model(str(tmp_path / "model.cbm"))
    model = booster_files.load(tmp_path / "model.cbm", LoadOptions())
    town, floor = category_columns(model.native)
    assert set(town.vocabulary()) <= {"x", "w w", "ZZZ"}
    assert town.vocabulary()
    assert set(floor.vocabulary()) <= set(range(5))
    assert [spec.dtype for spec in model.signature.inputs] == [
        "str",
        "int64",
    ]
    assert "'town'" in " ".join(model.notes)
    assert "provide --samples" in " ".join(model.notes)


def test_one_long_text_that_is_missing_in_the_samples_is_refused(tmp_path: Path) -> None:
    estimator = MODELS["text and numbers"]()
    rows = example(estimator, table(3))
    rows = {name: array[rows["town"][:, 0] != "Gent"] for name, array in rows.items()}
    with pytest.raises(ParityGateError, match=r"'town'.* 1 of the \d") as caught:
        to_onnx(load(estimator, LoadOptions(example=rows)), tmp_path / "out.onnx", RouteOptions())
    assert caught.value.code == "PG404"
    assert "every category" in caught.value.remedy


def test_statistics_of_the_target_are_refused_by_name(tmp_path: Path) -> None:
    estimator = fitted(
        catboost.CatBoostRegressor, ["age", "code"], lambda x: x["code"].astype(int) % 7, one_hot_max_size=2
    )
    model, feed = loaded(estimator), example(estimator, ROWS)
    np.testing.assert_array_equal(model.run(feed)["prediction"], estimator.predict(ROWS[["age", "code"]]))
    for convert, name in ((to_onnx, "out.onnx"), (to_coreml, "out.mlmodel")):
        with pytest.raises(ParityGateError, match=r"'code' by statistics of the target \(CTR\)") as caught:
            convert(model, tmp_path / name, RouteOptions())
        assert caught.value.code == "PG404"
        assert "one_hot_max_size" in caught.value.remedy


@pytest.mark.parametrize("kind", ["text", "embedding"])
def test_documents_are_refused_by_name(kind: str) -> None:
    random = np.random.default_rng(0)
    column = (
        random.choice(["good fun", "bad day", "so so"], 200) if kind == "text" else list(random.normal(size=(200, 3)))
    )
    x = pd.DataFrame({"age": random.normal(size=200), "review": column})
    given = {f"{kind}_features": ["review"]}
    estimator = catboost.CatBoostClassifier(**given, **QUIET).fit(x, x["age"] > 0)
    with pytest.raises(ParityGateError, match=rf"{kind} features \('review'\)") as caught:
        load(estimator, LoadOptions())
    assert caught.value.code == "PG404"
