"""Exported programs and modules to ONNX: torch.export's exporter first, TorchScript's where that one gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ....validate.errors import ParityGateError
from ..base import Candidate, ConvertOptions
from .names import output_bindings, refuse_complex

if TYPE_CHECKING:
    from ....validate.engines.torch.model import TorchModel
    from .flat import Flat

Notes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to convert; ``run`` writes the file and gives notes."""

    route: str
    run: Callable[[], Notes]


def convert(model: TorchModel, destination: Path, options: ConvertOptions) -> Candidate:
    """Export with names and dynamic axes kept.

    When no way works, raises ParityGateError PG404, PG405 or PG408 of the first that was tried; of the last where
    no program could be captured, because only the tracer says at which line the module depends on data.
    """
    refuse_complex(model.signature)
    failures: list[tuple[str, ParityGateError]] = []
    for attempt in attempts(model, destination, options.opset):
        try:
            notes = attempt.run()
        except ParityGateError as error:
            failures.append((attempt.route, error))
            continue
        said = tuple(f"{route} gave up ({error.subject}: {error.cause})" for route, error in failures)
        return Candidate(
            path=destination,
            route=attempt.route,
            inputs={spec.name: spec.name for spec in model.signature.inputs},
            outputs=output_bindings(model.signature),
            notes=said + notes,
        )
    raise _verdict(model, [error for _, error in failures], options.opset)


def _verdict(model: TorchModel, errors: list[ParityGateError], opset: int | None) -> ParityGateError:
    from .dynamo import OLDEST

    if model.captured.program is None:
        return errors[-1]
    if opset is None or opset >= OLDEST:
        return errors[0]
    cause = f"below {OLDEST} a module must be traced, and {errors[0].subject}: {errors[0].cause}"
    return ParityGateError("PG408", f"opset {opset}", cause, f"Ask for opset {OLDEST} or newer.")


def attempts(model: TorchModel, destination: Path, opset: int | None) -> list[Attempt]:
    """The ways to try, in order.

    A module of which no program could be captured may have branches that depend on data: it is scripted, which
    keeps them, or traced if the tracer meets none.
    """
    from . import dynamo as torch_dynamo
    from . import flat as torch_flat
    from . import jit as torch_jit

    newest = opset or _newest(torch_dynamo.NEWEST)
    older = opset or torch_jit.NEWEST

    def by_dynamo() -> Notes:
        torch_dynamo.convert_program(model, destination, newest)
        return ()

    def by_jit(flatten: Callable[[TorchModel], Flat]) -> Callable[[], Notes]:
        return lambda: torch_jit.convert_flat(flatten(model), model.signature, destination, older)

    if model.captured.program is None:
        return [
            Attempt("torch.onnx (scripted)", by_jit(torch_flat.script)),
            Attempt("torch.onnx (traced)", by_jit(torch_flat.trace)),
        ]
    traced = Attempt("torch.onnx (traced)", by_jit(torch_flat.trace))
    if newest < torch_dynamo.OLDEST:
        return [traced]
    return [Attempt("torch.onnx", by_dynamo), traced]


def _newest(limit: int) -> int:
    from ....validate.engines.onnxruntime import newest_opset

    return min(newest_opset(), limit)
