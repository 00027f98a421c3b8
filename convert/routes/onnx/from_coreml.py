"""Core ML to ONNX: writes the graph that the Core ML engine lowers a model to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from ....validate.errors import ParityGateError
from ..base import Candidate, RouteOptions
from .opset import opset_of, raise_opset
from .save import check_file

if TYPE_CHECKING:
    from ....validate.coreml.files.package import Package
    from ....validate.engines.base import Model


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Write the lowered graph. Raises PG404 for a model with states, which ONNX doesn't have, and PG408."""
    from ....validate.coreml.export import write_onnx
    from ....validate.coreml.lower import lower

    lowered = lower(cast("Package", model.native))
    if lowered.states:
        names = ", ".join(state.name for state in lowered.states)
        raise ParityGateError("PG404", names, "the model keeps states between predictions, which ONNX doesn't support")
    write_onnx(lowered, destination)
    if options.opset is not None:
        _move(destination, options.opset)
    check_file(destination)
    return Candidate(
        path=destination,
        route="Core ML lowering",
        inputs={feature.tensor or feature.name: feature.name for feature in lowered.inputs},
        outputs={spec.name: spec.name for spec in model.signature.outputs},
    )


def _move(path: Path, opset: int) -> None:
    """Convert a file to another opset; external data stays where it is."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False)
    if opset_of(graph) != opset:
        path.write_bytes(raise_opset(graph, opset).SerializeToString())
