"""Interface of an exported graph: the source's names and dynamic axes, which no inner value shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....validate.engines.torch.axes import rename_symbols
from ....validate.errors import ParityGateError
from ....validate.signature import Signature, TensorSpec

if TYPE_CHECKING:
    import onnx_ir as ir


def output_bindings(signature: Signature) -> dict[str, str]:
    """Candidate output -> source output: the same name, unless an input has it, which ONNX forbids."""
    taken = {spec.name for spec in signature.inputs}
    return {f"{spec.name}_output" if spec.name in taken else spec.name: spec.name for spec in signature.outputs}


def refuse_complex(signature: Signature) -> None:
    """ONNX Runtime has no complex tensors, and the exporters replace them by real ones of a different shape.

    Raises ParityGateError PG404.
    """
    for spec in (*signature.inputs, *signature.outputs):
        if spec.dtype.startswith("complex"):
            raise ParityGateError(
                "PG404", f"'{spec.name}'", f"it is a tensor of {spec.dtype}, which ONNX Runtime does not support",
                "Take and return torch.view_as_real(...) of it.",
            )  # fmt: skip


def name_interface(model: ir.Model, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Rename the graph's inputs and outputs in place; an output that is also an input, a weight or another output
    becomes a copy of it.
    """
    graph = model.graph
    _copy_shared_outputs(graph)
    ends = {id(value) for value in (*graph.inputs, *graph.outputs)}
    wanted = {*inputs, *outputs}
    for value in list(_values(graph)):
        if id(value) not in ends and value.name in wanted:
            value.name = f"{value.name}_inner"
    for end in (*graph.inputs, *graph.outputs):
        end.name = f"{end.name}_end"  # two ends may swap names
    for value, name in zip((*graph.inputs, *graph.outputs), (*inputs, *outputs), strict=True):
        value.name = name


def _copy_shared_outputs(graph: ir.Graph) -> None:
    import onnx_ir as ir

    seen = {id(value) for value in (*graph.inputs, *graph.initializers.values())}
    for index, value in enumerate(graph.outputs):
        if id(value) in seen:
            node = ir.node("Identity", [value])
            node.outputs[0].name = f"{value.name}_copy{index}"
            node.outputs[0].shape, node.outputs[0].type = value.shape, value.type
            graph.append(node)
            graph.outputs[index] = node.outputs[0]
        seen.add(id(graph.outputs[index]))


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    yield from graph.initializers.values()
    for node in graph.all_nodes():
        yield from node.outputs


def name_axes(model: ir.Model, signature: Signature) -> None:
    """Give symbolic sizes their names in ``signature``, everywhere in the graph."""
    names = _symbol_names(model, signature)
    for value in _values(model.graph):
        if value.shape is not None and any(not isinstance(dim, int) for dim in value.shape):
            value.shape = _renamed(value.shape, names)


def _symbol_names(model: ir.Model, signature: Signature) -> dict[str, str]:
    found: dict[str, str] = {}
    for value, spec in zip(model.graph.inputs, signature.inputs, strict=True):
        for dim, name in zip(value.shape or (), spec.shape or (), strict=True):
            if not isinstance(dim, int) and isinstance(name, str) and re.fullmatch(r"\w+", str(dim.value)):
                found.setdefault(str(dim.value), name)
    return found


def _renamed(shape: Any, names: Mapping[str, str]) -> ir.Shape:
    import onnx_ir as ir

    return ir.Shape([dim if isinstance(dim, int) else _renamed_dim(dim.value, names) for dim in shape])


def _renamed_dim(text: str | None, names: Mapping[str, str]) -> int | str | None:
    """``2*s77`` -> ``2*batch``; a symbol that is spelled as a number becomes that number."""
    if text is None or text.isdigit():
        return text and int(text)
    return rename_symbols(text, names)


def lost_axes(model: ir.Model, specs: Sequence[TensorSpec]) -> list[str]:
    """Input axes that are dynamic in ``specs``, but that the exporter fixed."""
    return [
        f"axis {axis} of '{spec.name}' (always {dim})"
        for value, spec in zip(model.graph.inputs, specs, strict=True)
        for axis, (dim, name) in enumerate(zip(value.shape or (), spec.shape or (), strict=True))
        if isinstance(name, str) and (isinstance(dim, int) or str(dim.value).isdigit())
    ]
