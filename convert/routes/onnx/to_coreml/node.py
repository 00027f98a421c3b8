"""One ONNX node under translation: its inputs, its attributes, and its requests to the translation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from .....validate.errors import ParityGateError
from ...coreml.target import DeploymentTarget
from .frame import Frame
from .values import NarrowingError, Operand, variable

Subgraph = Callable[..., list[Operand]]
"""(graph, values, label): translates a nested graph into the current MIL block; its inputs have the given values.

``label`` distinguishes the node's nested graphs.
"""


class TargetError(Exception):
    """The translation must restart for ``ios`` or newer, which ``why`` needs."""

    def __init__(self, ios: str, why: str) -> None:
        super().__init__(ios, why)
        self.ios = ios
        self.why = why


class OpenLengthsError(ParityGateError):
    """An operator needs a length, or a value computed from lengths, that is open."""


@dataclass(frozen=True, slots=True)
class Node:
    """What a translation can see of its operator in addition to the inputs.

    ``inputs`` has None for an omitted optional input; ``results`` are the outputs' dtypes in the source, if ONNX can
    infer them. ``subgraph`` translates a graph attribute into the current block (see :data:`Subgraph`).
    ``path`` is the location of the node in branches, ``decision`` the decision about its own branches (see
    :mod:`.branches`).
    """

    proto: onnx.NodeProto
    schema: Any
    opset: int
    frame: Frame
    inputs: tuple[Operand | None, ...]
    results: tuple[np.dtype[Any] | None, ...]
    attributes: Mapping[str, Any]
    subgraph: Subgraph
    path: tuple[str, ...] = ()
    decision: bool | str | None = None

    @property
    def target(self) -> DeploymentTarget:
        """What the candidate must run on."""
        return self.frame.target

    @property
    def type(self) -> str:
        """The operator's name."""
        return str(self.proto.op_type)

    @property
    def outputs(self) -> int:
        """The number of outputs up to the last one that is used."""
        return max((i + 1 for i, name in enumerate(self.proto.output) if name), default=0)

    @property
    def given_attributes(self) -> frozenset[str]:
        """The names of the attributes that the node sets."""
        return frozenset(self.attributes)

    def attribute(self, name: str) -> Any:
        """An attribute's value, or ONNX' default for it; None if there is neither."""
        if name in self.attributes:
            return self.attributes[name]
        declared = self.schema.attributes.items() if self.schema else ()
        default = next((a.default_value for key, a in declared if plain(key) == name), None)
        return attribute_value(default) if default is not None and default.type else None

    def dtype(self, index: int = 0) -> np.dtype[Any]:
        """The dtype of input ``index`` in the source."""
        value = self.inputs[index]
        assert value is not None  # callers check that the input is there
        return value.dtype

    def single(self, index: int = 0) -> bool:
        """Whether input ``index`` is a double in the source that was cast from float32."""
        value = self.inputs[index]
        return value is not None and value.single

    def variable(self, value: Operand) -> Any:
        """A value as a MIL variable. Raises PG404 if it doesn't fit Core ML's types."""
        try:
            return variable(value)
        except NarrowingError as e:
            raise self.unsupported(str(e)) from e

    def need(self, ios: str) -> None:
        """Restart for at least ``ios``, unless the target already is. Raises PG404 for neural networks."""
        if self.target.program and self.target.specification < int(ios.removeprefix("iOS")) - 9:
            raise TargetError(ios, str(self))
        if not self.target.program:
            raise self.unsupported(f"it needs an ML Program for {ios}; write an .mlpackage")

    def unsupported(self, cause: str) -> ParityGateError:
        """The error PG404, naming operator, opset and node."""
        return ParityGateError("PG404", str(self), cause)

    def needs_lengths(self, cause: str) -> ParityGateError:
        """The same for what could be expressed if the lengths of the model's inputs were fixed."""
        return OpenLengthsError("PG404", str(self), cause)

    def __str__(self) -> str:
        return describe(self.proto, self.opset)


def plain(name: str) -> str:
    """An attribute's name in snake case: ``transA`` is ``trans_a``."""
    return re.sub("([A-Z])", r"_\1", name).lower()


def describe(proto: onnx.NodeProto, opset: int) -> str:
    """The name of a node in messages."""
    name = proto.name or next((f"of output '{output}'" for output in proto.output if output), "without a name")
    title = f"'{proto.name}'" if proto.name else name
    return f"operator {proto.op_type} ({proto.domain or 'ai.onnx'} {opset}), node {title}"


def attribute_value(attribute: onnx.AttributeProto) -> Any:
    """An attribute as a Python value: int, float, str, tuple, numpy array or GraphProto."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (str, int, float, onnx.GraphProto, onnx.TypeProto)):
        return value
    return tuple(v.decode() if isinstance(v, bytes) else v for v in value)


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node reads, including its nested graphs."""
    yield from node.input
    for attribute in node.attribute:
        yield from names_in(attribute.g)


def names_in(graph: onnx.GraphProto) -> Iterator[str]:
    """The names that a graph reads or returns."""
    for node in graph.node:
        yield from names_read(node)
    yield from (value.name for value in graph.output)


def nodes_in(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes of a graph and of its nested graphs."""
    inner = [n for node in graph.node for a in node.attribute for g in (a.g, *a.graphs) for n in nodes_in(g)]
    return [*graph.node, *inner]
