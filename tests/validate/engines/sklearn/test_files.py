"""Files of fitted estimators: what can be read, and what is refused with which advice."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from onnx_parity import differences
from sklearn.cluster import DBSCAN
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn_data import DIABETES, WINE, Doubler

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.errors import ParityGateError


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
        (StandardScaler, "not an estimator"),
        (DBSCAN().fit(WINE[0]), "no outputs for new data"),
    ],
)
def test_what_is_not_a_fitted_model_is_rejected(estimator: Any, words: str) -> None:
    error = refusal(estimator)
    assert (error.code, words in error.cause) == ("PG402", True)


def test_input_that_is_not_a_table_is_rejected() -> None:
    error = refusal(make_pipeline(DictVectorizer(), Ridge()).fit([{"a": 1}, {"b": 2}], [0, 1]))
    assert (error.code, error.subject) == ("PG206", "DictVectorizer")


def test_missing_and_damaged_files_are_rejected(tmp_path: Path) -> None:
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


def test_the_error_on_a_removed_class_names_the_version(tmp_path: Path) -> None:
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
