"""How far two models' outputs are apart, as one number for a feed: what the search makes as large as it can."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..report.types import Tolerance
from ..verdict.metrics import base_allowance
from ..verdict.output_checks import dtype_name
from ..verdict.policies import DefaultPolicy

if TYPE_CHECKING:
    from ..signature import Array, TensorSpec

    Outputs = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Measure:
    """What is allowed of each floating output: its tolerance, and the part of it that is the same for all elements.

    The table of the default policy, at the scale that the samples' outputs have: a fixed yardstick, so that the search
    doesn't run after inputs whose outputs are merely small.
    """

    bound: Mapping[str, str]
    allowed: Mapping[str, tuple[Tolerance, float]]

    def of(self, expected: Outputs, actual: Outputs) -> float:
        """The greatest difference as a multiple of what is allowed; infinite where outputs can't be compared."""
        floating = [self._apart(expected[theirs], actual[ours], theirs) for ours, theirs in self._pairs(expected)]
        return max(floating) if floating else self._differing(expected, actual)

    def _pairs(self, expected: Outputs) -> list[tuple[str, str]]:
        return [(ours, theirs) for ours, theirs in self.bound.items() if theirs in expected and theirs in self.allowed]

    def _apart(self, want: Array, got: Array, name: str) -> float:
        if want.shape != got.shape:
            return math.inf
        tolerance, base = self.allowed[name]
        want, got = (array.astype(np.float64) for array in (want, got))
        same = (want == got) | (np.isnan(want) & np.isnan(got))
        if not (same | (np.isfinite(want) & np.isfinite(got))).all():
            return math.inf
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.abs(got - want) / (base + tolerance.rtol * np.abs(want))
        return float(np.where(same, 0.0, shares).max(initial=0.0))

    def _differing(self, expected: Outputs, actual: Outputs) -> float:
        """Without floating outputs: how many elements differ."""
        pairs = [(expected[theirs], actual[ours]) for ours, theirs in self.bound.items() if theirs in expected]
        if any(want.shape != got.shape for want, got in pairs):
            return math.inf
        return float(sum(np.count_nonzero(want != got) for want, got in pairs))


def measure(
    specs: Sequence[TensorSpec],
    bound: Mapping[str, str],
    expected: Sequence[Outputs],
    actual: Sequence[Outputs],
) -> Measure:
    """The yardstick for outputs as these, in which ``bound`` maps the candidate's names to the reference's."""
    partners = {theirs: ours for ours, theirs in bound.items()}
    allowed = {}
    for spec in specs:
        wanted = [outputs[spec.name] for outputs in expected if spec.name in outputs]
        given = [outputs[partners[spec.name]] for outputs in actual if partners.get(spec.name) in outputs]
        if not wanted or not given:
            continue
        tolerance = DefaultPolicy().tolerance(spec, wanted, dtype_name(given[0]))
        if not tolerance.exact:
            allowed[spec.name] = (tolerance, float(np.median([base_allowance(array, tolerance) for array in wanted])))
    return Measure(bound, allowed)
