"""Pickles that contain code: it is named without being run, and refused before anything is loaded."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.sklearn.estimator import load
from paritygate.validate.engines.sklearn.files import SKLEARN
from paritygate.validate.errors import ExitCode, ParityGateError
from paritygate.validate.unsafe import NUMPY, PYTHON, scan_pickle


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Call:
    """Calls ``function(*arguments)`` when it is unpickled."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def names(content: bytes) -> tuple[str, ...]:
    return scan_pickle(io.BytesIO(content), SKLEARN)


@pytest.fixture
def scaler() -> StandardScaler:
    return StandardScaler().fit([[1.0, 2.0], [3.0, 5.0]])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_estimators_are_allowed_in_every_protocol(scaler: StandardScaler, protocol: int) -> None:
    assert names(pickle.dumps(scaler, protocol)) == ()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("true",)),
        (eval, ("1",)),
        (getattr, (1, "real")),
        (joblib.load, ("x",)),
        (np.load, ("x",)),
        (np.frombuffer, (b"",)),
        (__import__, ("os",)),
    ],
)
def test_functions_are_named(function, arguments, protocol: int) -> None:
    (name,) = names(pickle.dumps(Call(function, *arguments), protocol))
    assert name.endswith(f".{function.__name__}")


HOSTILE = {
    "text protocol": b"cos\nsystem\n(S'true'\ntR.",
    "INST": b"(S'true'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'true'\no.",
    "names from the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x04true\x85R.",
    "nested in an argument": b"cnumpy\nndarray\n(cos\nsystem\n(S'true'\ntRtR.",
    "state of a harmless object": b"csklearn.base\nBaseEstimator\n)\x81}S'a'\ncos\nsystem\n(S'true'\ntRsb.",
    "through another module": b"\x80\x04\x8c\x0dsklearn.utils\x8c\x09os.system\x93\x8c\x04true\x85R.",
    "a test helper that runs scripts": b"csklearn.utils._testing\nassert_run_python_script_without_output\n(S'x'\ntR.",
    "a download": b"csklearn.datasets._base\n_fetch_remote\n(tR.",
    "numpy's runstring": b"cnumpy.testing._private.utils\nrunstring\n(S'x'\n}tR.",
    "a distribution with a template": b"cscipy.stats._continuous_distns\nnorm_gen\n)\x81.",
    "joblib's own older arrays": b"cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81.",
    "a socket imported by scikit-learn": b"csklearn.callback._transport\nClient\n(S'x'\ntR.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_tricks_are_named(content: bytes) -> None:
    assert names(content)


def test_a_computed_name_is_refused() -> None:
    content = b"\x80\x04\x8c\x07sklearncnumpy\nfloat64\n\x8c\x01x\x85R\x93."
    with pytest.raises(ParityGateError, match="computes") as caught:
        names(content)
    assert caught.value.exit_code is ExitCode.UNSAFE


def test_an_unknown_extension_code_is_refused() -> None:
    with pytest.raises(ParityGateError, match="PG402"):
        names(b"\x80\x02\x82\x01.")


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"not a pickle", pickle.dumps([1, 2])[:-3]])
def test_what_is_not_a_pickle_is_an_error(content: bytes) -> None:
    with pytest.raises(ParityGateError) as caught:
        names(content)
    assert caught.value.code == "PG402"


@pytest.mark.parametrize(
    "array", [np.arange(9.0).reshape(3, 3), np.array(3), np.zeros(0), np.asfortranarray(np.eye(2))]
)
def test_arrays_between_the_opcodes_are_skipped(array: np.ndarray) -> None:
    file = io.BytesIO()
    joblib.dump([array, Call(os.system, "true")], file)
    assert names(file.getvalue()) == ("posix.system",)


def test_pickles_inside_object_arrays_are_read() -> None:
    file = io.BytesIO()
    joblib.dump(np.array([Call(os.system, "true")], dtype=object), file)
    assert names(file.getvalue()) == ("posix.system",)


COMPRESSORS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zlib": zlib.compress}


@pytest.mark.parametrize("compress", COMPRESSORS.values(), ids=COMPRESSORS.keys())
def test_nothing_runs_before_the_refusal(tmp_path: Path, compress) -> None:
    mark, model = tmp_path / "mark", tmp_path / "model.pkl"
    model.write_bytes(compress(pickle.dumps([StandardScaler(), Touch(mark)])))
    with pytest.raises(ParityGateError, match=r"--trust") as caught:
        load(model, LoadOptions())
    assert caught.value.code == "PG501"
    assert not mark.exists()


def test_trust_runs_it(tmp_path: Path) -> None:
    mark, model = tmp_path / "mark", tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps(Touch(mark)))
    with pytest.raises(ParityGateError, match="not an estimator"):
        load(model, LoadOptions(trust=True))
    assert mark.exists()


def test_the_loader_checks_what_the_scan_did_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are checked again while they are imported, in case the scan was deceived."""
    mark, model = tmp_path / "mark", tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps(Touch(mark)))
    monkeypatch.setattr("paritygate.validate.engines.sklearn.files.scan_pickle", lambda stream, allowed: ())
    with pytest.raises(ParityGateError, match="PG501"):
        load(model, LoadOptions())
    assert not mark.exists()


def test_a_foreign_class_in_an_allowed_module_is_refused(tmp_path: Path) -> None:
    """``sklearn.base`` also holds names of other packages; only its own may be imported from it."""
    assert SKLEARN.owns("sklearn.linear_model._base", "LinearRegression", LinearRegression)
    assert not SKLEARN.owns("sklearn.linear_model._base", "Path", Path)


def test_the_base_lists_allow_nothing_dangerous() -> None:
    allowed = (PYTHON | NUMPY).names
    dangerous = {
        "getattr",
        "setattr",
        "eval",
        "exec",
        "compile",
        "open",
        "type",
        "__import__",
        "load",
        "save",
        "fromfile",
    }
    assert not {name.rpartition(".")[2] for name in allowed} & dangerous
