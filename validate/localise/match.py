"""Find the tensors of a candidate that stand for layers of its source: by their values first, then by their names.

Values locate, they prove nothing: whether a tensor is right is judged afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .layers import Layer, arranged, orders
from .names import Words, bears, leaving, words_of

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

    Values = Sequence[Mapping[str, Array]]

BY_BOTH, BY_VALUE, BY_NAME, AS_OUTPUT = "name and value", "value", "name", "output"

NEAR = 0.2
"""How far apart, as a share of the values' own spread, a tensor and a layer may be to be the same by value."""

_SURE = 4.0  # how many times further than a layer's nearest tensor another one may be: rounding, not another layer
_ROUNDED = 1e-5
_PROBES = 256


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor, its layer, and the layer's values as the tensor would hold them, one per sample."""

    tensor: str
    layer: Layer
    by: str
    want: tuple[Array, ...]
    distance: float


def match(graph: onnx.GraphProto, values: Values, layers: Sequence[Layer]) -> list[Pair]:
    """One pair per tensor of ``values`` (one mapping, tensor -> floating array, per sample) that has a layer."""
    layers = [layer for layer in layers if layer.values[0].size]
    words = {name: words_of(node) for node in graph.node for name in node.output if name in values[0]}
    near = _by_value(values, layers, words)
    paired, placed = {pair.tensor for pair in near}, {id(pair.layer) for pair in near}
    left = [layer for layer in layers if id(layer) not in placed]
    return near + list(_by_name(graph, values, left, words, paired))


@dataclass(frozen=True, slots=True)
class _Form:
    """A layer in one order of its axes, and the few of its elements that are compared first."""

    layer: Layer
    order: tuple[int, ...]
    elements: Array


def _by_value(values: Values, layers: Sequence[Layer], words: Mapping[str, Words]) -> list[Pair]:
    """The nearest layer of each tensor, unless that layer has a tensor that is much nearer."""
    forms: dict[int, list[_Form]] = defaultdict(list)
    for layer in layers:
        forms[layer.values[0].size] += _forms(layer)
    found = [
        pair
        for name, array in values[0].items()
        if (pair := _nearest(name, values, forms.get(array.size, []), words)) is not None
    ]
    least: dict[int, float] = {}
    for pair in found:
        least[id(pair.layer)] = min(least.get(id(pair.layer), NEAR), pair.distance)
    return [pair for pair in found if pair.distance <= max(_SURE * least[id(pair.layer)], _ROUNDED)]


def _forms(layer: Layer) -> Iterator[_Form]:
    array = layer.values[0]
    for order in orders(array.shape):
        yield _Form(layer, order, _elements(array.transpose(order)))


def _elements(array: Array) -> Array:
    """A few elements, the same ones of every array of this size, without a copy of it."""
    places = np.random.default_rng(array.size).integers(0, array.size, min(array.size, _PROBES))
    picked: Array = _finite(array[np.unravel_index(places, array.shape)])
    return picked


def _nearest(name: str, values: Values, forms: Sequence[_Form], words: Mapping[str, Words]) -> Pair | None:
    """Of layers that are equally near (a flattening and what it flattens) the one whose name is kept, or the last."""
    if not forms:
        return None
    few = _elements(values[0][name])
    apart = np.linalg.norm(np.stack([form.elements for form in forms]) - few, axis=1)
    tried = [forms[place] for place in sorted(np.argsort(apart, kind="stable")[:_TRIED])]
    pairs = [pair for form in tried if (pair := _paired(name, values, form.layer, form.order, BY_VALUE)) is not None]
    near = [pair for pair in pairs if pair.distance <= NEAR]
    least = min((pair.distance for pair in near), default=0.0)
    named = [pair for pair in near if pair.distance <= _SURE * least + _EQUAL and bears(words[name], pair.layer.scopes)]
    if named:
        return replace(min(named, key=lambda pair: pair.distance), by=BY_BOTH)
    best = [pair for pair in near if pair.distance <= least + _EQUAL]
    return best[-1] if best else None


_TRIED = 6
_EQUAL = 1e-9


def _paired(name: str, values: Values, layer: Layer, order: tuple[int, ...], by: str) -> Pair | None:
    wants = []
    for got, value in zip(values, layer.values, strict=True):
        want = arranged(value, order, got[name].shape) if value.ndim == len(order) else None
        if want is None:
            return None
        wants.append(want)
    apart = max(distance(want, got[name]) for want, got in zip(wants, values, strict=True))
    return Pair(name, layer, by, tuple(wants), apart)


def distance(want: Array, got: Array) -> float:
    """Root mean square of the difference as a share of the values' own spread (their standard deviation).

    Infinite where they don't vary: zeros look like anything.
    """
    want, got = _finite(want), _finite(got)
    spread = float(np.linalg.norm(want - want.mean()))
    return float(np.linalg.norm(got - want)) / spread if spread else float("inf")


def _finite(array: Array) -> Array:
    """In float64, which can hold the squares; NaN as zero, infinities as the greatest number of float32."""
    return np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=3.4e38, neginf=-3.4e38)


def _by_name(
    graph: onnx.GraphProto, values: Values, layers: Sequence[Layer], words: Mapping[str, Words], paired: set[str]
) -> Iterator[Pair]:
    """For layers whose values nothing has: the nearest of the results that bear their name."""
    for layer in layers:
        free = [name for name in leaving(graph, words, layer.scopes) if name not in paired]
        pairs = [
            pair
            for name in free
            for order in orders(layer.values[0].shape)
            if (pair := _paired(name, values, layer, order, BY_NAME)) is not None
        ]
        if pairs:
            best = min(pairs, key=lambda pair: pair.distance)
            paired.add(best.tensor)
            yield best
