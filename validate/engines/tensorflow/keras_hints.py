"""Sensible input values read from the layers that take a Keras model's inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ...signature import STRING, Hint, Signature, TensorSpec

if TYPE_CHECKING:
    import numpy as np


def layer_hints(inputs: Iterable[tuple[str, Any]], signature: Signature) -> tuple[Hint, ...]:
    """Hints by input, each from the first layer that implies one. ``inputs`` pairs each name with its KerasTensor."""
    specs = {spec.name: spec for spec in signature.inputs}
    hints = (next(_hints_behind(specs[name], tensor), None) for name, tensor in inputs)
    return tuple(hint for hint in hints if hint is not None)


def _hints_behind(spec: TensorSpec, tensor: Any) -> Iterator[Hint]:
    for operation, inner in _consumers(tensor):
        if inner is not None:
            yield from _hints_behind(spec, inner)
        hint = _hint(spec, operation)
        if hint is not None:
            yield hint


def _consumers(tensor: Any) -> Iterator[tuple[Any, Any]]:
    """The operations that take ``tensor``; for a nested model also the corresponding tensor inside that model."""
    for node in tensor._keras_history.operation._outbound_nodes:
        operation = node.operation
        nested = getattr(operation, "_functional", operation)
        positions = [index for index, given in enumerate(node.input_tensors) if given is tensor]
        for position in positions:
            yield operation, nested.inputs[position] if hasattr(nested, "_inputs_struct") else None


def _hint(spec: TensorSpec, layer: Any) -> Hint | None:
    maker = _MAKERS.get(type(layer).__name__)
    return maker(spec, layer) if maker is not None else None


def _below(name: str, limit: int, table: int = 0) -> Hint:
    import numpy as np

    return Hint(name, low=np.array(0), high=np.array(limit - 1), table=table)


def _vocabulary(spec: TensorSpec, layer: Any) -> Hint:
    words = layer.get_vocabulary(include_special_tokens=False)
    if layer.invert:  # takes indices, of the special tokens too
        return _below(spec.name, layer.vocabulary_size())
    return Hint(spec.name, vocabulary=tuple(map(str, words)) if spec.dtype == STRING else tuple(map(int, words)))


def _words(spec: TensorSpec, layer: Any) -> Hint:
    return Hint(spec.name, vocabulary=tuple(map(str, layer.get_vocabulary(include_special_tokens=False))))


def _boundaries(spec: TensorSpec, layer: Any) -> Hint | None:
    """The edges of the bins, for each feature of the last axis; None if the length of that axis isn't known."""
    import numpy as np

    edges: np.ndarray[Any, Any] = np.asarray(layer.bin_boundaries, dtype=np.float64)
    features = spec.shape[-1] if spec.shape else None
    return Hint(spec.name, points=(edges,) * features) if isinstance(features, int) else None


def _bytes(spec: TensorSpec, _: Any) -> Hint:
    """A model that starts with Rescaling takes images as they are read from a file."""
    import numpy as np

    return Hint(spec.name, low=np.array(0.0), high=np.array(255.0))


_MAKERS = {
    "CategoryEncoding": lambda spec, layer: _below(spec.name, layer.num_tokens),
    "Discretization": _boundaries,
    "Embedding": lambda spec, layer: _below(spec.name, layer.input_dim, layer.input_dim * layer.output_dim),
    "IntegerLookup": _vocabulary,
    "Rescaling": _bytes,
    "StringLookup": _vocabulary,
    "TextVectorization": _words,
}
