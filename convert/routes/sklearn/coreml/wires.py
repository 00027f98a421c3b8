"""What connects the stages of a Core ML model: numbers, text, vectors, dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from .....validate.coreml.files.proto import Message, module
from .....validate.errors import ParityGateError
from .....validate.signature import ClassLabel

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[Any]"

VECTOR, DOUBLE, INT64, STRING = "vector", "double", "int64", "string"
SCORES = {INT64: "scores by number", STRING: "scores by text"}
"""Kinds of a dictionary, by the kind of its keys."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The table from which ``function`` computes a wire, column by column; no column ever decreases."""

    columns: tuple[Wire, ...]
    function: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Wire:
    """One feature: an input or a stage's output. ``width`` counts the columns of the table that it stands for.

    ``single`` says that the source holds it in single precision.
    """

    name: str
    kind: str
    width: int = 1
    single: bool = False
    origin: Origin | None = field(default=None, compare=False)


Columns = tuple[Wire, ...]
"""A table: its columns are those of its wires, one wire after the other."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """An estimator's outputs by the source's names, and the classes that are the keys of dictionaries among them."""

    wires: Mapping[str, Wire]
    classes: Mapping[str, tuple[ClassLabel, ...]] = field(default_factory=dict)


def width_of(columns: Iterable[Wire]) -> int:
    """How many columns the table has."""
    return sum(wire.width for wire in columns)


def describe(feature: Message, wire: Wire) -> None:
    """Fill a FeatureDescription."""
    feature.name = wire.name
    if wire.kind == VECTOR:
        array = feature.type.multiArrayType
        array.dataType = module("FeatureTypes_pb2").ArrayFeatureType.DOUBLE
        array.shape.append(wire.width)
    else:
        _SCALARS[wire.kind](feature.type)


_SCALARS = {
    DOUBLE: lambda kind: kind.doubleType.SetInParent(),
    INT64: lambda kind: kind.int64Type.SetInParent(),
    STRING: lambda kind: kind.stringType.SetInParent(),
    SCORES[INT64]: lambda kind: kind.dictionaryType.int64KeyType.SetInParent(),
    SCORES[STRING]: lambda kind: kind.dictionaryType.stringKeyType.SetInParent(),
}


def unsupported(estimator: Any, reason: str) -> ParityGateError:
    """PG404: no model type of Core ML is equivalent to this estimator."""
    return ParityGateError("PG404", type(estimator).__name__, reason, "The route through ONNX may express it.")
