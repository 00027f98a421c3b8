"""The default tolerance: what this model's own rounding explains, element by element; see docs/verdict-theory.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ..report.types import Tolerance
from ..report.user_checks import Source
from ..signature import EPSILON, TensorSpec
from .evidence import Evidence
from .metrics import base_allowance
from .policies import DefaultPolicy, coarser_dtype
from .policy import Policy

if TYPE_CHECKING:
    from ..signature import Array

FACTOR = 4.0
"""How many noise floors a difference may be: the floor is two standard deviations, so eight of them."""

CONDITION = 64.0
"""How many times the reference's own floor, under inputs whose last bit is shaken, a rougher candidate may be off."""

_ULPS = 2.0  # the reference's last rounding and the candidate's


@dataclass(frozen=True, slots=True)
class ComputedPolicy:
    """An element passes if rounding explains its difference; where none was measured, if the dtype's table does.

    A floor beyond the table's row counts only as far as the reference itself is unsteady there: a conversion that
    rounds worse than its source isn't excused by that.
    """

    evidence: Evidence = field(default_factory=Evidence)
    ceiling: DefaultPolicy = field(default_factory=DefaultPolicy)

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """Nothing to check."""

    def informed(self, evidence: Evidence) -> Policy:
        """The same policy with what was measured."""
        return replace(self, evidence=evidence)

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The table's row, which is the ceiling; its source is "computed" where a floor was measured."""
        row = self.ceiling.tolerance(spec, reference, candidate_dtype)
        floors = self.evidence.floors.get(spec.name)
        if row.exact or floors is None or not _fit(floors, reference):
            return row
        return replace(row, source=Source.COMPUTED, factor=FACTOR, floor=_typical(floors), runs=self.evidence.runs)

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """How far each element may be off: ``min(4*floor, max(table, 64*condition)) + 2 ulp``; None for the table.

        Four times the smallest normal number come on top: TensorFlow's kernels flush about as much to 0.
        """
        if tolerance.source is not Source.COMPUTED:
            return None
        floors = self.evidence.floors[spec.name]
        jumping = spec.name in self.evidence.jumping
        conditions = () if jumping else self.evidence.conditions.get(spec.name, ())
        row = self._row_of_path(spec, reference, tolerance)
        return tuple(
            _allowance(want, floors[n], conditions[n] if conditions else None, row, tolerance.dtype)
            for n, want in enumerate(reference)
        )

    def _row_of_path(self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance) -> Tolerance:
        """The table's row of the coarsest type on the way to an output: a cast at its end makes it no better."""
        coarsest = coarser_dtype(tolerance.dtype, self.evidence.coarsest.get(spec.name, tolerance.dtype))
        if coarsest == tolerance.dtype:
            return tolerance
        return self.ceiling.tolerance(replace(spec, dtype=coarsest), reference, coarsest)


def _fit(floors: Sequence[Array], values: Sequence[Array]) -> bool:
    """Whether every sample's floors have its shape: those of a candidate that gives another one don't."""
    return all(floor.shape == value.shape for floor, value in zip(floors, values, strict=False))


def _allowance(want: Array, floor: Array, condition: Array | None, row: Tolerance, dtype: str) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        magnitude = np.abs(want.astype(np.float64))
        ceiling = base_allowance(want, row) + row.rtol * magnitude
        if condition is not None:
            ceiling = np.maximum(ceiling, CONDITION * condition)
        allowed: Array = np.minimum(FACTOR * floor, ceiling) + _ULPS * _spacing(magnitude, dtype) + _flushed(dtype)
    return np.where(np.isfinite(magnitude), allowed, 0.0)


def _flushed(dtype: str) -> float:
    """What a kernel may flush to 0: four times the smallest normal number; in float16, which begins at 6e-5, nothing.

    TensorFlow 2.21 gives 0 up to exp(-87.34) = 1.2e-38 in Exp, and up to 2.3e-38 in Softmax (1.18e-38 is the smallest).
    """
    return 0.0 if dtype == "float16" else 4 * _smallest(dtype)


def _smallest(dtype: str) -> float:
    return float(np.finfo(dtype).tiny) if dtype != "bfloat16" else 2.0**-126


def _spacing(magnitude: Array, dtype: str) -> Array:
    """The spacing of the dtype's numbers at each magnitude; that of its smallest normal one at zero."""
    return np.asarray(EPSILON[dtype] * 2.0 ** np.floor(np.log2(np.maximum(magnitude, _smallest(dtype)))))


def _typical(floors: Sequence[Array]) -> float:
    """The median floor of the elements that have any."""
    positive = [floor[floor > 0] for floor in floors]
    return float(np.median(np.concatenate(positive))) if any(part.size for part in positive) else 0.0
