"""TensorFlow and Keras to ONNX through tf2onnx's graph translation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from ....validate.errors import ParityGateError
from ..base import Candidate, RouteOptions
from ..onnx.save import save_onnx
from .names import name_ports
from .opset import reach_opset, start_opset
from .translate import translate

if TYPE_CHECKING:
    from ....validate.engines.base import Model
    from ....validate.engines.tensorflow.freeze import GraphModel


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Freeze, translate, restore the names and shapes of inputs and outputs, convert to the requested opset, write.

    Raises ParityGateError PG404 with the operators and layers that have no translation, PG405 with tf2onnx's reason,
    PG408 for an opset that can't be reached, PG206 for an input of unknown rank (tf2onnx would treat it as a scalar).
    """
    from onnx import shape_inference

    remedy = "Export the model with a shape for this input; a frozen graph's inputs can be declared with their shapes."
    for spec in model.signature.inputs:
        if spec.shape is None:
            raise ParityGateError("PG206", spec.name, "its number of axes is unknown", remedy)
    frozen = cast("GraphModel", model).freeze()
    proto = translate(frozen, start_opset(options))
    if any(spec.shape is None for spec in model.signature.outputs):
        proto = shape_inference.infer_shapes(proto)  # ONNX knows the rank of a lookup of TensorFlow 1, which it needs
    inputs, outputs = name_ports(proto.graph, model.signature, frozen.inputs, frozen.outputs)
    save_onnx(reach_opset(proto, options), destination)
    return Candidate(destination, "tf2onnx", inputs, outputs)
