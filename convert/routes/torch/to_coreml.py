"""PyTorch to Core ML through coremltools' frontend: exported programs first, TorchScript where that gives up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....validate.errors import ParityGateError
from ..base import Candidate, ConvertOptions
from ..coreml.build import convert_with, finish
from ..coreml.mixed import convert_precisely
from ..coreml.ports import Port, inner_names, output_types, ports_of, tensor_types
from ..coreml.target import target_of

if TYPE_CHECKING:
    from ....validate.engines.torch.model import TorchModel


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing to give to coremltools; ``source`` makes it."""

    route: str
    source: Callable[[], Any]


def convert(model: TorchModel, destination: Path, options: ConvertOptions) -> Candidate:
    """Export, or trace or script, in the features' shapes, and hand over to coremltools.

    When no attempt works, raises what the first one raised, or the last where no program could be captured: only the
    tracer says at which line the module depends on data. That is ParityGateError PG404 naming an operator without a
    translation, PG405 with a reason, PG408 for a deployment target that is too old. Options that don't fit the model
    are PG201.
    """
    from .coreml_operators import known_operators

    signature, target = model.signature, target_of(destination, options)
    ports = ports_of(signature, options)
    _refuse_scalars(ports)
    _refuse_state(model)
    names = inputs, outputs = inner_names(ports, signature)
    failures: list[tuple[str, ParityGateError]] = []

    def convert_source(source: Any, **more: Any) -> Any:
        results = output_types(signature, list(outputs.values()))
        with known_operators():
            types = tensor_types(ports, inputs, target)
            return convert_with("pytorch", source, types, target, outputs=results, **more)

    for attempt in attempts(model, ports):
        try:
            into = partial(convert_source, attempt.source())
            made, notes = convert_precisely(into, signature, ports, names, options, target)
        except ParityGateError as error:
            failures.append((attempt.route, error))
            continue
        said = [f"{route} gave up ({error.subject}: {error.cause})" for route, error in failures]
        return finish(
            made, signature, ports, inputs, destination,
            route=attempt.route, notes=(*said, *notes), labels=options.class_labels,
        )  # fmt: skip
    raise failures[0 if model.captured.program is not None else -1][1]


def attempts(model: TorchModel, ports: Sequence[Port]) -> list[Attempt]:
    """What may be given to coremltools, in the order in which it is tried.

    A module of which no program could be captured may have branches that depend on data: scripting keeps them.
    """
    import torch

    from .coreml_program import flat_program, shaped_call
    from .flat import from_script, script, trace_call

    varies = not all(port.fixed for port in ports)
    if isinstance(model.native, torch.jit.ScriptModule):
        slots = getattr(model, "slots", ())
        return [Attempt("coremltools (TorchScript)", lambda: from_script(model.call, model.native, slots).module)]
    exported = Attempt("coremltools (torch.export)", lambda: flat_program(model, ports))
    traced = Attempt("coremltools (traced)", lambda: trace_call(model, shaped_call(model.call, ports), varies).module)
    if model.captured.program is not None:
        return [exported, traced]
    return [exported, Attempt("coremltools (scripted)", lambda: script(model).module), traced]


def _refuse_scalars(ports: Sequence[Port]) -> None:
    for port in ports:
        if not port.shape:
            raise ParityGateError("PG404", port.source, "coremltools' frontend takes no input without axes")


def _refuse_state(model: TorchModel) -> None:
    from .coreml_program import changed_buffers

    changed = changed_buffers(model.captured.program) if model.captured.program is not None else []
    if changed:
        cause = "coremltools would make it a state of float16, and a trace would forget it"
        raise ParityGateError("PG404", f"buffer {', '.join(changed)}", cause)
