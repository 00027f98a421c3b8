"""An exported program to ONNX, by PyTorch's exporter for torch.export (``dynamo=True``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....validate.engines.torch.capture import reason
from ....validate.engines.torch.quiet import quiet
from ....validate.errors import ParityGateError
from ..onnx.opset import at_opset
from ..onnx.padded_pools import guard_file
from ..onnx.save import INLINE_LIMIT, save_onnx
from .masks import mask_by_infinity
from .names import lost_axes, name_axes, name_interface, output_bindings

if TYPE_CHECKING:
    import onnx_ir as ir

    from ....validate.engines.torch.model import TorchModel

OLDEST, NEWEST = 18, 25
"""The opsets that this exporter (onnxscript's operator library and version converter) can write."""

_BEFORE_ATTENTION = 22
"""The newest opset in which attention is written in other operators."""

_OPERATOR = re.compile(r"OpOverload\(op='\w+\.(\w+)', overload='\w+'\)")


def convert_program(model: TorchModel, destination: Path, opset: int) -> None:
    """Write the model's captured program to ``destination``.

    Raises ParityGateError PG404 naming operators without a translation and where they are used, PG405 with the
    exporter's reason or with the axes that it fixed, PG408 when the graph can't be converted to the opset.
    """
    program = model.captured.program
    _refuse_constants(program)
    exported = _export(program, min(max(opset, OLDEST), NEWEST))
    if any(_broadcasts_its_mask(node) for node in exported.model.graph):
        exported = _export(program, _BEFORE_ATTENTION)
    mask_by_infinity(exported.model)
    lost = lost_axes(exported.model, model.signature.inputs)
    if lost:
        raise ParityGateError("PG405", "torch.onnx", f"the exporter fixed a dynamic axis: {', '.join(lost)}")
    name_axes(exported.model, model.signature)
    name_interface(
        exported.model, [spec.name for spec in model.signature.inputs], list(output_bindings(model.signature))
    )
    if exported.model.opset_imports[""] != opset:
        save_onnx(at_opset(exported.model_proto, opset), destination)
    else:
        save_graph(exported.model, destination)
    if {"Pad", "MaxPool"} <= {node.op_type for node in exported.model.graph}:
        guard_file(destination)


def _broadcasts_its_mask(node: Any) -> bool:
    """Whether a node is an Attention with one mask for all queries, which ONNX Runtime (1.31) refuses to run."""
    if node.op_type != "Attention" or len(node.inputs) < 4 or node.inputs[3] is None:
        return False
    shape = node.inputs[3].shape
    return shape is None or shape[-2] == 1


def _refuse_constants(program: Any) -> None:
    """The exporter fails on outputs that are Python numbers, and leaves out None."""
    for spec in program.graph_signature.output_specs:
        if getattr(spec.arg, "value", None) is not None:
            raise ParityGateError(
                "PG404", "torch.export program", f"one of its outputs is the constant {spec.arg.value!r}, not a tensor",
                "Export a module that returns only tensors.",
            )  # fmt: skip


def save_graph(model: ir.Model, destination: Path, inline_limit: int = INLINE_LIMIT) -> None:
    """Write a graph; weights of more than ``inline_limit`` bytes in all go to ``<destination>.data`` in the same
    folder, tensor by tensor, so that they are never copied as a whole.
    """
    import onnx_ir as ir

    size = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value is not None)
    ir.save(model, destination, external_data=f"{destination.name}.data" if size > inline_limit else None)


def _export(program: Any, opset: int) -> Any:
    import torch

    with quiet(), torch.no_grad():  # with gradients, decomposed attention gets strides that a later view() rejects
        try:
            return torch.onnx.export(
                program, dynamo=True, opset_version=opset, verbose=False, verify=False, optimize=True
            )
        except Exception as error:
            raise _explained(program, error) from error


def _explained(program: Any, error: Exception) -> ParityGateError:
    causes = list(_chain(error))
    missing = next((each for each in causes if type(each).__name__ == "DispatchError"), None)
    operator = _OPERATOR.search(str(missing)) if missing else None
    if operator is None:
        return ParityGateError("PG405", "torch.onnx", reason(causes[-1]))
    name = operator[1].lstrip("_")  # the decomposed form of aten::linalg_svd is aten::_linalg_svd
    places = ", ".join(dict.fromkeys(_places(program, name)))
    return ParityGateError(
        "PG404", f"aten::{name}",
        "torch.onnx has no translation for this operator" + (f", used in {places}" if places else ""),
        "Rewrite this part with other operators.",
    )  # fmt: skip


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _places(program: Any, operator: str) -> Iterator[str]:
    """The submodules in which an operator is called."""
    for node in program.graph.nodes:
        stack = node.meta.get("nn_module_stack")
        if node.op == "call_function" and f".{operator}." in str(node.target) and stack:
            path, kind = list(stack.values())[-1]
            yield f"{path or 'the top module'} ({str(kind).rpartition('.')[2]})"
