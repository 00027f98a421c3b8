"""What is this model? From a path's suffix and first bytes, or a live object's class; imports no framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .engines.registry import FORMATS, Format
from .errors import ParityGateError

_BY_NAME = {row.name: row for row in FORMATS}
_BY_SUFFIX = {suffix: row.name for row in FORMATS for suffix in row.suffixes}

_BY_CLASS = {
    "torch.jit._script.ScriptModule": "torchscript",
    "torch.export.exported_program.ExportedProgram": "torch_export",
    "torch.nn.modules.module.Module": "torch_module",
    "keras.src.models.model.Model": "keras",
    "tensorflow.python.eager.polymorphic_function.concrete_function.ConcreteFunction": "saved_model",
    "tensorflow.python.eager.polymorphic_function.polymorphic_function.Function": "saved_model",
    "tensorflow.python.trackable.autotrackable.AutoTrackable": "saved_model",
    "sklearn.base.BaseEstimator": "sklearn",
    "xgboost.core.Booster": "xgboost",
    "lightgbm.basic.Booster": "lightgbm",
    "catboost.core.CatBoost": "sklearn",
}
"""Class path -> format, the most special first: a ScriptModule is also a Module."""


def format_named(name: str) -> Format:
    """The registry's row of that name. Raises PG201 for an unknown one."""
    if name not in _BY_NAME:
        raise ParityGateError("PG201", name, "unknown format", f"Formats: {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]


def detect(source: Path | str | Any) -> Format:
    """The format of a path, a ``module:factory`` string or a live object.

    Raises PG202 when a path doesn't exist, PG401 when nothing says what it is.
    """
    if isinstance(source, str) and is_factory(source):
        return _BY_NAME["torch_factory"]
    if isinstance(source, str | Path):
        return _detect_path(Path(source))
    return _detect_object(source)


def normalise(source: Any) -> Any:
    """A path that was given as text as a Path; a ``module:factory`` string or a live object as it is."""
    return Path(source) if isinstance(source, str) and not is_factory(source) else source


def is_factory(source: str) -> bool:
    """Whether a string names a callable (``package.module:name`` or ``file.py:name``) and not a path that exists."""
    module, colon, name = source.rpartition(":")
    return bool(colon and module) and name.isidentifier() and not Path(source).exists()


def _detect_path(path: Path) -> Format:
    if not path.exists():
        raise ParityGateError("PG202", str(path), "no such file or folder", "Check the path.")
    if path.is_dir():
        return _detect_folder(path)
    if path.name == "saved_model.pb":
        return _BY_NAME["saved_model"]
    if path.suffix.lower() in {".pt", ".pth", ".jit", ".ts", ".pt2", ".bin"}:
        return _detect_torch(path)
    name = _BY_SUFFIX.get(path.suffix.lower()) or _by_first_bytes(path)
    if name is None:
        suffixes = ", ".join(sorted(_BY_SUFFIX))
        raise ParityGateError(
            "PG401", str(path), "neither the suffix nor the first bytes say what it is", f"Known suffixes: {suffixes}."
        )
    return _BY_NAME[name]


def _detect_folder(path: Path) -> Format:
    if (path / "saved_model.pb").is_file():
        return _BY_NAME["saved_model"]
    if path.suffix in _BY_SUFFIX:
        return _BY_NAME[_BY_SUFFIX[path.suffix]]
    raise ParityGateError(
        "PG401", str(path), "the folder holds no saved_model.pb", "Name a SavedModel folder or a model file."
    )


def _detect_torch(path: Path) -> Format:
    from .engines.torch.sniff import sniff

    return _BY_NAME[sniff(path)]


def _by_first_bytes(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(8)
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "keras"
    if head[:2] in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}:
        return "sklearn"
    from .engines.sklearn.boosters import library_of

    return library_of(path)


def _detect_object(source: Any) -> Format:
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(source).__mro__}
    for class_path, name in _BY_CLASS.items():
        if class_path in names:
            return _BY_NAME[name]
    raise ParityGateError(
        "PG401",
        f"{type(source).__module__}.{type(source).__qualname__}",
        "no kind of model that paritygate knows",
        "Give a path, a Keras model, a concrete function, an nn.Module, an exported program or a fitted estimator.",
    )
