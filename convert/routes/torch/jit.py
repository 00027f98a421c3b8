"""A TorchScript module to ONNX, by PyTorch's TorchScript exporter, with its control flow."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....validate.engines.torch.capture import reason
from ....validate.engines.torch.quiet import quiet
from ....validate.errors import ParityGateError
from ..onnx.opset import at_opset
from ..onnx.padded_pools import guard_padded_pools
from ..onnx.save import save_onnx
from .names import output_bindings

if TYPE_CHECKING:
    import onnx

    from ....validate.signature import Signature, TensorSpec
    from .flat import Flat

OLDEST, NEWEST = 9, 20
"""The opsets that this exporter can write."""


def convert_flat(flat: Flat, signature: Signature, destination: Path, opset: int) -> tuple[str, ...]:
    """Write a flat TorchScript module to ``destination``; returns notes for the user.

    Raises ParityGateError PG404 naming operators without a translation, PG405 with the exporter's reason, PG408 when
    the graph can't be converted to the opset.
    """
    frozen, raises = freeze(flat.module)
    with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
        proto = _export(frozen, flat.examples, signature, Path(folder) / "export.onnx", min(max(opset, OLDEST), NEWEST))
    declare(proto, signature)
    guard_padded_pools(proto.graph)
    save_onnx(at_opset(proto, opset), destination)
    if not raises:
        return ()
    return ("the ONNX model lacks the module's own checks (raise): it accepts inputs that the module rejects",)


def freeze(scripted: Any) -> tuple[Any, bool]:
    """An inlined copy without side effects, and whether the module could raise an exception."""
    import torch

    from .graph import prepare

    frozen = torch.jit._recursive.wrap_cpp_module(torch._C._freeze_module(scripted._c, preserveParameters=True))
    try:
        return frozen, prepare(frozen.forward.graph)
    except NotImplementedError as error:
        raise ParityGateError("PG404", "prim::SetAttr", str(error), "Keep this state in local variables.") from error


def _export(module: Any, examples: tuple[Any, ...], signature: Signature, path: Path, opset: int) -> onnx.ModelProto:
    import onnx
    import torch

    from .symbolics import corrected

    axes = {
        spec.name: {axis: dim for axis, dim in enumerate(spec.shape or ()) if isinstance(dim, str)}
        for spec in signature.inputs
    }
    with quiet(), corrected():
        try:
            torch.onnx.export(
                module, examples, str(path), dynamo=False, verbose=False, opset_version=opset, input_names=list(axes),
                output_names=list(output_bindings(signature)), dynamic_axes=axes,
            )  # fmt: skip
        except Exception as error:
            raise _explained(error) from error
    return onnx.load(str(path))


def _explained(error: Exception) -> ParityGateError:
    operators = re.findall(r"\b(?:aten|prim|torchvision)::\w+", str(error))
    if type(error).__name__ == "UnsupportedOperatorError" and operators:
        return ParityGateError(
            "PG404", ", ".join(dict.fromkeys(operators)),
            f"PyTorch's TorchScript exporter has no translation: {reason(error)}",
            "Rewrite this part with other operators.",
        )  # fmt: skip
    return ParityGateError("PG405", "TorchScript exporter", reason(error))


def declare(model: onnx.ModelProto, signature: Signature) -> None:
    """Declare the outputs as the source does; drop inferred shapes if the graph has conditions, which falsify them."""
    if any(node.op_type in {"If", "Loop"} for node in model.graph.node):
        forget_shapes(model.graph)
    for index, spec in enumerate(signature.inputs):
        if index >= len(model.graph.input) or model.graph.input[index].name != spec.name:
            model.graph.input.insert(index, _value_info(spec.name, spec))  # unused, but part of the interface
    names = output_bindings(signature)
    specs = {spec.name: spec for spec in signature.outputs}
    for value in model.graph.output:
        _declare(value, specs[names[value.name]])


def _declare(value: onnx.ValueInfoProto, spec: TensorSpec) -> None:
    """Declare the shape and, if the exporter left it open, the dtype."""
    value.CopyFrom(_value_info(value.name, spec, value.type.tensor_type.elem_type))


def _value_info(name: str, spec: TensorSpec, dtype: int = 0) -> onnx.ValueInfoProto:
    import numpy as np
    import onnx

    wanted = dtype or onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return onnx.helper.make_tensor_value_info(name, wanted, spec.shape)


def forget_shapes(graph: onnx.GraphProto) -> None:
    """Remove inferred shapes inside a graph's branches: the exporter takes those of one branch for both."""
    del graph.value_info[:]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                forget_shapes(attribute.g)
                for value in attribute.g.output:
                    if value.type.tensor_type.elem_type:
                        value.type.tensor_type.ClearField("shape")
                    else:
                        value.ClearField("type")
