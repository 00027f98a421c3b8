"""What lowerings pass around: tensors of the graph under construction, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .dtypes import Dtype
from .refuse import unsupported

if TYPE_CHECKING:
    from ..signature import Array

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor of the graph. ``shape`` is None where the rank is unknown, a dimension is None where it varies.

    ``value`` is the content of a constant; a constant enters the ONNX graph only where a node uses it.
    """

    name: str
    dtype: Dtype
    shape: Shape | None
    value: Array | None = None

    @property
    def rank(self) -> int:
        """The number of axes. Raises PG404 when it isn't known before running."""
        if self.shape is None:
            raise unsupported(self.name, "its rank is not known before the model runs")
        return len(self.shape)

    @property
    def static_shape(self) -> tuple[int, ...] | None:
        """The shape when every dimension is known, else None."""
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
"""A length: known, or an int64 vector of one element that the model computes."""

Slot = Tensor | Pairs
"""What a feature of a model is inside the graph."""
