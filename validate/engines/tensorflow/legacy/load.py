"""Build a model that Keras 1 or 2 saved, in Keras 3."""

from __future__ import annotations

import json
import shlex
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ....errors import ParityGateError
from ..keras_files import named_after_content
from .activations import activations
from .configs import modern_model
from .operators import operator_layers
from .weights import Writer, modern_weights


def generation(version: str) -> int:
    """The first number of a version of Keras; 1 where there is none: Keras 1.0 didn't write it."""
    first = version.partition(".")[0]
    return int(first) if first.isdigit() else 1


def load_legacy(path: Path, version: str, *, trust: bool) -> Any:
    """The model of an .h5 or .keras file of Keras 1 or 2.

    Raises what Keras raises, and ParityGateError PG402 that names a layer that Keras 3 has no equal for.
    """
    made = activations() | operator_layers()
    with TemporaryDirectory() as folder:
        try:
            if zipfile.is_zipfile(path):
                return _from_archive(path, Path(folder) / "model.keras", made, trust)
            return _from_hdf5(path, Path(folder) / "weights.h5", generation(version), made, trust)
        except ParityGateError as error:
            cause = f"Keras {version or '1'} wrote it, and Keras 3 can't build it: {error.subject}: {error.cause}"
            raise ParityGateError(error.code, str(path), cause, _remedy(path)) from error


def _remedy(path: Path) -> str:
    command = f"import tf_keras; tf_keras.models.load_model({str(path)!r}).export('saved')"
    return (
        "Let Keras 2 write a SavedModel, which needs no Keras to convert: pip install tf_keras; "
        f"python -c {shlex.quote(command)}; then convert the folder saved."
    )


def _from_archive(path: Path, destination: Path, made: dict[str, Any], trust: bool) -> Any:
    import keras

    with zipfile.ZipFile(path) as old, zipfile.ZipFile(destination, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename == "config.json":
                content = json.dumps(modern_model(json.loads(content))).encode()
            new.writestr(member, content)
    return keras.saving.load_model(destination, made, compile=False, safe_mode=not trust)


def _from_hdf5(path: Path, destination: Path, first: int, made: dict[str, Any], trust: bool) -> Any:
    import h5py
    import keras

    with h5py.File(path, "r") as file:
        saved, backend = json.loads(file.attrs["model_config"]), file.attrs.get("backend", "")
    writer = Writer(first, backend.decode() if isinstance(backend, bytes) else str(backend))
    model = keras.saving.deserialize_keras_object(modern_model(saved), made, safe_mode=not trust)
    with named_after_content(modern_weights(path, destination, saved, writer)) as named:
        keras.saving.load_weights(model, named)
    return model
