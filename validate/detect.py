"""What is this model? From a path's suffix and first bytes, or a live object's class; imports no framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .engines.registry import (
    FORMATS,
    KERAS_MODEL,
    SAVED_MODEL,
    SKLEARN_ESTIMATOR,
    TFLITE,
    TORCH_FACTORY,
    Format,
)
from .errors import ParityGateError
from .foreign.checkpoints import checkpoint
from .foreign.files import foreign_file, not_a_model
from .foreign.folders import foreign_folder

_BY_NAME = {format.name: format for format in FORMATS}
_BY_SUFFIX = {suffix: format for format in FORMATS for suffix in format.suffixes}

_BY_CLASS = {name: format for format in FORMATS for name in format.classes}
"""Class path -> format, in the order of :data:`FORMATS`."""


def format_named(name: str) -> Format:
    """The format of that name. Raises PG201 for an unknown one."""
    if name not in _BY_NAME:
        raise ParityGateError("PG201", name, "unknown format", f"Formats: {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]


def detect(source: Path | str | Any) -> Format:
    """The format of a path, a ``module:factory`` string or a live object.

    Raises PG202 when a path doesn't exist, PG401 when nothing says what it is.
    """
    if isinstance(source, str) and is_factory(source):
        return TORCH_FACTORY
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
        if found := checkpoint(path):
            raise found.error(path)
        raise ParityGateError("PG202", str(path), "no such file or folder", "Check the path.")
    if path.is_dir():
        return _detect_folder(path)
    if not path.is_file():  # reading a FIFO would never end
        raise ParityGateError("PG202", str(path), "it is neither a regular file nor a folder", "Check the path.")
    if found := not_a_model(path):
        raise found.error(path)
    if path.name == "saved_model.pb":
        return SAVED_MODEL
    if path.suffix.lower() in {".pt", ".pth", ".jit", ".ts", ".pt2", ".bin"}:
        return _detect_torch(path)
    if path.name.endswith((".safetensors", *_INDICES)):
        raise _torch_weights(path)
    format = _BY_SUFFIX.get(path.suffix.lower()) or _by_first_bytes(path)
    if format is None and (found := foreign_file(path)):
        raise found.error(path)
    if format is None:
        suffixes = ", ".join(sorted(_BY_SUFFIX))
        raise ParityGateError(
            "PG401", str(path), "neither the suffix nor the first bytes say what it is", f"Known suffixes: {suffixes}."
        )
    return format


def _detect_folder(path: Path) -> Format:
    if (path / "saved_model.pb").is_file():
        return SAVED_MODEL
    if path.suffix in _BY_SUFFIX:
        return _BY_SUFFIX[path.suffix]
    raise foreign_folder(path, frozenset(_BY_SUFFIX)).error(path)


def _detect_torch(path: Path) -> Format:
    from .engines.torch.sniff import sniff

    return _BY_NAME[sniff(path)]


_INDICES = (".safetensors.index.json", ".bin.index.json")


def _torch_weights(path: Path) -> ParityGateError:
    from .engines.torch.checkpoints import describe

    listed = describe.index_shapes(path) if path.name.endswith(_INDICES) else describe.safetensors_shapes(path)
    return describe.weights_only(path, listed)


def _by_first_bytes(path: Path) -> Format | None:
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"PK\x03\x04") or _is_torch_pickle(head):
        return _detect_torch(path)
    if head[4:8] == b"TFL3":
        return TFLITE
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return KERAS_MODEL
    if head[:2] in {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}:
        return SKLEARN_ESTIMATOR
    from .engines.sklearn.booster_files import library_of

    library = library_of(path)
    return None if library is None else _BY_NAME[library]


def _is_torch_pickle(head: bytes) -> bool:
    from .engines.torch.files.container import is_legacy

    return is_legacy(head)


def _detect_object(source: Any) -> Format:
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(source).__mro__}
    for class_path, format in _BY_CLASS.items():
        if class_path in names:
            return format
    raise ParityGateError(
        "PG401",
        f"{type(source).__module__}.{type(source).__qualname__}",
        "not a kind of model that paritygate knows",
        f"Give a path, or an object of one of the classes {', '.join(map(_short, _BY_CLASS))}.",
    )


def _short(class_path: str) -> str:
    """The package and the class, without the modules between them, which are the framework's private ones."""
    package, *_, name = class_path.split(".")
    return f"{name} ({package})"
