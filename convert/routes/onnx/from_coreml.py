"""Core ML to ONNX: writes the graph that the Core ML engine lowers a model to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from ....validate.errors import ParityGateError
from ...targets import DEFAULT_OPSET
from ..base import Candidate, RouteOptions
from .opset import at_opset, opset_of
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
    notes = _move(destination, options.opset)
    check_file(destination)
    return Candidate(
        path=destination,
        route="Core ML lowering",
        inputs={feature.tensor or feature.name: feature.name for feature in lowered.inputs},
        outputs={spec.name: spec.name for spec in model.signature.outputs},
        notes=notes,
    )


def _move(path: Path, opset: int | None) -> tuple[str, ...]:
    """Bring a file to another opset, by default to the one of all ONNX files; external data stays where it is.

    Returns notes for the user: what the default can't express stays as it is. Raises PG408 for the user's own choice.
    """
    import onnx

    graph = onnx.load(str(path), load_external_data=False)
    written = opset_of(graph)
    try:
        moved = at_opset(graph, opset or DEFAULT_OPSET, path.parent)
    except ParityGateError as error:
        if opset is not None:
            raise
        return (f"written at opset {written}: {error.cause}",)
    path.write_bytes(moved.SerializeToString())
    return ()
