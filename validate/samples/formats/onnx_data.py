"""Folders with test data as in the ONNX model zoo and backend tests: ``test_data_set_0/input_0.pb``, ..."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .base import RawSamples, ReadContext, name_by_position, unreadable
from .links import own_file

if TYPE_CHECKING:
    from ...signature import Array

_SET = re.compile(r"test_data_set_(\d+)")
_INPUT = re.compile(r"input_(\d+)\.pb")


def is_onnx_data(folder: Path) -> bool:
    """Whether ``folder`` holds input_0.pb or a test_data_set_* folder."""
    return bool(_numbered(folder, _INPUT) or _numbered(folder, _SET))


def read_onnx_data(folder: Path, context: ReadContext) -> RawSamples:
    """One sample per data set. ``input_N.pb`` is the model's input number N, counted without initializers.

    The names of the tensors decide only if all have one and these are the model's input names.
    Raises ParityGateError PG203, PG204, PG502.
    """
    sets = _numbered(folder, _SET) or {0: folder}
    feeds = {f"data set {number}": _feed(sets[number], folder, context) for number in sorted(sets)}
    return RawSamples(feeds, whole=True)


def _feed(folder: Path, samples: Path, context: ReadContext) -> dict[str, Array]:
    files = _numbered(folder, _INPUT)
    if sorted(files) != list(range(len(files))) or not files:
        found = ", ".join(file.name for file in files.values()) or "none"
        raise unreadable(folder, f"its inputs are not numbered 0, 1, ... without a gap (found: {found})")
    tensors = [_tensor(own_file(files[number], samples)) for number in sorted(files)]
    named = dict(tensors)
    expected = {spec.name for spec in context.inputs} or named.keys() - {""}
    if len(named) == len(tensors) and named.keys() == expected:
        return named
    return name_by_position(str(folder), [array for _, array in tensors], context)


def _tensor(path: Path) -> tuple[str, Array]:
    """The tensor's own name, often empty, and its values."""
    import onnx
    from google.protobuf.message import DecodeError

    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise unreadable(path, f"it is not an ONNX tensor: {error}") from error
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise unreadable(path, "its values are stored in another file", "Store them in the tensor itself.")
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except (TypeError, ValueError, KeyError) as error:
        raise unreadable(path, f"it is not a plain tensor (a sequence or an optional?): {error}") from error
    return tensor.name, _text(array) if tensor.data_type == onnx.TensorProto.STRING else array


def _text(array: Array) -> Array:
    """Strings are objects: text, or bytes where they are not UTF-8."""
    words = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in array.flat]
    return np.array(words, dtype=str).reshape(array.shape)


def _numbered(folder: Path, pattern: re.Pattern[str]) -> dict[int, Path]:
    found = ((pattern.fullmatch(entry.name), entry) for entry in folder.iterdir())
    return {int(match[1]): entry for match, entry in sorted(found, key=lambda pair: pair[1].name) if match}
