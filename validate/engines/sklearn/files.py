"""Read a fitted estimator from a pickle, joblib or skops file without running code from the file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import ParityGateError
from ...unsafe import NUMPY, PYTHON, AllowList, refuse, scan_pickle
from ..libraries import LIBRARIES

_SKOPS_MAGIC = b"PK\x03\x04"
_DECOMPRESS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x5d\x00": lzma.decompress,
    b"\x78": zlib.decompress,
}
"""First bytes of what joblib's ``compress`` option writes -> the function that decompresses it."""

_EXTRAS = {library.module: library.extra for library in LIBRARIES if library.extra}
"""What a file may refer to -> the extra that installs it."""

SKLEARN = (
    PYTHON
    | NUMPY
    | AllowList(
        frozenset(
            {
                "joblib.numpy_pickle.NumpyArrayWrapper",
                "sklearn.compose._column_transformer.make_column_selector",
                "scipy._lib.array_api_compat.numpy._aliases.asarray",
                "scipy.interpolate._interpolate.interp1d",
                "scipy.sparse._csr.csr_matrix",
                "scipy.sparse._csc.csc_matrix",
                "scipy.special._ufuncs.expit",
                "scipy.special._ufuncs.logit",
                "xgboost.core.Booster",
                "lightgbm.basic.Booster",
                "pandas.core.indexes.base._new_Index",
                "pandas._libs.internals._unpickle_block",
                "pandas.Categorical",
                "pandas.CategoricalDtype",
                "pandas.DataFrame",
                "pandas.Index",
                "pandas.RangeIndex",
                "pandas.Series",
                "pandas.StringDtype",
            }
        ),
        classes=(
            "sklearn",
            "xgboost.sklearn",
            "lightgbm.sklearn",
            "catboost.core",
            "scipy.interpolate._bsplines",
            "scipy.sparse._csr",
            "scipy.sparse._csc",
            "pandas._libs.arrays",
            "pandas.core.arrays",
            "pandas.core.dtypes.dtypes",
            "pandas.core.frame",
            "pandas.core.indexes",
            "pandas.core.internals.managers",
            "pandas.core.series",
        ),
        functions=(
            "sklearn.cluster._kmeans",
            "sklearn.feature_selection._mutual_info",
            "sklearn.feature_selection._univariate_selection",
            "sklearn.metrics._classification",
            "sklearn.metrics._dist_metrics",
            "sklearn.metrics._ranking",
            "sklearn.metrics._regression",
            "sklearn.metrics._scorer",
            "sklearn.metrics.pairwise",
            "sklearn.neighbors._ball_tree",
            "sklearn.neighbors._kd_tree",
            "sklearn.preprocessing._data",
        ),
        denied=frozenset({"tests", "_testing", "conftest", "datasets", "externals", "callback", "estimator_checks"}),
    )
)
"""What pickles of scikit-learn's and the boosters' estimators import. scipy.stats is excluded on purpose: its
distributions execute a template that is part of the pickle."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds: the object, the container, and the scikit-learn version that wrote it, if a different one."""

    value: Any
    container: str
    written_by: str = ""


def read(path: Path, trust: bool) -> Loaded:
    """The object in a pickle, joblib or skops file.

    Raises ParityGateError PG202 (no such file), PG402 (damaged, or not readable by this scikit-learn), PG403 (a
    booster's package is missing), PG501 (the file refers to code that a model doesn't need, and ``trust`` is False).
    """
    try:
        content = path.read_bytes()
    except OSError as e:
        raise ParityGateError("PG202", str(path), e.strerror or str(e), "Check the path.") from e
    if content.startswith(_SKOPS_MAGIC):
        return _guarded(path, "skops", lambda: _read_skops(path, content, trust))
    return _guarded(path, "pickle", lambda: _read_pickle(path, content, trust))


def _guarded(path: Path, container: str, load: Callable[[], Any]) -> Loaded:
    """Load, and turn whatever the framework raises into an error with a suggested fix."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = load()
        except ParityGateError:
            raise
        except ImportError as e:
            raise _missing(path, e) from e
        except Exception as e:  # a pickle runs code of the packages that define its classes
            raise _unreadable(path, e, _written_by(caught)) from e
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return Loaded(value, container, _written_by(caught))


def _read_pickle(path: Path, content: bytes, trust: bool) -> Any:
    stream = _decompressed(content)
    if not trust:
        names = scan_pickle(stream, SKLEARN)
        if names:
            raise refuse(str(path), names)
        stream.seek(0)
    return _unpickler(stream, None if trust else SKLEARN).load()


def _decompressed(content: bytes) -> BinaryIO:
    for magic, decompress in _DECOMPRESS.items():
        if content.startswith(magic):
            return io.BytesIO(decompress(content))
    return io.BytesIO(content)


def _unpickler(stream: BinaryIO, allowed: AllowList | None) -> Any:
    """joblib's unpickler, which reads plain pickles too; it checks every import again while it loads.

    The scan has checked the same names already. The second check guards against a stream that the two read differently.
    """
    from joblib.numpy_pickle import NumpyUnpickler

    class Guarded(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
        def find_class(self, module: str, name: str) -> Any:
            if allowed is None:
                return super().find_class(module, name)
            found = super().find_class(module, name) if allowed.permits(module, name) else None
            if found is None or not allowed.owns(module, name, found):
                raise refuse("pickle", (f"{module}.{name}",))
            return found

    return Guarded("", stream, ensure_native_byte_order=True)


def _read_skops(path: Path, content: bytes, trust: bool) -> Any:
    import skops.io

    types = skops.io.get_untrusted_types(data=content)
    names = tuple(name for name in types if not SKLEARN.permits(*name.rpartition(".")[::2]))
    if names and not trust:
        raise refuse(str(path), names)
    return skops.io.loads(content, trusted=types)


def _written_by(caught: list[warnings.WarningMessage]) -> str:
    versions = [getattr(warning.message, "original_sklearn_version", "") for warning in caught]
    return next((str(version) for version in versions if version), "")


def _missing(path: Path, error: ImportError) -> ParityGateError:
    package = (error.name or "").partition(".")[0]
    if package in _EXTRAS:
        return ParityGateError(
            "PG403", str(path), f"it needs {package}, which is not installed",
            f"Install it with pip install 'paritygate[{_EXTRAS[package]}]'.",
        )  # fmt: skip
    return ParityGateError(
        "PG402", str(path), f"it refers to code that can't be imported ({error})",
        "Install the package that defines it, or load the file where that code exists and save a plain estimator.",
    )  # fmt: skip


def _unreadable(path: Path, error: Exception, written_by: str) -> ParityGateError:
    import sklearn

    author = f"; it was written by scikit-learn {written_by}, this is {sklearn.__version__}" if written_by else ""
    if isinstance(error, AttributeError) and "__main__" in str(error):
        remedy = "The class was defined in a script: move it to a module that can be imported, and save again."
    else:
        version = written_by or "that wrote it"
        remedy = f"Load it with the scikit-learn {version}, then fit or save it again with {sklearn.__version__}."
    return ParityGateError("PG402", str(path), f"{type(error).__name__}: {error}{author}", remedy)
