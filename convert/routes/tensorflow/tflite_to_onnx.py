"""TensorFlow Lite to ONNX through tf2onnx."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from ....validate.errors import ParityGateError
from ..base import Candidate, RouteOptions
from ..onnx.padded_pools import guard_padded_pools
from ..onnx.save import save_onnx
from .names import name_ports
from .opset import reach_opset, start_opset
from .sparse import with_dense_weights
from .translate import reporting_problems, simplify

if TYPE_CHECKING:
    from ....validate.engines.base import Model
    from ....validate.engines.tensorflow.tflite import TfliteModel


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Translate the file's first subgraph; quantised tensors become QuantizeLinear and DequantizeLinear,
    sparse ones dense.

    Raises ParityGateError PG404 with the operators that have no translation, PG405 with tf2onnx's reason, PG408 for
    an opset that can't be reached.
    """
    from tf2onnx import tfonnx

    source = cast("TfliteModel", model)
    _refuse_state(source)
    inputs = {spec.name: source.tensors[spec.name] for spec in source.signature.inputs}
    outputs = {spec.name: source.tensors[spec.name] for spec in source.signature.outputs}

    def build(path: Path) -> Any:
        return tfonnx.process_tf_graph(
            None,
            opset=start_opset(options),
            input_names=list(inputs.values()),
            output_names=list(outputs.values()),
            tflite_path=str(path),
        )

    with reporting_problems(), warnings.catch_warnings(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore", UserWarning)  # the interpreter's move to another package is announced
        path = with_dense_weights(source.path, Path(folder))
        proto = simplify(lambda: build(path)).make_model("")
    guard_padded_pools(proto.graph)
    bound_inputs, bound_outputs = name_ports(proto.graph, source.signature, inputs, outputs)
    save_onnx(reach_opset(proto, options), destination)
    return Candidate(destination, "tf2onnx (TensorFlow Lite)", bound_inputs, bound_outputs)


_STATE = {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"}


def _refuse_state(source: TfliteModel) -> None:
    """Raises PG404 for a model that keeps values from one run to the next: an ONNX graph has no variables."""
    found = sorted(_STATE.intersection(source.facts().operators))
    if found:
        raise ParityGateError(
            "PG404", str(source.path), f"it keeps state in variables, which ONNX lacks: {', '.join(found)}",
            "Export the model with its state as inputs and outputs.",
        )  # fmt: skip
