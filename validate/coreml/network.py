"""Lowers a neural network: its layers are lowered one after the other, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import layers as _layers  # fills the registry
from .errors import damaged
from .files.proto import Message
from .folding import computed
from .graph import Graph, Tensor
from .layer import LAYERS, Layer
from .shared.branching import SKIPPING, Network, select

del _layers


def lower_layers(g: Graph, network: Message, blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Lower all layers of ``network`` into ``g``; returns the blobs that they define or, in loops, replace."""
    return _lower_sequence(g, network.layers, blobs)


def _lower_sequence(g: Graph, layers: Sequence[Any], blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    known = dict(blobs)
    made: dict[str, Tensor] = {}
    for i, layer in enumerate(layers):
        results = _lower_layer(g, layer, known)
        known |= results
        made |= results
        if SKIPPING in results and i + 1 < len(layers):
            return made | _unless_skipping(g, layers[i + 1 :], known)
    return made


def _unless_skipping(g: Graph, layers: Sequence[Any], blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    rest = Network(layers, lambda g: _lower_sequence(g, layers, blobs))
    return select(g, blobs[SKIPPING], Network((), lambda g: {}), rest, blobs)


def _lower_layer(g: Graph, message: Any, blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    kind = message.WhichOneof("layer") or "unknown"
    params = getattr(message, kind, None)
    layer = Layer(kind, message.name, params, tuple(message.output), blobs, lower_layers)
    missing = [name for name in message.input if name not in blobs]
    if missing:
        raise damaged(str(layer), f"it uses '{missing[0]}', which no earlier layer defines")
    inputs = [blobs[name] for name in message.input]
    with g.scope(layer.scope):
        return computed(g, layer, inputs) or LAYERS.lower(g, layer, inputs)
