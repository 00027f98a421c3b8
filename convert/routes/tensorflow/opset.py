"""The opset that tf2onnx writes, and the conversion from it to the requested one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...targets import DEFAULT_OPSET
from ..base import RouteOptions
from ..onnx.opset import at_opset

if TYPE_CHECKING:
    import onnx

NEWEST = 18
"""The newest opset that tf2onnx 1.17 writes."""


def start_opset(options: RouteOptions) -> int:
    """The opset that tf2onnx is to write."""
    return min(options.opset or DEFAULT_OPSET, NEWEST)


def reach_opset(model: onnx.ModelProto, options: RouteOptions) -> onnx.ModelProto:
    """``model`` at the requested opset; as tf2onnx wrote it if none was. Raises PG408 for one that can't be reached."""
    return model if options.opset is None else at_opset(model, options.opset)
