"""The list of names against the installed libraries: each resolves, and no estimator is missing."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
import sklearn
from sklearn.base import BaseEstimator

from paritygate.validate.engines.sklearn.names import SKLEARN
from paritygate.validate.guard.reader import read_bytes

LEFT_OUT = {"_build_utils", "tests", "_testing", "conftest", "datasets", "externals", "_mocking", "experimental"}
REACHING = ("__", "load", "fetch", "save", "dump", "open", "exec", "eval", "import", "getattr", "itemgetter", "compile")


def estimators() -> Iterator[tuple[str, str]]:
    """Every class of scikit-learn's own modules that derives from BaseEstimator."""
    for module in pkgutil.walk_packages(sklearn.__path__, "sklearn."):
        if LEFT_OUT.isdisjoint(module.name.split(".")):
            for name, value in vars(importlib.import_module(module.name)).items():
                if inspect.isclass(value) and issubclass(value, BaseEstimator) and value.__module__ == module.name:
                    yield module.name, name


def test_no_estimator_is_missing() -> None:
    assert set(estimators()) - SKLEARN.classes == set()


@pytest.mark.parametrize("kind", ["classes", "calls", "values", "moved"])
def test_every_name_resolves_to_what_it_says(kind: str) -> None:
    for module, name in sorted(getattr(SKLEARN, kind)):
        read_bytes(f"c{module}\n{name}\n.".encode(), SKLEARN, "model.pkl")


def test_no_name_reaches_further() -> None:
    """Dunder names are Cython's rebuilders and numpy's constructors alone; nothing opens, loads or runs."""
    names = {f"{module}.{name}" for module, name in SKLEARN.classes | SKLEARN.calls | SKLEARN.values}
    reaching = {name for name in names if any(word in name.rpartition(".")[2] for word in REACHING)}
    assert reaching == {
        "builtins.getattr",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
        "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss",
    }
    assert {name for _, _, name in SKLEARN.methods} == {"_entropy"}
