"""Dynamic axes: which ones are requested, and what a program's symbolic sizes are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ParityGateError
from ...signature import Dim, TensorSpec
from .tensors import dtype_name, shape_of

if TYPE_CHECKING:
    from .call import Call

BATCH = "batch"
"""The name of the leading axis unless the user gave it another."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis to make dynamic. ``requested`` means by the user: then it is an error if it can't be dynamic."""

    symbol: str
    requested: bool


Axes = Mapping[tuple[str, int], Axis]
"""(input, axis) -> how to make it dynamic."""


def requested_axes(
    subject: str, call: Call, declared: Iterable[TensorSpec], dynamic: Iterable[tuple[str, int]]
) -> Axes:
    """Named axes of declarations and ``--dynamic`` pairs; without a named axis, the leading axis of undeclared inputs.

    A number in a declaration is that number, in the first axis as in any other.

    Raises ParityGateError PG201 for a ``dynamic`` pair that the model doesn't have, and for a declaration that
    contradicts the sample.
    """
    declared = tuple(declared)
    ranks = {name: value.dim() for name, value in call.inputs}
    for spec in declared:
        if spec.name in ranks and len(spec.shape or ()) != ranks[spec.name]:
            raise ParityGateError("PG201", f"--input {spec}", f"the sample for {subject} has {ranks[spec.name]} axes")
    named = {
        (spec.name, axis): Axis(symbol if symbol.isidentifier() else _symbol(spec.name, axis), requested=True)
        for spec in declared
        if spec.name in ranks
        for axis, symbol in enumerate(spec.shape or ())
        if isinstance(symbol, str)
    }
    fixed = {spec.name for spec in declared}
    free = () if named else [name for name, rank in ranks.items() if rank and name not in fixed]
    axes = {(name, 0): Axis(BATCH, requested=False) for name in free}
    for name, axis in dynamic:
        if not 0 <= axis < ranks.get(name, 0):
            has = ", ".join(f"{name} ({rank} axes)" for name, rank in ranks.items())
            raise ParityGateError("PG201", f"--dynamic {name}:{axis}", f"{subject} has no such axis", f"It has: {has}.")
        axes[name, axis] = Axis(_symbol(name, axis), requested=True)
    return axes | named


def _symbol(name: str, axis: int) -> str:
    return BATCH if axis == 0 else re.sub(r"\W", "_", f"{name}_dim_{axis}")


def program_signature(program: Any, outputs: Iterable[str], names: Iterable[str], axes: Axes) -> tuple[Any, ...]:
    """(inputs, outputs, symbols): the specs of a program's tensors, and the names of its symbols.

    ``names`` and ``outputs`` are the names of its tensor inputs and outputs in order.
    """
    inputs = list(zip(names, _values(program, program.graph_signature.input_specs), strict=True))
    results = zip(outputs, _values(program, program.graph_signature.output_specs), strict=True)
    symbols = _name_symbols(inputs, axes)
    return (
        tuple(_spec(name, value, symbols) for name, value in inputs),
        tuple(_spec(name, value, symbols) for name, value in results),
        symbols,
    )


def input_shapes(program: Any) -> list[tuple[Any, ...]]:
    """The sizes of a program's inputs, numbers or symbols."""
    return [shape_of(value) for value in _values(program, program.graph_signature.input_specs)]


def _values(program: Any, specs: Iterable[Any]) -> list[Any]:
    """The traced values of the user's inputs or outputs."""
    nodes = {node.name: node for node in program.graph.nodes}
    return [nodes[spec.arg.name].meta["val"] for spec in specs if _is_user_tensor(spec)]


def _is_user_tensor(spec: Any) -> bool:
    return (
        spec.kind.name in {"USER_INPUT", "USER_OUTPUT"} and hasattr(spec.arg, "name") and not hasattr(spec.arg, "value")
    )


def _name_symbols(inputs: list[tuple[str, Any]], axes: Axes) -> dict[str, str]:
    """Symbol (``s77``) -> a name: the user's, ``batch`` for the first leading axis, or else input and axis."""
    places = [
        (name, axis, str(size))
        for name, value in inputs
        for axis, size in enumerate(shape_of(value))
        if not is_fixed(size)
    ]
    symbols: dict[str, str] = {}
    for name, axis, text in places:
        if (name, axis) in axes and re.fullmatch(r"\w+", text):
            symbols.setdefault(text, axes[name, axis].symbol)
    for name, axis, text in sorted(places, key=lambda place: place[1] != 0):
        for symbol in re.findall(r"[a-z]+\d+", text):
            first = axis == 0 and BATCH not in symbols.values()
            fallback = BATCH if first else re.sub(r"\W", "_", f"{name}_dim_{axis}")
            symbols.setdefault(symbol, fallback)
    return symbols


def is_fixed(size: Any) -> bool:
    """Whether a size of a traced tensor is a plain number, or a symbol that the module's code fixed."""
    return isinstance(size, int) or str(size).isdigit()


def rename_symbols(expression: str, symbols: Mapping[str, str]) -> str:
    """``2*s77`` -> ``2*batch``."""
    return re.sub(r"[a-z]+\d+", lambda match: symbols.get(match[0], match[0]), expression)


def _spec(name: str, value: Any, symbols: Mapping[str, str]) -> TensorSpec:
    shape: tuple[Dim, ...] = tuple(
        int(str(size)) if is_fixed(size) else rename_symbols(str(size), symbols) for size in shape_of(value)
    )
    return TensorSpec(name, dtype_name(value.dtype) if hasattr(value, "dtype") else "int64", shape)
