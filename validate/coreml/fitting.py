"""Models that are lowered for the shapes that they are fed.

Older neural networks accept sequences and batches of their declared inputs, as arrays of rank 5. Some models can't be
lowered for all shapes that they declare at once: the rank of a blob may depend on them, or a network may fit one length
of a sequence only, which nothing in the file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..errors import ParityGateError
from . import features
from .features import Feature
from .files.package import Package
from .lower import Lowered, declared_inputs, lower
from .models.neural_network import takes_sequences
from .values import Shape

Shapes = Mapping[str, Shape]
"""The shapes of inputs, by name."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """Lowers a model for given input shapes.

    ``only`` are the shapes that the first lowering is for; None if it serves all declared shapes. ``sequences``: arrays
    may have leading axes for sequence and batch.
    """

    lower: Callable[[Shapes], Lowered]
    sequences: bool
    only: Shapes | None = None

    def wanted(self, inputs: Sequence[Feature], given: Mapping[str, Any]) -> dict[str, Shape]:
        """The shapes to lower for; empty if the first lowering serves. Raises PG204 for shapes that aren't allowed."""
        sequences = {f.name: shape for f in inputs if (shape := self._sequence(f, given)) is not None}
        if self.only is None:
            return sequences
        return {f.name: sequences.get(f.name) or _shape(f, given) for f in inputs if f.keys is None}

    def serves(self, shapes: Shapes) -> bool:
        """Whether the first lowering is right for ``shapes``."""
        return not shapes or shapes == self.only

    def _sequence(self, feature: Feature, given: Mapping[str, Any]) -> Shape | None:
        if not self.sequences or feature.kind != "multiArrayType" or feature.name not in given:
            return None
        array = np.asarray(given[feature.name])
        return features.sequence_shape(feature, array) if array.ndim == features.SEQUENCE_RANK else None


def _shape(feature: Feature, given: Mapping[str, Any]) -> Shape:
    found = features.encode(feature, given[feature.name]) if feature.name in given else features.absent(feature)
    (array,) = found.values()
    return array.shape


def fitted(package: Package, function_name: str | None) -> tuple[Lowered, Fitting | None]:
    """The model lowered for all shapes that it declares or, where that fails, for some, and how to lower it for others.

    Raises what :func:`.lower.lower` raises for the declared shapes, if the model can't be lowered for any.
    """
    for_shapes = partial(lower, package, function_name)
    sequences = takes_sequences(package.spec)
    try:
        return for_shapes(), Fitting(for_shapes, sequences) if sequences else None
    except ParityGateError as error:
        inputs = declared_inputs(package, function_name)
        for only in [*layouts(inputs), *(_open_sequences(inputs) if sequences else ())]:
            lowered = _attempt(for_shapes, only)
            if lowered is not None:
                return replace(lowered, inputs=inputs), Fitting(for_shapes, sequences, only)
        raise error


def _attempt(for_shapes: Callable[[Shapes], Lowered], shapes: Shapes) -> Lowered | None:
    try:
        return for_shapes(shapes)
    except ParityGateError:
        return None


def layouts(inputs: Sequence[Feature]) -> tuple[dict[str, tuple[int, ...]], ...]:
    """Shapes that the inputs may have together; empty if no shape is flexible, or if one is unknown."""
    examples = {f.name: f.allowed.examples if f.allowed else (_fixed(f),) for f in inputs}
    count = max(map(len, examples.values()), default=0)
    if count < 2 or not all(examples.values()):
        return ()
    return tuple({name: shapes[i % len(shapes)] for name, shapes in examples.items()} for i in range(count))


def _fixed(feature: Feature) -> tuple[int, ...]:
    return tuple(d or 1 for d in feature.shape or ())


def _open_sequences(inputs: Sequence[Feature]) -> Iterator[dict[str, Shape]]:
    """The declared shapes with sequence and batch of any length in front."""
    yield {f.name: (None, None, *features.without_sequence(f)) for f in inputs if f.kind == "multiArrayType"}
