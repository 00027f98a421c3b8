"""The signature is the schema: how a lowering declares its parameters, and how an operator's arguments reach them.

A lowering is a function ``def conv(g: Graph, *, x: Tensor, strides: Ints = (1, 1)) -> Tensor`` whose keyword parameters
have the names and defaults of the specification. A parameter annotated :class:`Tensor` may be computed by the model;
any plain type must be a constant, and anything else is rejected with the operator's name. A lowering that needs
more (the declared output types, nested blocks) takes a second positional parameter ``op: Op``.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy.typing as npt

from .dtypes import Dtype
from .errors import broken_lowering, damaged, unsupported
from .graph import Graph, Pairs, Shape, Slot, Tensor, Tensors

Array = npt.NDArray[Any]
Ints = tuple[int, ...]
Floats = tuple[float, ...]
Bools = tuple[bool, ...]


class Numerics(Enum):
    """How a lowering treats the narrow types (float16, and integers below 32 bits).

    ROUND: computed in float32 or int32 and rounded once, at the operator's output. EXACT: computed in the wide type as
    well, but every result equals one of the operands' values (a selection, a sort), so the next operator can use the
    wide value without losing a rounding. MONOTONE: exact, and commutes with rounding (a relu); the result is rounded
    instead of the operand, so that ONNX Runtime can fuse the operator with the previous one. RAW: values are only
    moved or replaced, in their own type.
    """

    ROUND = "round"
    EXACT = "exact"
    MONOTONE = "monotone"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type that a program declares for a value. ``shape`` is None when the rank is not fixed."""

    dtype: Dtype
    shape: Shape | None


@dataclass(slots=True)
class State:
    """A named state tensor: its content at this point of the program. ``write_state`` replaces ``value``."""

    name: str
    value: Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """A nested block: the declared types of its inputs, and a function that lowers it into a graph."""

    inputs: tuple[TensorType, ...]
    lower: Callable[[Graph, Sequence[Tensor]], tuple[Slot, ...]]


@dataclass(frozen=True, slots=True)
class Op:
    """What a lowering can see of its operator in addition to the arguments."""

    type: str
    name: str
    opset: int
    outputs: tuple[TensorType, ...]
    blocks: tuple[Block, ...] = ()

    def __str__(self) -> str:
        return f"op '{self.type}' (iOS{self.opset}), node '{self.name}'"


Bound = Slot | State
Arguments = Mapping[str, Sequence[Bound]]
Result = Slot | tuple[Slot, ...] | None
Function = TypeVar("Function", bound=Callable[..., Result])


@dataclass(frozen=True, slots=True)
class Parameter:
    """One keyword parameter: how to convert its argument, and whether it is required."""

    convert: Callable[[Sequence[Bound]], Any]
    required: bool


@dataclass(frozen=True, slots=True)
class Lowering:
    """One registered function with its parsed signature."""

    function: Callable[..., Result]
    parameters: Mapping[str, Parameter]
    takes_op: bool
    numerics: Numerics

    def __call__(self, g: Graph, op: Op, arguments: Arguments) -> tuple[Slot, ...]:
        """Lower one operator; its results have the declared dtypes. Raises PG402, PG404 and PG405."""
        given = self._bind(g, op, arguments)
        try:
            result = self.function(g, op, **given) if self.takes_op else self.function(g, **given)
        except (ArithmeticError, LookupError, TypeError, ValueError) as e:
            raise damaged(str(op), f"its arguments are inconsistent: {e}") from e
        values = result if isinstance(result, tuple) else () if result is None else (result,)
        if len(values) != len(op.outputs):
            raise broken_lowering(
                str(op), f"the lowering returns {len(values)} values, the program declares {len(op.outputs)}"
            )
        exact = self.numerics is Numerics.EXACT or (
            self.numerics is Numerics.MONOTONE and all(g.unrounded(a) is a for a in _tensors(arguments))
        )
        return tuple(_as_declared(g, op, v, t, exact) for v, t in zip(values, op.outputs, strict=True))

    def _bind(self, g: Graph, op: Op, arguments: Arguments) -> dict[str, Any]:
        unknown = arguments.keys() - self.parameters.keys()
        if unknown:
            raise unsupported(str(op), f"it has no parameter {', '.join(sorted(unknown))} in this opset")
        missing = [n for n, p in self.parameters.items() if p.required and n not in arguments]
        if missing:
            raise damaged(str(op), f"its parameter {', '.join(missing)} is missing")
        given = {}
        for name, argument in arguments.items():
            try:
                given[name] = self._convert(g, self.parameters[name], argument)
            except _NotConstantError as e:
                raise unsupported(str(op), f"'{name}' must be a constant, but it is computed by the model") from e
            except (TypeError, ValueError) as e:
                raise damaged(str(op), f"'{name}' can't be used: {e}") from e
        return given

    def _convert(self, g: Graph, parameter: Parameter, argument: Sequence[Bound]) -> Any:
        if self.numerics is Numerics.MONOTONE:
            argument = [g.unrounded(a) if isinstance(a, Tensor) else a for a in argument]
        if self.numerics is not Numerics.RAW:
            argument = [g.widen(a) if isinstance(a, Tensor) else a for a in argument]
        return parameter.convert(argument)


def _tensors(arguments: Arguments) -> list[Tensor]:
    return [a for argument in arguments.values() for a in argument if isinstance(a, Tensor)]


def _as_declared(g: Graph, op: Op, value: Slot, declared: TensorType, exact: bool) -> Slot:
    """``value`` with the declared dtype and shape; a change between bool, integer, float and text is an error."""
    if isinstance(value, Pairs):
        return value
    if _family(value.dtype) != _family(declared.dtype):
        raise broken_lowering(str(op), f"the lowering returns {value.dtype}, the program declares {declared.dtype}")
    return g.typed(g.narrow(value, declared.dtype, exact), declared.shape)


def _family(dtype: Dtype) -> str:
    return {"u": "i", "O": "U"}.get(dtype.kind, dtype.kind)


class Registry:
    """Lowerings by name and by the first opset (iOS version) that they apply to."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._entries: dict[str, dict[int, Lowering]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> frozenset[str]:
        """All names that have a lowering."""
        return frozenset(self._entries)

    def add(
        self, name: str, function: Callable[..., Result], opset: int = 15, numerics: Numerics = Numerics.ROUND
    ) -> None:
        """Register ``function``. A second registration of the same name and opset is a ValueError."""
        entries = self._entries.setdefault(name, {})
        if opset in entries:
            old, new = (inspect.unwrap(f).__qualname__ for f in (entries[opset].function, function))
            raise ValueError(f"two lowerings for {self._title} '{name}' from iOS{opset}: {old} and {new}")
        entries[opset] = _read(function, numerics)

    def lowers(
        self, *names: str, opset: int = 15, numerics: Numerics = Numerics.ROUND
    ) -> Callable[[Function], Function]:
        """Decorator form of :meth:`add`."""

        def register(function: Function) -> Function:
            for name in names:
                self.add(name, function, opset, numerics)
            return function

        return register

    def find(self, op: Op) -> Lowering:
        """The lowering that applies to ``op.opset``. Raises PG404 naming the operator when there is none."""
        entries = [v for v in self._entries.get(op.type, {}) if v <= op.opset]
        if not entries:
            raise unsupported(str(op), f"this {self._title} has no lowering")
        return self._entries[op.type][max(entries)]


MIL = Registry("MIL operator")
"""Every ML Program operator that has a lowering; filled by :mod:`.ops`."""

lowers = MIL.lowers


def _read(function: Callable[..., Result], numerics: Numerics) -> Lowering:
    hints = typing.get_type_hints(function)
    signature = list(inspect.signature(function).parameters.values())
    positional = [p for p in signature if p.kind is p.POSITIONAL_OR_KEYWORD]
    parameters = {
        p.name: Parameter(_CONVERTERS[_plain(hints[p.name])], p.default is p.empty)
        for p in signature
        if p.kind is p.KEYWORD_ONLY
    }
    return Lowering(function, parameters, len(positional) == 2, numerics)


def _plain(annotation: Any) -> Any:
    """``X`` for ``X | None``."""
    if isinstance(annotation, types.UnionType):
        (annotation,) = (a for a in typing.get_args(annotation) if a is not types.NoneType)
    return annotation


class _NotConstantError(Exception):
    pass


def _one(argument: Sequence[Bound]) -> Tensor:
    if len(argument) != 1 or not isinstance(argument[0], Tensor):
        raise TypeError("one tensor is expected")
    return argument[0]


def _many(argument: Sequence[Bound]) -> Tensors:
    return tuple(_one([a]) for a in argument)


def _state(argument: Sequence[Bound]) -> State:
    if len(argument) != 1 or not isinstance(argument[0], State):
        raise TypeError("a state is expected")
    return argument[0]


def _constant(value: Tensor) -> Array:
    if value.value is None:
        raise _NotConstantError
    return value.value


def _array(argument: Sequence[Bound]) -> Array:
    return _constant(_one(argument))


def _scalar(kind: Callable[[Any], Any]) -> Callable[[Sequence[Bound]], Any]:
    return lambda argument: kind(_array(argument).item())


def _vector(kind: Callable[[Any], Any]) -> Callable[[Sequence[Bound]], Any]:
    return lambda argument: tuple(kind(v) for a in _many(argument) for v in _constant(a).reshape(-1).tolist())


_CONVERTERS: dict[Any, Callable[[Sequence[Bound]], Any]] = {
    Tensor: _one,
    Tensors: _many,
    State: _state,
    Array: _array,
    int: _scalar(int),
    float: _scalar(float),
    bool: _scalar(bool),
    str: _scalar(str),
    Ints: _vector(int),
    Floats: _vector(float),
    Bools: _vector(bool),
}
