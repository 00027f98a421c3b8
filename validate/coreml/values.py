"""The values that lowerings exchange: tensors of the graph under construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .dtypes import Dtype
from .errors import unsupported

if TYPE_CHECKING:
    from ..signature import Array

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor of the graph. ``shape`` is None if the rank is unknown, a dimension is None if it varies.

    ``value`` is the content of a constant; a constant is added to the ONNX graph only if a node uses it.
    """

    name: str
    dtype: Dtype
    shape: Shape | None
    value: Array | None = None

    @property
    def rank(self) -> int:
        """The number of axes. Raises PG404 when it isn't known before the model runs."""
        if self.shape is None:
            raise unsupported(self.name, "its rank is not known before the model runs")
        return len(self.shape)

    @property
    def static_shape(self) -> tuple[int, ...] | None:
        """The shape if every dimension is known, else None."""
        if self.shape is None or None in self.shape:
            return None
        return tuple(d for d in self.shape if d is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """A dictionary inside the graph: two vectors of equal length."""

    keys: Tensor
    values: Tensor


Tensors = tuple[Tensor, ...]

Dim = int | Tensor
"""A length: a number, or an int64 vector of one element that the model computes."""

Slot = Tensor | Pairs
"""A feature of a model inside the graph."""
