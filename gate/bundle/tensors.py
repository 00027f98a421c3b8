"""Arrays as ONNX's own test data: ``test_data_set_N/input_0.pb``, ``output_0.pb``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...validate.errors import ParityGateError

if TYPE_CHECKING:
    from ...validate.signature import Array


def set_folder(number: int) -> str:
    """The folder of one sample."""
    return f"test_data_set_{number}"


def write_tensors(folder: Path, kind: str, names: Sequence[str], arrays: Mapping[str, Array]) -> None:
    """Write ``KIND_0.pb``, ... in the order of ``names``, each with its name in it."""
    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        array = arrays[name]
        tensor = onnx.numpy_helper.from_array(array.astype(object) if array.dtype.kind == "U" else array, name)
        (folder / f"{kind}_{number}.pb").write_bytes(tensor.SerializeToString(deterministic=True))


def read_tensors(folder: Path, kind: str, names: Sequence[str]) -> dict[str, Array]:
    """What :func:`write_tensors` wrote, by name. Raises ParityGateError PG440 for anything else."""
    return {name: _read(folder / f"{kind}_{number}.pb", name) for number, name in enumerate(names)}


def _read(path: Path, name: str) -> Array:
    import onnx
    from google.protobuf.message import DecodeError

    tensor = onnx.TensorProto()
    where = f"{path.parent.name}/{path.name}"
    try:
        tensor.ParseFromString(path.read_bytes())
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.name != name:
            raise ParityGateError("PG440", where, f"it doesn't hold the values of {name!r}")
        array: Array = onnx.numpy_helper.to_array(tensor)
    except (OSError, DecodeError, TypeError, ValueError, KeyError) as error:
        raise ParityGateError("PG440", where, f"it can't be read: {error}") from error
    return _text(array) if tensor.data_type == onnx.TensorProto.STRING else array


def _text(array: Array) -> Array:
    import numpy as np

    words = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in array.flat]
    return np.array(words, dtype=str).reshape(array.shape)
