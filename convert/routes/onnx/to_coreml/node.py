"""One ONNX node under translation: its inputs, its attributes, and what it may ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from .....validate.errors import ParityGateError
from ...coreml.target import Target
from .values import NarrowingError, Operand, variable

Subgraph = Callable[..., list[Operand]]
"""(graph, values, label): translates a nested graph into the current MIL block; its inputs get the given values.

``label`` tells the node's nested graphs apart.
"""


class TargetError(Exception):
    """The translation must start again for ``ios`` or newer, because ``why`` needs it."""

    def __init__(self, ios: str, why: str) -> None:
        super().__init__(ios, why)
        self.ios = ios
        self.why = why


@dataclass(frozen=True, slots=True)
class Node:
    """What a translation may know of its operator besides the inputs.

    ``inputs`` has None where an optional input is left out; ``results`` are the outputs' dtypes in the source, as far
    as ONNX infers them. ``subgraph`` translates a graph attribute into the current block (see :data:`Subgraph`).
    ``path`` is where the node stands among branches, ``decision`` what was found out about its own (see
    :mod:`.branches`).
    """

    proto: onnx.NodeProto
    schema: Any
    opset: int
    target: Target
    inputs: tuple[Operand | None, ...]
    results: tuple[np.dtype[Any] | None, ...]
    attributes: Mapping[str, Any]
    subgraph: Subgraph
    path: tuple[str, ...] = ()
    decision: bool | str | None = None

    @property
    def type(self) -> str:
        """The operator's name."""
        return str(self.proto.op_type)

    @property
    def outputs(self) -> int:
        """How many outputs the node has up to the last one that anybody uses."""
        return max((i + 1 for i, name in enumerate(self.proto.output) if name), default=0)

    @property
    def given_attributes(self) -> frozenset[str]:
        """The attributes that the node states itself."""
        return frozenset(self.attributes)

    def attribute(self, name: str) -> Any:
        """An attribute's value, or ONNX' default for it; None where there is neither."""
        if name in self.attributes:
            return self.attributes[name]
        declared = self.schema.attributes.items() if self.schema else ()
        default = next((a.default_value for key, a in declared if plain(key) == name), None)
        return attribute_value(default) if default is not None and default.type else None

    def dtype(self, index: int = 0) -> np.dtype[Any]:
        """The dtype that input ``index`` has in the source."""
        value = self.inputs[index]
        assert value is not None  # asked of inputs that are there
        return value.dtype

    def single(self, index: int = 0) -> bool:
        """Whether input ``index`` is a double in the source that was in float32 before."""
        value = self.inputs[index]
        return value is not None and value.single

    def variable(self, value: Operand) -> Any:
        """A value as a MIL variable. Raises PG404 for what Core ML's types can't hold."""
        try:
            return variable(value)
        except NarrowingError as e:
            raise self.unsupported(str(e)) from e

    def need(self, ios: str) -> None:
        """Start again for at least ``ios``, unless the target is that already."""
        if self.target.program and self.target.specification < int(ios.removeprefix("iOS")) - 9:
            raise TargetError(ios, str(self))
        if not self.target.program:
            raise self.unsupported(f"it needs an ML Program of {ios}; write an .mlpackage")

    def unsupported(self, cause: str) -> ParityGateError:
        """The refusal (PG404) that names operator, opset and node."""
        return ParityGateError("PG404", str(self), cause)

    def __str__(self) -> str:
        return describe(self.proto, self.opset)


def plain(name: str) -> str:
    """An attribute's name as translations spell it: ``transA`` is ``trans_a``."""
    return re.sub("([A-Z])", r"_\1", name).lower()


def describe(proto: onnx.NodeProto, opset: int) -> str:
    """How messages name a node."""
    name = proto.name or next((f"of output '{output}'" for output in proto.output if output), "without name")
    title = f"'{proto.name}'" if proto.name else name
    return f"operator {proto.op_type} ({proto.domain or 'ai.onnx'} {opset}), node {title}"


def attribute_value(attribute: onnx.AttributeProto) -> Any:
    """An attribute as Python has it: int, float, str, tuple, numpy array or GraphProto."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (str, int, float, onnx.GraphProto, onnx.TypeProto)):
        return value
    return tuple(v.decode() if isinstance(v, bytes) else v for v in value)


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node reads, its nested graphs included."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from names_read(inner)
        yield from (value.name for value in attribute.g.output)
