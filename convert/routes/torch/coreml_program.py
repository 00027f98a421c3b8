"""A PyTorch model as an exported program that takes one tensor per feature, in the feature's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from ....validate.engines.torch.axes import input_shapes, is_fixed
from ....validate.engines.torch.call import Call, inference
from ....validate.engines.torch.capture import reason, unchecked_module
from ....validate.engines.torch.quiet import quiet
from ....validate.errors import ParityGateError
from ..coreml.ports import Port
from .flat import Tensors

if TYPE_CHECKING:
    from ....validate.engines.torch.model import TorchModel


def flat_program(model: TorchModel, ports: Sequence[Port]) -> Any:
    """Export the model for the ports' shapes, one tensor per port, in order, and decompose it to ATen's core.

    The program that was captured from the model still has its dynamic axes, which would fill the graph with computed
    sizes. Raises PG405 with torch.export's reason.
    """
    shaped = shaped_call(model.call, ports)
    module = Tensors(_module(model), shaped)
    axes = _dynamic(ports)
    with quiet(), inference(model.native):
        try:
            tensors = tuple(value for _, value in shaped.inputs)
            program = torch.export.export(module, tensors, dynamic_shapes={"tensors": axes}, strict=False)
            program = program.run_decompositions({})
        except Exception as error:  # torch.export raises whatever the module's code raises under tracing
            raise ParityGateError("PG405", "torch.export", reason(error)) from error
    _refuse_fixed(program, ports)
    return program


def shaped_call(call: Call, ports: Sequence[Port]) -> Call:
    """The call with each example cut or repeated to a shape that its port accepts."""
    shapes = {port.source: _example(port) for port in ports}
    return call.with_values(lambda name, value: _resized(value, shapes[name]))


def _example(port: Port) -> tuple[int, ...]:
    """A shape for torch.export, which treats an axis of length 0 or 1 as fixed."""
    if len(port.shapes) == 1:
        return port.shapes[0]
    if port.shapes:
        return port.shapes[-1]
    return tuple(length if isinstance(length, int) else max(length[0], min(2, length[1])) for length in port.shape)


def _resized(value: Any, shape: tuple[int, ...]) -> Any:
    for axis, length in enumerate(shape):
        if value.shape[axis] != length:
            value = value.index_select(axis, torch.arange(length) % value.shape[axis])
    return value


def _dynamic(ports: Sequence[Port]) -> tuple[Mapping[int, Any], ...]:
    return tuple(dict.fromkeys(_free_axes(port), torch.export.Dim.AUTO) for port in ports)


def _free_axes(port: Port) -> list[int]:
    if len(port.shapes) == 1:
        return []
    if port.shapes:
        return [axis for axis, lengths in enumerate(zip(*port.shapes, strict=True)) if len(set(lengths)) > 1]
    return [axis for axis, length in enumerate(port.shape) if not isinstance(length, int)]


def _module(model: TorchModel) -> Any:
    if isinstance(model.native, torch.nn.Module):
        return model.native
    return unchecked_module(model.captured.program)


def _refuse_fixed(program: Any, ports: Sequence[Port]) -> None:
    for port, shape in zip(ports, input_shapes(program), strict=True):
        fixed = [axis for axis in _free_axes(port) if is_fixed(shape[axis])]
        if fixed:
            cause = f"axis {fixed[0]} of '{port.source}' must vary in length, but torch.export fixes it"
            raise ParityGateError("PG405", "torch.export", cause)


def changed_buffers(program: Any) -> list[str]:
    """The buffers that a call changes, by the signature and, for a program not yet decomposed, by its operators."""
    signature = program.graph_signature
    buffers = signature.inputs_to_buffers
    in_place = [
        buffers[node.args[0].name]
        for node in program.graph.nodes
        if node.op == "call_function"
        and getattr(getattr(node.target, "_schema", None), "is_mutable", False)
        and getattr(node.args[0], "name", None) in buffers
    ]
    return list(dict.fromkeys([*signature.buffers_to_mutate.values(), *in_place]))
