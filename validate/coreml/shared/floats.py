"""Values that neural networks store as float32 for lack of other types: truth values, indices and shapes.

Blobs have at least one axis, so a scalar is a vector of one element.
"""

from __future__ import annotations

import math

import numpy as np

from ..graph import Dim, Graph, Tensor
from ..rules import broken

LAST = np.iinfo(np.int64).max
"""An index past the end of every axis; ONNX's Slice clamps it."""


def truth(g: Graph, x: Tensor) -> Tensor:
    """Whether each element differs from zero."""
    return g.cast(x, "bool")


def number(g: Graph, x: Tensor) -> Tensor:
    """A result of another type (truth values, indices) as a blob."""
    return at_least_1d(g, g.cast(x, "float32"))


def indices(g: Graph, x: Tensor) -> Tensor:
    """A blob of integers as int64."""
    return g.cast(x, "int64")


def shape_vector(g: Graph, x: Tensor) -> Tensor:
    """A blob with one number per axis as an int64 vector."""
    numbers = indices(g, x)
    return numbers if numbers.shape is not None and len(numbers.shape) == 1 else g.reshape(numbers, [-1])


def scalar(g: Graph, x: Tensor) -> Tensor:
    """A tensor of one element as a scalar. Raises PG404 naming the layer or operator for one of any other size."""
    if x.static_shape is not None and math.prod(x.static_shape) != 1:
        raise broken(g.place, [x.shape])
    return g.reshape(x, [])


def at_least_1d(g: Graph, x: Tensor) -> Tensor:
    """``x``; a scalar becomes a vector."""
    return g.reshape(x, [1]) if x.shape == () else x


def reshaped(g: Graph, x: Tensor, shape: Tensor) -> Tensor:
    """``x`` in the shape given by an int64 vector; the rank is known if the length of the vector is."""
    if shape.value is not None:
        return g.reshape(x, [int(d) for d in shape.value])
    return _ranked(g, g.op("Reshape", x, shape), shape)


def expanded(g: Graph, x: Tensor, shape: Tensor) -> Tensor:
    """``x`` broadcast to the shape given by an int64 vector."""
    return _ranked(g, g.op("Expand", x, shape), shape)


def _ranked(g: Graph, x: Tensor, shape: Tensor) -> Tensor:
    length = shape.static_shape
    return x if length is None or x.shape is not None else g.typed(x, (None,) * length[0])


def dims(g: Graph, x: Tensor, start: int, end: int) -> list[Dim]:
    """The lengths of the axes from ``start`` to ``end``, both counted from the front."""
    return [g.dim(x, axis) for axis in range(start, end)]
