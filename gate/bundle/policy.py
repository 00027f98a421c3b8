"""Judge by what was allowed when the proof was made, element by element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...validate.report.types import Tolerance
from ...validate.signature import TensorSpec
from ...validate.verdict.evidence import Evidence

if TYPE_CHECKING:
    from ...validate.signature import Array


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """The bundle's tolerances, by output, and its allowances: one float64 array per sample.

    Outputs without a tolerance are compared exactly.
    """

    tolerances: Mapping[str, Tolerance]
    stored: Mapping[str, tuple[Array, ...]]

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """The bundle's reader has checked them."""

    def informed(self, evidence: Evidence) -> StoredPolicy:
        """The same: nothing that is measured here widens what was allowed there."""
        return self

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """As it was in the report."""
        return self.tolerances.get(spec.name, Tolerance())

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """As they were; None for a part of the samples, where the tolerance's formula says it."""
        stored = self.stored.get(spec.name)
        fits = stored is not None and [a.shape for a in stored] == [a.shape for a in reference]
        return stored if fits else None
