"""Matches the tensors of a candidate to layers of its source: by their values first, then by their names.

A match only says where to look: whether a tensor is correct is decided afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from .layer_names import NameParts, in_scope, name_parts, scope_results
from .layers import Layer, axis_orders, rearrange

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

    Values = Sequence[Mapping[str, Array]]


class MatchedBy(StrEnum):
    """How a tensor and a layer were found to belong together; the report prints it."""

    NAME_AND_VALUE = "name and value"
    VALUE = "value"
    NAME = "name"
    OUTPUT = "output"


NEAR = 0.2
"""The greatest distance, as a share of the values' own spread, at which a tensor matches a layer by value."""

_SURE = 4.0  # how many times further than a layer's nearest tensor another may be: that is rounding, not another layer
_ROUNDED = 1e-5
_EQUAL = 1e-9
_ELEMENTS = 256
_NEAREST = 6


@dataclass(frozen=True, slots=True)
class Match:
    """A tensor, its layer, and the layer's values in the tensor's shape, one array per sample."""

    tensor: str
    layer: Layer
    by: MatchedBy
    expected: tuple[Array, ...]
    distance: float


def match_layers(graph: onnx.GraphProto, values: Values, layers: Sequence[Layer]) -> list[Match]:
    """One match per tensor of ``values`` (one mapping, tensor -> floating array, per sample) that has a layer."""
    layers = [layer for layer in layers if layer.values[0].size]
    parts = {name: name_parts(node) for node in graph.node for name in node.output if name in values[0]}
    found = _match_by_value(values, layers, parts)
    tensors, matched = {match.tensor for match in found}, {id(match.layer) for match in found}
    rest = [layer for layer in layers if id(layer) not in matched]
    return found + list(_match_by_name(graph, values, rest, parts, tensors))


@dataclass(frozen=True, slots=True)
class _Form:
    """A layer with its axes in one order, and the few of its elements that are compared first."""

    layer: Layer
    order: tuple[int, ...]
    elements: Array


def _match_by_value(values: Values, layers: Sequence[Layer], parts: Mapping[str, NameParts]) -> list[Match]:
    """The nearest layer of each tensor, unless that layer has a tensor that is much nearer."""
    forms: dict[int, list[_Form]] = defaultdict(list)
    for layer in layers:
        forms[layer.values[0].size] += _forms(layer)
    found = [
        match
        for name, array in values[0].items()
        if (match := _nearest(name, values, forms.get(array.size, []), parts)) is not None
    ]
    least: dict[int, float] = {}
    for match in found:
        least[id(match.layer)] = min(least.get(id(match.layer), NEAR), match.distance)
    return [match for match in found if match.distance <= max(_SURE * least[id(match.layer)], _ROUNDED)]


def _forms(layer: Layer) -> Iterator[_Form]:
    array = layer.values[0]
    for order in axis_orders(array.shape):
        yield _Form(layer, order, _some_elements(array.transpose(order)))


def _some_elements(array: Array) -> Array:
    """A few elements, the same ones of every array of this size, without a copy of the array."""
    places = np.random.default_rng(array.size).integers(0, array.size, min(array.size, _ELEMENTS))
    wide = np.atleast_1d(array)  # numpy finds no places in an array without axes
    picked: Array = _finite(wide[np.unravel_index(places, wide.shape)])
    return picked


def _nearest(name: str, values: Values, forms: Sequence[_Form], parts: Mapping[str, NameParts]) -> Match | None:
    """Of equally near layers (a flattening and what it flattens), the one whose name was kept, else the last."""
    near = [match for match in _nearest_forms(name, values, forms) if match.distance <= NEAR]
    least = min((match.distance for match in near), default=0.0)
    named = [
        match
        for match in near
        if match.distance <= _SURE * least + _EQUAL and in_scope(parts[name], match.layer.scopes)
    ]
    if named:
        return replace(min(named, key=lambda match: match.distance), by=MatchedBy.NAME_AND_VALUE)
    best = [match for match in near if match.distance <= least + _EQUAL]
    return best[-1] if best else None


def _nearest_forms(name: str, values: Values, forms: Sequence[_Form]) -> list[Match]:
    """Matches with the few forms that are nearest by some of their elements."""
    if not forms:
        return []
    elements = _some_elements(values[0][name])
    distances = np.linalg.norm(np.stack([form.elements for form in forms]) - elements, axis=1)
    tried = [forms[position] for position in sorted(np.argsort(distances, kind="stable")[:_NEAREST])]
    matches = [_match(name, values, form.layer, form.order, MatchedBy.VALUE) for form in tried]
    return [match for match in matches if match is not None]


def _match(name: str, values: Values, layer: Layer, order: tuple[int, ...], by: MatchedBy) -> Match | None:
    """The tensor and the layer with its axes in this order; None where their shapes don't fit in every sample."""
    rearranged = []
    for outputs, value in zip(values, layer.values, strict=True):
        expected = rearrange(value, order, outputs[name].shape) if value.ndim == len(order) else None
        if expected is None:
            return None
        rearranged.append(expected)
    apart = max(distance(expected, outputs[name]) for expected, outputs in zip(rearranged, values, strict=True))
    return Match(name, layer, by, tuple(rearranged), apart)


def distance(expected: Array, actual: Array) -> float:
    """Root mean square of the difference as a share of the expected values' standard deviation.

    Infinite where these don't vary: a constant tensor matches nothing.
    """
    expected, actual = _finite(expected), _finite(actual)
    spread = float(np.linalg.norm(expected - expected.mean()))
    return float(np.linalg.norm(actual - expected)) / spread if spread else float("inf")


def _finite(array: Array) -> Array:
    """In float64, which can hold the squares; NaN as zero, infinities as the greatest float32."""
    return np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=3.4e38, neginf=-3.4e38)


def _match_by_name(
    graph: onnx.GraphProto, values: Values, layers: Sequence[Layer], parts: Mapping[str, NameParts], matched: set[str]
) -> Iterator[Match]:
    """For layers that no tensor matches by value: the nearest of the results that carry their name."""
    for layer in layers:
        free = [name for name in scope_results(graph, parts, layer.scopes) if name not in matched]
        matches = [
            match
            for name in free
            for order in axis_orders(layer.values[0].shape)
            if (match := _match(name, values, layer, order, MatchedBy.NAME)) is not None
        ]
        if matches:
            best = min(matches, key=lambda match: match.distance)
            matched.add(best.tensor)
            yield best
