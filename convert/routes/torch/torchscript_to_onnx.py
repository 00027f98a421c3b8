"""TorchScript to ONNX, conditions and loops included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...targets import DEFAULT_OPSET
from ..base import Candidate, RouteOptions
from .names import output_bindings, refuse_complex

if TYPE_CHECKING:
    from ....validate.engines.torch.torchscript import ScriptModel


def convert(model: ScriptModel, destination: Path, options: RouteOptions) -> Candidate:
    """Export with the TorchScript exporter; other opsets than its own are reached from there.

    Raises ParityGateError PG404, PG405 or PG408.
    """
    from .flat import from_script
    from .jit import convert_flat

    refuse_complex(model.signature)
    flat = from_script(model.call, model.native, model.slots)
    notes = convert_flat(flat, model.signature, destination, options.opset or DEFAULT_OPSET)
    return Candidate(
        path=destination,
        route="torch.onnx (TorchScript)",
        inputs={spec.name: spec.name for spec in model.signature.inputs},
        outputs=output_bindings(model.signature),
        notes=notes,
    )
