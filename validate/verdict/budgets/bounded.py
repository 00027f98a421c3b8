"""Which outputs a budget bounds, and the policy under it: no bound for their single elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import ParityGateError
from ...report.budgets import Budgets
from ...report.types import Tolerance
from ...report.user_checks import Source
from ...signature import TensorSpec
from ..policies import coarser_dtype
from ..policy import Policy

if TYPE_CHECKING:
    from ...signature import Array
    from ..evidence import Evidence

ANYTHING = Tolerance(atol=math.inf, source=Source.BUDGET)
"""No bound for single elements."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The reference's outputs that choose a class: ``scores`` by the greatest, ``labels`` by name."""

    scores: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()

    @property
    def classes(self) -> frozenset[str]:
        """All of them."""
        return self.scores | self.labels


def covered(budgets: Budgets, specs: Sequence[TensorSpec], roles: Roles) -> frozenset[str]:
    """The outputs that some budget bounds; all others keep their tolerance. A metric sees all outputs.

    Raises ParityGateError PG201 for a bound on flips where no output gives classes.
    """
    if budgets.max_flips is not None and not roles.classes:
        cause = "no output gives classes (scores of two or more classes along the last of two axes, or labels)"
        raise ParityGateError("PG201", "--max-flips", cause, "Give --min-snr or --max-drop.")
    found = set(roles.classes if budgets.max_flips is not None else ())
    if budgets.min_snr is not None:
        found |= {spec.name for spec in specs if spec.dtype.startswith(("float", "bfloat"))}
    if budgets.max_drop:
        found |= {spec.name for spec in specs}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """Another policy, except for the outputs that budgets bound: of their numbers, any may differ."""

    policy: Policy
    bounded: frozenset[str]

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """What the other policy says."""
        self.policy.check(specs)

    def informed(self, evidence: Evidence) -> Policy:
        """The other policy, informed."""
        return replace(self, policy=self.policy.informed(evidence))

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """The other policy's, for outputs that no budget bounds."""
        return None if tolerance.source is Source.BUDGET else self.policy.allowances(spec, reference, tolerance)

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """No bound for the elements of a bounded output."""
        if spec.name not in self.bounded:
            return self.policy.tolerance(spec, reference, candidate_dtype)
        return replace(ANYTHING, dtype=coarser_dtype(spec.dtype, candidate_dtype))
