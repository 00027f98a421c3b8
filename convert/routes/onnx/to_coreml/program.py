"""A whole ONNX model as a MIL program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from .....validate.errors import ParityGateError
from .....validate.signature import Signature
from ...coreml.ports import Port
from ...coreml.target import DeploymentTarget, coremltools
from . import families as operators  # noqa: F401  fills the registry
from .branches import Decisions, ImpossibleError, UndecidedError
from .frame import Frame
from .mil import Function, Program, Var, is_symbolic, mb, types
from .node import OpenLengthsError, TargetError
from .translate import MissingError, Scope, unsupported_operators
from .values import NarrowingError, Operand, variable


def program_of(
    model: onnx.ModelProto,
    ports: Sequence[Port],
    tensors: Sequence[Any],
    signature: Signature,
    outputs: Mapping[str, str],
    target: DeploymentTarget,
) -> tuple[Program, DeploymentTarget, tuple[str, ...]]:
    """``model`` as a program, the target that it needs, and notes for the user.

    ``ports`` and ``tensors`` are its inputs as features and as coremltools' types, in the order of ``signature``;
    ``outputs`` are the names of its outputs.
    Raises PG404 naming every operator without a translation, or the node that Core ML can't express.
    """
    decisions = Decisions()
    while True:
        try:
            program = _built(model, ports, tensors, signature, outputs, target, decisions)
        except TargetError as e:
            target = target.raised(e.ios, e.why)
        except UndecidedError as e:
            decisions.add(e)
        except ImpossibleError as e:
            raise e.refusal from e
        except OpenLengthsError as e:
            raise ParityGateError(e.code, e.subject, e.cause, _way_out(signature, ports)) from e
        except MissingError as e:
            missing = unsupported_operators(model) or [str(e)]
            raise ParityGateError("PG404", "; ".join(missing), "Core ML has no translation for it") from e
        else:
            return program, target, tuple(decisions.notes)


def _built(
    model: onnx.ModelProto,
    ports: Sequence[Port],
    tensors: Sequence[Any],
    signature: Signature,
    outputs: Mapping[str, str],
    target: DeploymentTarget,
    decisions: Decisions,
) -> Program:
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}
    scope = Scope(opsets, Frame(target, decisions, _shortest(ports, tensors)))
    positions = {port.feature: _placeholder(port, tensor) for port, tensor in zip(ports, tensors, strict=True)}
    with Function(positions, opset_version=getattr(coremltools().target, target.ios)) as function:
        for port, spec in zip(ports, signature.inputs, strict=True):
            dtype = np.dtype(spec.dtype)
            scope.values[port.source] = Operand(_entered(function.inputs[port.feature], spec.shape, dtype), dtype)
        results = scope.graph(model.graph)
        names = [outputs[spec.name] for spec in signature.outputs]
        function.set_outputs([_left(result, name, target.program) for result, name in zip(results, names, strict=True)])
    program = Program()
    program.add_function("main", function)
    return program


def _shortest(ports: Sequence[Port], tensors: Sequence[Any]) -> dict[Any, int]:
    """Symbol of an input's axis -> its least length."""
    return {
        symbol: min(shape[axis] for shape in port.shapes) if port.shapes else length[0]
        for port, tensor in zip(ports, tensors, strict=True)
        for axis, (symbol, length) in enumerate(zip(tensor.shape.symbolic_shape, port.shape, strict=True))
        if is_symbolic(symbol) and not isinstance(length, int)
    }


def _way_out(signature: Signature, ports: Sequence[Port]) -> str:
    """How to fix the lengths that are open, by the inputs that have any; "" if there are none."""
    open_ = [spec for spec, port in zip(signature.inputs, ports, strict=True) if not port.fixed]
    shown = " ".join(f"--input {spec.name}:{spec.dtype}:{_example(spec.shape or ())}" for spec in open_)
    listed = f" (or --shapes {open_[0].name}:LENGTHS)" if open_ else ""
    return f"If it depends on lengths only, give numbers in place of their names: {shown}{listed}." if open_ else ""


def _example(shape: Sequence[int | str]) -> str:
    return ",".join(map(str, shape))


def _placeholder(port: Port, tensor: Any) -> Any:
    dtype = types.int32 if port.dtype == "int32" else types.fp32
    return mb.placeholder(shape=tensor.shape.symbolic_shape, dtype=dtype)


def _entered(var: Var, shape: Any, dtype: np.dtype[Any]) -> Var:
    """An input as in the source: Core ML's features are neither truth values nor scalars."""
    if dtype.kind == "b":
        var = mb.cast(x=var, dtype="bool")
    return mb.squeeze(x=var) if shape == () else var


def _left(value: Operand, name: str, program: bool) -> Var:
    """An output as Core ML can return it, in its own variable; float16 is computed in fp32 and rounded here."""
    try:
        var = variable(value)
    except NarrowingError as e:
        raise ParityGateError("PG404", "an output of the model", str(e)) from e
    if var.dtype == types.bool:
        return mb.cast(x=var, dtype="int32", name=name)
    if value.dtype.name == "float16" and program:
        return mb.cast(x=mb.cast(x=var, dtype="fp16"), dtype="fp32", name=name)
    return mb.identity(x=var, name=name)
