"""What decides how far an output may be off: the part of the verdict that can be replaced. Light."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ..report.types import Tolerance
from ..signature import TensorSpec

if TYPE_CHECKING:
    from ..signature import Array
    from .evidence import Evidence


class Policy(Protocol):
    """Decides the tolerance of each output."""

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """Refuse, before anything runs, what can't be meant. Raises ParityGateError PG201."""

    def informed(self, evidence: Evidence) -> Policy:
        """The same policy, knowing what was measured of the two models."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The tolerance of one output, given the reference's values in every sample."""

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """How far each element may be off, one float64 array per sample; None where ``tolerance``'s formula says it."""
