"""numpy's own files: .npz with arrays by input name, .npy with one array. Pickled objects are never loaded."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import RawSamples, ReadContext, name_by_position, unreadable

if TYPE_CHECKING:
    from ...signature import Array

_NUMBERED = re.compile(r"(\d+)/(.+)", re.DOTALL)
_DAMAGED = (ValueError, EOFError, OSError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)
_PICKLE = (
    "Objects are pickled code and never loaded: save text as dtype '<U' and rows of unequal length as one array each."
)


def read_npz(path: Path, context: ReadContext) -> RawSamples:
    """Arrays by input name; names such as ``0/x`` number samples that are fed as they are.

    Raises ParityGateError PG203.
    """
    known = {spec.name for spec in context.inputs}
    numbered: dict[int, dict[str, Array]] = {}
    plain: dict[str, Array] = {}
    for key, array in _load_npz(path).items():
        number = None if key in known else _NUMBERED.fullmatch(key)
        if number:
            numbered.setdefault(int(number[1]), {})[number[2]] = array
        else:
            plain[key] = array
    if numbered and plain:
        raise unreadable(path, f"'{next(iter(plain))}' has no sample number but other arrays have ('0/name')")
    if numbered:
        return RawSamples({f"sample {number}": numbered[number] for number in sorted(numbered)}, whole=True)
    return RawSamples({path.name: plain})


def _load_npz(path: Path) -> dict[str, Array]:
    loaded = _numpy_load(path)
    if isinstance(loaded, np.ndarray):
        raise unreadable(path, "it is one array, not an .npz archive", "Rename it to .npy.")
    arrays = {}
    with loaded:
        for key in loaded.files:
            try:
                arrays[key] = np.asarray(loaded[key])
            except _DAMAGED as error:
                raise unreadable(path, f"its array '{key}' can't be read: {error}", _pickle_advice(error)) from error
    return arrays


def read_npy(path: Path, context: ReadContext) -> RawSamples:
    """One array for a model with one input. Raises ParityGateError PG203, PG204."""
    array = _numpy_load(path)
    if not isinstance(array, np.ndarray):
        array.close()
        raise unreadable(path, "it is an .npz archive", "Rename it to .npz.")
    return RawSamples({path.name: name_by_position(str(path), [array], context)})


def _numpy_load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except _DAMAGED as error:
        raise unreadable(path, f"numpy can't read it: {error}", _pickle_advice(error)) from error


def _pickle_advice(error: Exception) -> str:
    return _PICKLE if "allow_pickle" in str(error) else ""
