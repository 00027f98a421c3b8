"""How a neural network layer reaches its lowering.

A lowering is a function ``def pooling(g: Graph, layer: Layer, x: Tensor) -> Tensor``: one positional parameter per
input blob (``*xs`` for any number, a default for an optional one), and ``layer.params`` for the layer's own message.
All values in a neural network are float32, even truth values; axes count from the end, where channel, height and width
are -3, -2 and -1, so one function serves both the rank 5 and the exact array mapping.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .bind import Op, TensorType
from .errors import damaged, unsupported
from .files.proto import Message
from .graph import Graph, Tensor

if TYPE_CHECKING:
    from ..signature import Array

Result = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
"""One output, several in order, or (control flow) values by blob name."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What a lowering can see of its layer in addition to the input blobs.

    ``blobs`` are all values defined before it, by name; ``nested`` lowers the layers of a nested network into
    a graph, starting from given blobs, and returns the blobs that they define or replace.
    """

    kind: str
    name: str
    params: Message
    outputs: tuple[str, ...]
    blobs: Mapping[str, Tensor]
    nested: Callable[[Graph, Message, Mapping[str, Tensor]], dict[str, Tensor]]

    def __str__(self) -> str:
        return f"layer '{self.kind}', named '{self.name}'"

    @property
    def scope(self) -> str:
        """The prefix of the names of its nodes, from which messages name it."""
        return f"{self.kind}:{self.name}"

    @property
    def op(self) -> Op:
        """The layer as an operator, for lowerings shared with ML Programs."""
        outputs = tuple(TensorType(np.dtype(np.float32), None) for _ in self.outputs)
        return _AsOp(self.kind, self.name, 0, outputs)

    def weights(self, field: Message, shape: Sequence[int], axis: int = 0) -> Array:
        """The WeightParams ``field`` as float32 of ``shape``. Raises PG402 when the number of elements differs.

        ``axis`` is the axis of the output channels, which linear quantisation may scale individually.
        """
        flat = _dense(self, field, shape, axis)
        if flat.size != math.prod(shape):
            raise damaged(str(self), f"{flat.size} weights can't have shape {tuple(shape)}")
        return flat.reshape(tuple(shape))

    def vector(self, field: Message, length: int | None) -> Array:
        """The WeightParams ``field`` as a vector of ``length`` elements, or of one element that applies to all."""
        stored = len(field.floatValue) or len(field.float16Value) // 2
        return self.weights(field, [1 if stored == 1 else length or stored])


class _AsOp(Op):
    __slots__ = ()

    def __str__(self) -> str:
        return f"layer '{self.type}', named '{self.name}'"


Lowering = Callable[..., Result]
Function = TypeVar("Function", bound=Lowering)


class Layers:
    """Lowerings by the name that NeuralNetwork.proto gives the layer."""

    def __init__(self) -> None:
        self._entries: dict[str, Lowering] = {}

    def names(self) -> frozenset[str]:
        """Every layer kind that has a lowering."""
        return frozenset(self._entries)

    def add(self, kind: str, function: Lowering) -> None:
        """Register ``function``. A second registration is a ValueError."""
        if kind in self._entries:
            raise ValueError(f"two lowerings for layer '{kind}'")
        self._entries[kind] = function

    def lowers(self, *kinds: str) -> Callable[[Function], Function]:
        """Decorator form of :meth:`add`."""

        def register(function: Function) -> Function:
            for kind in kinds:
                self.add(kind, function)
            return function

        return register

    def lower(self, g: Graph, layer: Layer, inputs: Sequence[Tensor]) -> dict[str, Tensor]:
        """Lower one layer; returns its output blobs by name. Raises PG404 when the kind has no lowering."""
        if layer.kind not in self._entries:
            raise unsupported(str(layer), "this layer has no lowering")
        function = self._entries[layer.kind]
        try:
            inspect.signature(function).bind(g, layer, *inputs)
        except TypeError as e:
            raise damaged(str(layer), f"it has {len(inputs)} inputs: {e}") from e
        try:
            result = function(g, layer, *inputs)
        except (ArithmeticError, LookupError, TypeError, ValueError) as e:
            raise damaged(str(layer), f"its parameters are inconsistent: {e}") from e
        if isinstance(result, dict):
            return result
        values = result if isinstance(result, tuple) else (result,)
        if len(values) != len(layer.outputs):
            raise damaged(str(layer), f"it names {len(layer.outputs)} outputs but has {len(values)}")
        return dict(zip(layer.outputs, values, strict=True))


LAYERS = Layers()
"""Every neural network layer that has a lowering; filled by :mod:`.layers`."""

lowers = LAYERS.lowers


def _dense(layer: Layer, field: Message, shape: Sequence[int], axis: int) -> Array:
    """The stored elements as flat float32, from 32 or 16 bits, or from linear or look-up table codes of 1 to 8 bits."""
    if field.float16Value:
        return np.frombuffer(field.float16Value, "<f2").astype(np.float32)
    if field.floatValue:
        return np.asarray(field.floatValue, np.float32)
    coding, bits = field.quantization, int(field.quantization.numberOfBits)
    if field.int8RawValue:
        # Core ML also rounds the layer's input to 8 bits, by an unpublished scheme; here the input is not rounded.
        return _scaled(layer, coding.linearQuantization, np.frombuffer(field.int8RawValue, np.int8), shape, axis)
    codes = _codes(layer, field.rawValue, bits, math.prod(shape)) if field.rawValue else np.zeros(0, np.int64)
    if coding.WhichOneof("QuantizationType") != "lookupTableQuantization":
        return _scaled(layer, coding.linearQuantization, codes, shape, axis)
    table = np.asarray(coding.lookupTableQuantization.floatValue, np.float32)
    if table.size <= codes.max(initial=0):
        raise damaged(str(layer), f"its look-up table has {table.size} elements")
    return table[codes]


def _scaled(layer: Layer, coding: Message, codes: Array, shape: Sequence[int], axis: int) -> Array:
    """codes * scale + bias, each a single number or one number per output channel."""
    if codes.size != math.prod(shape):
        return codes.astype(np.float32)
    values = codes.reshape(tuple(shape)).astype(np.float32)
    for stored, operation in ((coding.scale, np.multiply), (coding.bias, np.add)):
        if stored:
            values = operation(values, _by_channel(layer, np.asarray(stored, np.float32), shape, axis))
    return values.reshape(-1)


def _by_channel(layer: Layer, factors: Array, shape: Sequence[int], axis: int) -> Array:
    """``factors`` so that they broadcast; with groups, a deconvolution's output channels span the first two axes."""
    if factors.size == 1:
        return factors.reshape(())
    rest = (1,) * (len(shape) - axis - 1)
    if factors.size == shape[axis]:
        return factors.reshape(-1, *rest)
    groups = factors.size // max(shape[axis], 1)
    if axis != 1 or groups * shape[1] != factors.size or shape[0] % max(groups, 1):
        raise damaged(str(layer), f"{factors.size} scales or biases don't fit weights of shape {tuple(shape)}")
    return np.repeat(factors.reshape(groups, shape[1]), shape[0] // groups, axis=0).reshape(*shape[:2], *rest)


def _codes(layer: Layer, raw: bytes, bits: int, count: int) -> Array:
    if not 1 <= bits <= 8 or len(raw) * 8 < count * bits:
        raise damaged(str(layer), f"{len(raw)} bytes can't hold {count} weights of {bits} bits")
    return _unpack(np.frombuffer(raw, np.uint8), bits, count)


def _unpack(packed: Array, bits: int, count: int) -> Array:
    """``count`` elements of ``bits`` bits, highest bit first: the opposite of the order in ML Programs."""
    flags = np.unpackbits(packed, count=count * bits, bitorder="big").reshape(count, bits)
    return flags @ (1 << np.arange(bits)[::-1]).astype(np.int64)


def images(g: Graph, x: Tensor, axes: int, lowering: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply ``lowering``, which takes (batch, channels, and ``axes`` spatial axes), to an ``x`` of any rank.

    All axes before the channels are batch; there may be several (rank 5: sequence and batch) or none.
    """
    lead = x.rank - axes - 1
    if lead == 1:
        return lowering(x)
    outer = [g.dim(x, a) for a in range(lead)]
    result = lowering(g.reshape(x, [-1, *(g.dim(x, a) for a in range(lead, x.rank))]))
    return g.reshape(result, [*outer, *(g.dim(result, a) for a in range(1, result.rank))])
