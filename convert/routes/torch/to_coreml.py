"""PyTorch to Core ML through coremltools' frontend: an exported program first, then TorchScript."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....validate.errors import ParityGateError
from ..base import Candidate, RouteOptions
from ..coreml.build import convert_with, finish
from ..coreml.mixed import convert_precisely
from ..coreml.ports import Port, inner_names, output_types, ports_of, tensor_types
from ..coreml.target import target_of
from .attempts import Attempt, first_success

if TYPE_CHECKING:
    from ....validate.engines.torch.model import TorchModel


def convert(model: TorchModel, destination: Path, options: RouteOptions) -> Candidate:
    """Export, or trace or script, in the features' shapes, and convert with coremltools.

    If every attempt fails, raises the error of the first one; of the last one if no program could be captured,
    because only the tracer names the line that depends on data. That is ParityGateError PG404 naming an operator
    without a translation, PG405 with a reason, PG408 for a deployment target that is too old, PG201 for options that
    don't fit the model.
    """
    from .coreml_operators import known_operators

    signature, target = model.signature, target_of(destination, options)
    ports = ports_of(signature, options)
    _refuse_scalars(ports)
    _refuse_state(model)
    names = inputs, outputs = inner_names(ports, signature)

    def convert_program(source: Any, **more: Any) -> Any:
        results = output_types(signature, list(outputs.values()))
        with known_operators():
            types = tensor_types(ports, inputs, target)
            return convert_with("pytorch", source, types, target, outputs=results, **more)

    def convert_in_precision(source: Any) -> Any:
        return convert_precisely(partial(convert_program, source), signature, ports, names, options, target)

    decisive = 0 if model.captured.program is not None else -1
    done = first_success(
        (attempt.then(convert_in_precision) for attempt in attempts(model, ports)), lambda errors: errors[decisive]
    )
    made, notes = done.result
    return finish(
        made, signature, ports, inputs, destination,
        route=done.route, notes=(*done.notes, *notes), labels=options.class_labels,
    )  # fmt: skip


def attempts(model: TorchModel, ports: Sequence[Port]) -> list[Attempt[Any]]:
    """The models to pass to coremltools, in the order in which they are tried.

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
            raise ParityGateError("PG404", port.source, "coremltools' frontend doesn't accept inputs without axes")


def _refuse_state(model: TorchModel) -> None:
    from .coreml_program import changed_buffers

    changed = changed_buffers(model.captured.program) if model.captured.program is not None else []
    if changed:
        cause = "coremltools would make it a float16 state, and a trace would drop it"
        raise ParityGateError("PG404", f"buffer {', '.join(changed)}", cause)
