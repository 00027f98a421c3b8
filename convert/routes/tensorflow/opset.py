"""The opset that tf2onnx writes, and the conversion from it to the requested one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....validate.engines.onnxruntime import newest_opset
from ....validate.errors import ParityGateError
from ..base import RouteOptions
from ..onnx.opset import raise_opset

if TYPE_CHECKING:
    import onnx

NEWEST = 18
"""The newest opset that tf2onnx 1.17 writes."""


def start_opset(options: RouteOptions) -> int:
    """The opset that tf2onnx is to write."""
    return min(options.opset or newest_opset(), NEWEST)


def reach_opset(model: onnx.ModelProto, options: RouteOptions) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """``model`` at the requested opset, and notes for the user.

    Raises ParityGateError PG408 if the user's opset can't be reached. Without one, the newest that ONNX Runtime
    supports is tried; if ONNX's version converter or ONNX Runtime rejects it, the model stays as tf2onnx wrote it.
    """
    try:
        moved = raise_opset(model, options.opset or newest_opset())
    except ParityGateError as error:
        if options.opset is not None:
            remedy = f"tf2onnx itself writes opsets up to {NEWEST}; --opset {NEWEST} needs no version conversion."
            raise ParityGateError("PG408", f"opset {options.opset}", error.cause, remedy) from error
        return model, (f"kept at opset {NEWEST}: {error.cause}",)
    return moved, ()
