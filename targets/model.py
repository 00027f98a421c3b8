"""A model file as the rules see it: one form for ONNX, TensorFlow Lite and Core ML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .values import Footprint


class Kind(StrEnum):
    """The formats that can be checked."""

    ONNX = "onnx"
    TFLITE = "tflite"
    COREML = "coreml"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's dtype in the words of ONNX ("float", "int64", ...; "" where unknown) and its lengths.

    A length is a number, or None where it is open; ``shape`` is None where not even the rank is known.
    ``quantised`` says that the tensor has a scale in the file.
    """

    dtype: str = ""
    shape: tuple[int | None, ...] | None = None
    quantised: bool = False

    @property
    def rank(self) -> int | None:
        """Number of axes; None where unknown."""
        return None if self.shape is None else len(self.shape)


@dataclass(frozen=True, slots=True)
class Node:
    """One operator. ``version`` is that of its definition: the opset that it was last changed in, or TFLite's own.

    ``types`` are the dtypes of its type parameters (ONNX: "T", "T1", ...), ``depth`` is 0 in the main graph and 1 and
    more in the bodies of branches and loops. ``body`` says that ONNX defines it by other operators.
    """

    name: str
    operator: str
    domain: str = ""
    version: int = 1
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0
    body: tuple[Node, ...] = ()
    custom: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.operator})"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a file says of its model. ``specification`` is ONNX's IR version or Core ML's specification version."""

    kind: Kind
    path: str
    specification: int
    footprint: Footprint
    opsets: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    constants: frozenset[str] = frozenset()
    nodes: tuple[Node, ...] = ()
    external_data: bool = False
    program: str = ""
    features: frozenset[str] = frozenset()

    @property
    def open_inputs(self) -> tuple[str, ...]:
        """The inputs with a length that isn't fixed."""
        return tuple(name for name, tensor in self.inputs.items() if tensor.shape is None or None in tensor.shape)

    def tensor(self, name: str) -> Tensor:
        """What is known of a tensor."""
        return self.tensors.get(name, Tensor())

    def operators(self) -> Iterator[tuple[str, str]]:
        """(domain, operator) of each node."""
        return ((node.domain, node.operator) for node in self.nodes)
