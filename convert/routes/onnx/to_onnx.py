"""ONNX to ONNX: the same model, checked, at the requested opset."""

from __future__ import annotations

from pathlib import Path

from ....validate.engines.base import Model
from ....validate.errors import ParityGateError
from ..base import Candidate, RouteOptions
from .declarations import correct_declarations
from .opset import at_opset, opset_of
from .save import check_file, is_valid, write_onnx


def convert(model: Model, destination: Path, options: RouteOptions) -> Candidate:
    """Convert to ``options.opset``, by default the model's own. Raises PG408, and PG405 for what isn't valid ONNX.

    A source that ONNX's checker rejects, too, is none of that: ONNX Runtime runs it, and a note says what it breaks.
    """
    import onnx

    graph = onnx.load(str(model.native), load_external_data=False)
    # External data isn't loaded while the opset changes: protobuf can't serialise more than 2 GB for inference.
    corrected = correct_declarations(graph)
    before = opset_of(graph)
    moved = at_opset(graph, options.opset or before, model.native.parent)
    onnx.load_external_data_for_model(moved, str(model.native.parent))
    write_onnx(moved, destination)
    return Candidate(
        path=destination,
        route=f"opset {before} to {options.opset}" if options.opset not in (None, before) else "copy",
        inputs={spec.name: spec.name for spec in model.signature.inputs},
        outputs={spec.name: spec.name for spec in model.signature.outputs},
        notes=(*corrected, *_broken_rules(model.native, destination)),
    )


def _broken_rules(source: Path, destination: Path) -> tuple[str, ...]:
    """A note on rules of ONNX's that the source breaks and the new file still does. Raises PG405 for any other."""
    try:
        check_file(destination)
    except ParityGateError as error:
        if is_valid(source):
            raise
        return (f"the source breaks a rule of ONNX's, and so does the new file: {error.cause}",)
    return ()
