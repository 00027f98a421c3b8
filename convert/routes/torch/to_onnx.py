"""Exported programs and modules to ONNX: torch.export's exporter first, then TorchScript's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError
from ...targets import DEFAULT_OPSET
from ..base import Candidate, RouteOptions
from .attempts import Attempt, first_success
from .names import output_bindings, refuse_complex

if TYPE_CHECKING:
    from ....validate.engines.torch.model import TorchModel
    from .flat import Flat

Notes = tuple[str, ...]


def convert(model: TorchModel, destination: Path, options: RouteOptions) -> Candidate:
    """Export with names and dynamic axes kept.

    If every attempt fails, raises ParityGateError PG404, PG405 or PG408 of the first one; of the last one if no
    program could be captured, because only the tracer names the line that depends on data.
    """
    refuse_complex(model.signature)

    done = first_success(attempts(model, destination, options.opset), lambda errors: _choose_error(model, errors))
    return Candidate(
        path=destination,
        route=done.route,
        inputs={spec.name: spec.name for spec in model.signature.inputs},
        outputs=output_bindings(model.signature),
        notes=done.notes + done.result,
    )


def _choose_error(model: TorchModel, errors: list[ParityGateError]) -> ParityGateError:
    if model.captured.program is None:
        return errors[-1]
    return next((error for error in errors if error.code == "PG408"), errors[0])


def attempts(model: TorchModel, destination: Path, opset: int | None) -> list[Attempt[Notes]]:
    """The ways to write ONNX, in the order in which they are tried; each writes the file and returns notes.

    A module of which no program could be captured may have branches that depend on data: it is scripted, which
    keeps them, or traced if the tracer finds none.
    """
    from . import dynamo, flat, jit

    chosen = opset or DEFAULT_OPSET

    def export() -> Notes:
        dynamo.convert_program(model, destination, chosen)
        return ()

    def export_flat(flatten: Callable[[TorchModel], Flat]) -> Callable[[], Notes]:
        return lambda: jit.convert_flat(flatten(model), model.signature, destination, chosen)

    traced = Attempt("torch.onnx (traced)", export_flat(flat.trace))
    if model.captured.program is None:
        return [Attempt("torch.onnx (scripted)", export_flat(flat.script)), traced]
    exported = Attempt("torch.onnx", export)
    return [traced, exported] if chosen < dynamo.OLDEST else [exported, traced]
