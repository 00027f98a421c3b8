"""Which opset tf2onnx starts from, and the way from there to the one that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....validate.engines.onnxruntime import newest_opset
from ....validate.errors import ParityGateError
from ..base import ConvertOptions
from ..onnx.opset import raise_opset

if TYPE_CHECKING:
    import onnx

NEWEST = 18
"""The newest opset that tf2onnx 1.17 writes."""


def start_opset(options: ConvertOptions) -> int:
    """The opset to ask of tf2onnx."""
    return min(options.opset or newest_opset(), NEWEST)


def reach_opset(model: onnx.ModelProto, options: ConvertOptions) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """``model`` at the wanted opset, and notes for the user.

    An opset that the user names is reached or refused (PG408). Without one, the newest that ONNX Runtime supports
    is tried, and where ONNX's version converter or ONNX Runtime refuses, the model stays as tf2onnx made it.
    """
    try:
        moved = raise_opset(model, options.opset or newest_opset())
    except ParityGateError as error:
        if options.opset is not None:
            remedy = f"tf2onnx itself writes opsets up to {NEWEST}; --opset {NEWEST} needs no conversion of versions."
            raise ParityGateError("PG408", f"opset {options.opset}", error.cause, remedy) from error
        return model, (f"kept at opset {NEWEST}: {error.cause}",)
    return moved, ()
