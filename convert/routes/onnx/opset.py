"""Convert an ONNX model to another opset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError

if TYPE_CHECKING:
    import onnx


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the ai.onnx domain that the model imports."""
    return next((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), 1)


def raise_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The same model at another opset (up or down), by ONNX's own version converter.

    Raises ParityGateError PG408 with the converter's reason when it has no adapter for an operator.
    """
    from onnx import version_converter

    if opset_of(model) == opset:
        return model
    try:
        moved = version_converter.convert_version(model, opset)
    except Exception as error:  # the version converter raises bare RuntimeErrors and C++ exceptions
        raise ParityGateError(
            "PG408", f"opset {opset}", f"the model has opset {opset_of(model)} and can't be converted: {error}"
        ) from error
    moved.ir_version = min(moved.ir_version, smallest_ir(moved))
    return moved


def smallest_ir(model: onnx.ModelProto) -> int:
    """The oldest IR version that allows the model's opsets, for compatibility with most runtimes."""
    import onnx

    return int(onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True))
