"""The signature is the schema: how a translation declares an operator's inputs and attributes, and receives them.

A translation is a function ``def gather(node: Node, data: Var, indices: Var, *, axis: int) -> Var``. Positional
parameters are the operator's inputs in ONNX' order: ``Var`` may be computed by the model, ``Array`` must be a constant
(in the source's own dtype), ``Operand`` is either, ``*xs: Var`` takes any number; a default marks an optional input.
Keyword parameters are the attributes, with ONNX' own defaults if a node doesn't set them. Anything else is rejected.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .mil import Var
from .values import Array, NarrowingError, Operand, variable

if TYPE_CHECKING:
    from .node import Node

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    convert: Callable[[Node, str, Operand], Any]
    optional: bool


@dataclass(frozen=True, slots=True)
class Translation:
    """One registered function with its parsed signature. ``folds``: constant inputs give a constant result."""

    function: Callable[..., Any]
    inputs: tuple[_Input, ...]
    rest: _Input | None
    attributes: Mapping[str, Any]
    folds: bool

    def __call__(self, node: Node) -> Any:
        """Translate ``node``: MIL variables, arrays or values, one per output."""
        return self.function(node, *self._positional(node), **self._keywords(node))

    def _positional(self, node: Node) -> list[Any]:
        values = node.inputs
        if len(values) > len(self.inputs) and self.rest is None:
            raise node.unsupported(f"it takes {len(self.inputs)} inputs here, not {len(values)}")
        padded = [*values, *[None] * (len(self.inputs) - len(values))]
        given = [_bound(node, declared, value) for declared, value in zip(self.inputs, padded, strict=False)]
        return given + [_bound(node, self.rest, value) for value in values[len(self.inputs) :] if self.rest]

    def _keywords(self, node: Node) -> dict[str, Any]:
        unknown = node.given_attributes - self.attributes.keys()
        if unknown:
            raise node.unsupported(f"it has no attribute {', '.join(sorted(unknown))} here")
        found = {name: node.attribute(name) for name in self.attributes}
        return {name: self.attributes[name] if value is None else value for name, value in found.items()}


class Registry:
    """Translations by domain, operator and the first opset that they apply to."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], dict[int, Translation]] = {}

    def __call__(
        self, *names: str, since: int = 1, domain: str = "", folds: bool = True
    ) -> Callable[[Function], Function]:
        """Decorator: register a function. A second one for the same operator and opset is a ValueError."""

        def register(function: Function) -> Function:
            for name in names:
                self.add(name, function, since, domain, folds)
            return function

        return register

    def add(
        self, name: str, function: Callable[..., Any], since: int = 1, domain: str = "", folds: bool = True
    ) -> None:
        """Register ``function`` for one operator."""
        entries = self._entries.setdefault((domain, name), {})
        if since in entries:
            raise ValueError(f"two translations of {domain} {name} from opset {since}")
        entries[since] = _read(function, folds)

    def find(self, domain: str, name: str, opset: int) -> Translation | None:
        """The translation that applies to ``opset``; None if there is none."""
        entries = self._entries.get((domain, name), {})
        newest = max((since for since in entries if since <= opset), default=None)
        return None if newest is None else entries[newest]

    def names(self) -> frozenset[tuple[str, str]]:
        """(domain, operator) of every operator that has a translation."""
        return frozenset(self._entries)


translates = Registry()
"""Every ONNX operator that has a translation of its own; filled by :mod:`.families`."""


def _read(function: Callable[..., Any], folds: bool) -> Translation:
    hints = typing.get_type_hints(function)
    _, *parameters = inspect.signature(function).parameters.values()
    inputs = tuple(_input(p, hints) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
    rest = next((_input(p, hints) for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    attributes = {p.name: None if p.default is p.empty else p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return Translation(function, inputs, rest, attributes, folds)


def _input(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> _Input:
    optional = parameter.default is not parameter.empty
    return _Input(parameter.name, _CONVERTERS[_plain(hints[parameter.name])], optional)


def _plain(annotation: Any) -> Any:
    """``X`` for ``X | None``."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        (annotation,) = (a for a in typing.get_args(annotation) if a is not types.NoneType)
    return annotation


def _bound(node: Node, declared: _Input, value: Operand | None) -> Any:
    if value is not None:
        return declared.convert(node, declared.name, value)
    if not declared.optional:
        raise node.unsupported(f"its input '{declared.name}' is missing")
    return None


def _computed(node: Node, name: str, value: Operand) -> Var:
    try:
        return variable(value)
    except NarrowingError as e:
        raise node.unsupported(f"'{name}': {e}") from e


def _constant(node: Node, name: str, value: Operand) -> Array:
    if not value.known:
        raise node.needs_lengths(f"'{name}' must be a constant, but it is computed by the model")
    return typing.cast(Array, value.content)


def _either(node: Node, name: str, value: Operand) -> Operand:
    return value


_CONVERTERS: dict[Any, Callable[[Node, str, Operand], Any]] = {Var: _computed, Array: _constant, Operand: _either}


def as_tuple(result: Any) -> Sequence[Any]:
    """A translation's result as one entry per output."""
    return result if isinstance(result, (tuple, list)) else (result,)
