"""Hostile pickles, joblib and skops files are refused before anything in them runs; damaged ones are said to be so."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from fixtures.hostile.payloads import touch
from fixtures.hostile.pickles import Writer, hostile_pickles
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn import pickles
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.engines.sklearn.files import read
from paritygate.validate.errors import ParityGateError

CATALOGUE = dict(hostile_pickles())
DAMAGE = {
    "codec_by_name.pkl", "subclass_of_str.pkl", "extension_code.pkl", "persistent.pkl", "second_pickle_of_many.pkl",
}  # fmt: skip
"""Files that no reader makes anything of: status 4 is enough."""


def refusal(path: Path, options: LoadOptions | None = None) -> ParityGateError:
    with pytest.raises(ParityGateError) as caught:
        load(path, options or LoadOptions())
    return caught.value


@pytest.mark.parametrize(("name", "write"), CATALOGUE.items(), ids=CATALOGUE.keys())
def test_hostile_files_are_refused(name: str, write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, mark = tmp_path / name, tmp_path / "mark"
    write(path, mark)
    before = sorted(tmp_path.iterdir())
    assert refusal(path).code == ("PG402" if name in DAMAGE else "PG501")
    assert sorted(tmp_path.iterdir()) == before


def test_the_catalogue_is_large_enough() -> None:
    assert len(CATALOGUE) > 100


def test_trust_runs_it(tmp_path: Path) -> None:
    """The same file with --trust: the mark shows that the tests above would notice."""
    mark, model = tmp_path / "mark", tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps(touch(mark)))
    assert refusal(model).code == "PG501"
    assert not mark.exists()
    assert "not an estimator" in refusal(model, LoadOptions(trust=True)).cause
    assert mark.exists()


def test_a_refusal_names_what_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    error = refusal(path)
    assert "os.system" in error.cause
    assert "--trust" in error.remedy
    assert error.subject == str(path)


FORMS: dict[str, Callable[[Any], bytes]] = {
    "pickle": pickle.dumps,
    "skops": skops.io.dumps,
    "joblib": lambda value: _joblib(value, 0),
    "zipped": lambda value: _joblib(value, 3),
}


def _joblib(value: Any, compress: int) -> bytes:
    file = io.BytesIO()
    joblib.dump(value, file, compress=compress)
    return file.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_file_is_said_to_be_damaged(form: str, tmp_path: Path) -> None:
    content = FORMS[form](RandomForestRegressor(2, random_state=0).fit(np.eye(4), range(4)))
    path = tmp_path / "model"
    for kept in (5, len(content) // 3, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:kept])
        assert refusal(path).code == "PG402", kept


@pytest.mark.parametrize("form", FORMS)
def test_a_flipped_byte_is_an_error_or_loads(form: str, tmp_path: Path) -> None:
    content = FORMS[form](RandomForestRegressor(2, random_state=0).fit(np.eye(4), range(4)))
    random, path, outcomes = np.random.default_rng(3), tmp_path / "model", set()
    for _ in range(150):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            outcomes.add(type(read(path, False).value).__name__)
        except ParityGateError as error:
            outcomes.add(error.code)
    assert {"PG402"} <= outcomes
    assert not {code for code in outcomes if code.startswith("PG")} - {"PG402", "PG501", "PG403"}


def test_a_name_of_another_release_is_no_attack(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    for module in ("sklearn.linear_model.base", "sklearn.ensemble._gb_losses", "sklearn.tree._classes"):
        path.write_bytes(f"c{module}\nGoneClass\n)\x81.".encode())
        error = refusal(path)
        assert (error.code, "installed version" in error.cause) == ("PG402", True)


COMPRESSORS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zlib": zlib.compress}


@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS.keys())
def test_unpacking_is_bounded(compress: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(pickles, "MOST_TIMES", 2)
    path = tmp_path / "model.pkl"
    path.write_bytes(compress(b"N" * (1 << 22)))
    error = refusal(path)
    assert (error.code, "unpack to more than 1,048,576" in error.cause) == ("PG402", True)


def _far_child(model: Any) -> None:
    state = model.estimators_[0].tree_.__getstate__()
    state["nodes"]["right_child"][0] = 2**31 - 8
    model.estimators_[0].tree_.__setstate__(state)


def _circle(model: Any) -> None:
    state = model.estimators_[0].tree_.__getstate__()
    state["nodes"]["left_child"][0] = 0
    model.estimators_[0].tree_.__setstate__(state)


def _far_feature(model: Any) -> None:
    state = model.estimators_[0].tree_.__getstate__()
    state["nodes"]["feature"][0] = 10**6
    model.estimators_[0].tree_.__setstate__(state)


def _narrow(model: Any) -> None:
    model.n_features_in_ = model.estimators_[0].n_features_in_ = 2


def _far_histogram(model: Any) -> None:
    model._predictors[0][0].nodes["left"][0] = 10**6


def _far_rows(model: Any) -> None:
    model._tree.get_arrays()[1][0] = 10**6


def _few_vectors(model: Any) -> None:
    model.support_vectors_ = model.support_vectors_[:2]


X, Y = np.random.default_rng(0).normal(size=(120, 4)), np.arange(120) % 3
BROKEN: list[tuple[Any, Callable[[Any], None]]] = [
    (RandomForestRegressor(2, random_state=0), _far_child),
    (RandomForestRegressor(2, random_state=0), _circle),
    (RandomForestRegressor(2, random_state=0), _far_feature),
    (RandomForestRegressor(2, random_state=0), _narrow),
    (HistGradientBoostingRegressor(max_iter=2), _far_histogram),
    (KNeighborsRegressor(algorithm="kd_tree"), _far_rows),
    (KNeighborsRegressor(algorithm="ball_tree"), _far_rows),
    (SVC(), _few_vectors),
]


@pytest.mark.parametrize(("estimator", "damage"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("form", ["pickle", "skops"])
def test_an_index_that_points_nowhere_is_found(estimator: Any, damage: Any, form: str, tmp_path: Path) -> None:
    """Compiled code follows these without looking, and the process would die."""
    model = estimator.fit(X, Y)
    path = tmp_path / "model"
    path.write_bytes(FORMS[form](model))
    read(path, trust=False)
    damage(model)
    path.write_bytes(FORMS[form](model))
    error = refusal(path)
    assert (error.code, "damaged" in error.cause) == ("PG402", True)


def test_an_array_for_another_machine_comes_back_in_this_ones_order(tmp_path: Path) -> None:
    scaler = StandardScaler().fit(X)
    scaler.mean_ = scaler.mean_.astype(">f8")
    path = tmp_path / "model.joblib"
    joblib.dump(scaler, path)
    mean = read(path, trust=False).value.mean_
    assert mean.dtype.isnative
    assert np.array_equal(mean, scaler.mean_)
