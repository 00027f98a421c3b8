"""Write an ONNX model, with external data if protobuf's 2 GB limit requires it, and check the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError

if TYPE_CHECKING:
    import onnx

INLINE_LIMIT = 1_900_000_000
"""Weights up to this size in bytes are stored in the file; protobuf rejects messages of 2**31 bytes."""


def save_onnx(model: onnx.ModelProto, destination: Path, inline_limit: int = INLINE_LIMIT) -> None:
    """:func:`write_onnx`. Raises PG405 when the file violates ONNX's own rules."""
    write_onnx(model, destination, inline_limit)
    check_file(destination)


def write_onnx(model: onnx.ModelProto, destination: Path, inline_limit: int = INLINE_LIMIT) -> None:
    """Write ``model`` to ``destination``; weights go to ``<destination>.data`` if they are too large.

    The external file is named after the final file, so that both can be moved together.
    """
    import onnx

    large = _weight_bytes(model) > inline_limit
    onnx.save_model(
        model,
        str(destination),
        save_as_external_data=large,
        location=f"{destination.name}.data" if large else None,
        convert_attribute=large,
    )


def check_file(path: Path) -> None:
    """Check a model file against ONNX's own rules. Raises PG405."""
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        raise ParityGateError("PG405", path.name, f"the converted model is not valid ONNX: {error}") from error


def is_valid(path: Path) -> bool:
    """Whether a model file keeps ONNX's own rules."""
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError:
        return False
    return True


def _weight_bytes(model: onnx.ModelProto) -> int:
    return sum(len(tensor.raw_data) or tensor.ByteSize() for tensor in model.graph.initializer)
