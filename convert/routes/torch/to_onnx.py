"""Exported programs and modules to ONNX: torch.export's exporter first, then TorchScript's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError
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

    def choose(errors: list[ParityGateError]) -> ParityGateError:
        return _choose_error(model, errors, options.opset)

    done = first_success(attempts(model, destination, options.opset), choose)
    return Candidate(
        path=destination,
        route=done.route,
        inputs={spec.name: spec.name for spec in model.signature.inputs},
        outputs=output_bindings(model.signature),
        notes=done.notes + done.result,
    )


def _choose_error(model: TorchModel, errors: list[ParityGateError], opset: int | None) -> ParityGateError:
    from .dynamo import OLDEST

    if model.captured.program is None:
        return errors[-1]
    if opset is None or opset >= OLDEST:
        return errors[0]
    cause = f"below {OLDEST} a module must be traced, and {errors[0].subject}: {errors[0].cause}"
    return ParityGateError("PG408", f"opset {opset}", cause, f"Use opset {OLDEST} or newer.")


def attempts(model: TorchModel, destination: Path, opset: int | None) -> list[Attempt[Notes]]:
    """The ways to write ONNX, in the order in which they are tried; each writes the file and returns notes.

    A module of which no program could be captured may have branches that depend on data: it is scripted, which
    keeps them, or traced if the tracer finds none.
    """
    from . import dynamo, flat, jit

    newest = opset or _newest(dynamo.NEWEST)
    older = opset or jit.NEWEST

    def export() -> Notes:
        dynamo.convert_program(model, destination, newest)
        return ()

    def export_flat(flatten: Callable[[TorchModel], Flat]) -> Callable[[], Notes]:
        return lambda: jit.convert_flat(flatten(model), model.signature, destination, older)

    traced = Attempt("torch.onnx (traced)", export_flat(flat.trace))
    if model.captured.program is None:
        return [Attempt("torch.onnx (scripted)", export_flat(flat.script)), traced]
    if newest < dynamo.OLDEST:
        return [traced]
    return [Attempt("torch.onnx", export), traced]


def _newest(limit: int) -> int:
    from ....validate.engines.onnxruntime import newest_opset

    return min(newest_opset(), limit)
