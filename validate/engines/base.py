"""The border between paritygate and whatever runs a model.

An engine module (one per framework, see :mod:`.registry`) has one function,
``load(source, options) -> Model``, where ``source`` is a path or a live object. It imports its framework inside
that function, so that importing the module costs nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from ..options import LoadOptions as LoadOptions
from ..signature import Hint, Signature

if TYPE_CHECKING:
    import onnx

    from ..signature import Array, Feed

_BITS = re.compile(r"\d+")

Rewrite = Callable[["onnx.ModelProto"], "onnx.ModelProto"]
"""A change of an ONNX graph. Large weights may be absent from it (external data): it must not read them."""


More = Callable[[], "Feed"]


def nothing() -> Feed:
    """No further inputs."""
    return {}


def unchanged(model: onnx.ModelProto) -> onnx.ModelProto:
    """The rewrite that changes nothing."""
    return model


@dataclass(frozen=True, slots=True)
class Runtime:
    """What ran a model: the name for people, the installed version, and the execution provider or device."""

    name: str
    version: str = ""
    provider: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.version)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What ``paritygate inspect`` prints in addition to the signature.

    ``operators`` counts operators, layers or estimator steps by name; ``parameters`` is the number of learned
    scalars, ``size`` the bytes on disk; None where it can't be known. ``precision`` is the coarsest floating dtype that
    the model computes in, where that is coarser than what it takes and gives.
    """

    format: str
    producer: str = ""
    opset: str = ""
    operators: Mapping[str, int] = field(default_factory=dict)
    parameters: int | None = None
    size: int | None = None
    precision: str = ""


@dataclass(frozen=True, slots=True)
class WeightGroup:
    """The weights of one dtype: how many values, and the bytes that they take in memory."""

    dtype: str
    count: int
    bytes: int


def grouped(weights: Iterable[tuple[str, int]]) -> tuple[WeightGroup, ...]:
    """(dtype, number of values) of each weight, by dtype; the largest group first."""
    counts: Counter[str] = Counter()
    for dtype, count in weights:
        counts[dtype] += count
    return tuple(WeightGroup(dtype, count, bytes_of(dtype, count)) for dtype, count in counts.most_common())


def bytes_of(dtype: str, count: int) -> int:
    """Bytes in memory, by the bits in the dtype's name; text counts as nothing, 4-bit values take half a byte."""
    bits = {"float": 32, "double": 64, "bool": 8}.get(dtype) or int("0" + "".join(_BITS.findall(dtype)[:1]))
    return math.ceil(count * bits / 8)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer or module: its name, its class, and how many parameters it has."""

    name: str
    kind: str
    parameters: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What ``paritygate inspect`` tells of weights and costs; empty and None where it isn't known.

    ``quantised`` counts operators that work on quantised values. ``macs`` are multiply-adds and ``activation_bytes`` an
    estimate of the most memory that activations take, both for one row.
    """

    weights: tuple[WeightGroup, ...] = ()
    quantised: str = ""
    ir_version: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    macs: int | None = None
    activation_bytes: int | None = None
    layers: tuple[Layer, ...] = ()


class Model(Protocol):
    """A loaded model. ``native`` is the framework's own object, for the routes that convert it.

    ``notes`` are sentences for the user about how the model was opened (put into inference mode, a fallback loader).
    """

    signature: Signature
    native: Any
    notes: tuple[str, ...]

    def run(self, feed: Feed) -> dict[str, Array]:
        """Compute every output of the signature, by name, for one feed (input name -> array)."""

    def hints(self) -> tuple[Hint, ...]:
        """What is known about sensible input values; empty when nothing is."""

    def facts(self) -> Facts:
        """Format, producer, opset, operator counts, parameter count, size."""


@runtime_checkable
class Weighted(Protocol):
    """A model whose weights can be read."""

    def weights(self) -> Mapping[str, Array]:
        """Every floating parameter, buffer and constant by the name that the format gives it."""


@runtime_checkable
class Profiled(Protocol):
    """A model that knows what its weights are and what it costs to run."""

    def profile(self) -> Profile:
        """Its weights by dtype, and what else is cheap to tell."""


@runtime_checkable
class Graphed(Protocol):
    """A model that runs as an ONNX graph, which can be changed to learn more about it."""

    @property
    def finest(self) -> str:
        """The finest floating type that the format promises to compute in, whatever the graph does."""

    def variant(self, rewrite: Rewrite, *, optimise: bool, more: More = nothing) -> Self:
        """The same model, its graph rewritten; ``optimise`` lets ONNX Runtime fuse and fold.

        ``more`` gives the graph inputs that ``rewrite`` adds, anew for every run. The variant takes the same feeds and
        gives the same outputs; outputs that ``rewrite`` adds to the graph come with them.
        Raises ParityGateError PG301 or PG405 when ONNX Runtime refuses the result.
        """
