"""ONNX to ONNX: the same model, checked, at the requested opset."""

from __future__ import annotations

from pathlib import Path

from ....validate.engines.base import Model
from ..base import Candidate, RouteOptions
from .declarations import correct_declarations
from .opset import opset_of, raise_opset
from .save import save_onnx


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Convert to ``options.opset``, by default the model's own. Raises PG408."""
    import onnx

    graph = onnx.load(str(model.native), load_external_data=False)
    # External data isn't loaded while the opset changes: protobuf can't serialise more than 2 GB for the converter.
    corrected = correct_declarations(graph)
    moved = raise_opset(graph, options.opset or opset_of(graph))
    onnx.load_external_data_for_model(moved, str(model.native.parent))
    save_onnx(moved, destination)
    return Candidate(
        path=destination,
        route="onnx version converter" if moved is not graph else "copy",
        inputs={spec.name: spec.name for spec in model.signature.inputs},
        outputs={spec.name: spec.name for spec in model.signature.outputs},
        notes=corrected,
    )
