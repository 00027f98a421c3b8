"""Read a fitted estimator from a pickle, joblib or skops file without running code from the file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ..libraries import LIBRARIES
from .pickles import read_pickle, read_trusted
from .skops_files import read_skops
from .structure import check_structure

_SKOPS_MAGIC = b"PK\x03\x04"
_EXTRAS = {library.module: library.extra for library in LIBRARIES if library.extra}
"""What a file may refer to -> the extra that installs it."""


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
        return _guarded(path, "skops", lambda: read_skops(path, content, trust))
    return _guarded(path, "pickle", lambda: (read_trusted if trust else read_pickle)(path, content))


def _guarded(path: Path, container: str, load: Callable[[], Any]) -> Loaded:
    """Load, and turn whatever the framework raises into an error with a suggested fix."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = load()
            check_structure(str(path), value)
        except ParityGateError:
            raise
        except ImportError as e:
            raise _missing(path, e) from e
        except Exception as e:  # a pickle runs code of the packages that define its classes
            raise _unreadable(path, e, _written_by(caught)) from e
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return Loaded(value, container, _written_by(caught))


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
