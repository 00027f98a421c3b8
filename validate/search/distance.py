"""How much two models' outputs differ, as one number: what the search maximises."""

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


_REPRODUCED = 0.5
"""Share of a distance that shows it again."""


def reproduces(distance: float, found: float) -> bool:
    """Whether a sample on which the outputs are ``distance`` apart shows the distance that a search has ``found``."""
    return distance >= _REPRODUCED * found


@dataclass(frozen=True, slots=True)
class OutputDistance:
    """Measures differences in units of what is allowed.

    ``bound`` maps the candidate's outputs to the reference's. ``allowed`` maps each floating output of the reference to
    its tolerance and to the part of the allowance that is the same for all elements. Both are fixed at the scale of the
    samples' outputs, so that the search doesn't favour inputs whose outputs are merely small.
    """

    bound: Mapping[str, str]
    allowed: Mapping[str, tuple[Tolerance, float]]

    def between(self, expected: Outputs, actual: Outputs) -> float:
        """The greatest difference as a multiple of what is allowed; infinite where outputs can't be compared.

        Without floating outputs, the number of elements that differ.
        """
        shares = [self._share(expected[name], actual[own], name) for own, name in self._pairs(expected, self.allowed)]
        return max(shares) if shares else self._count_differing(expected, actual)

    def _pairs(self, expected: Outputs, names: Mapping[str, object]) -> list[tuple[str, str]]:
        return [(own, name) for own, name in self.bound.items() if name in expected and name in names]

    def _share(self, expected: Array, actual: Array, name: str) -> float:
        if expected.shape != actual.shape:
            return math.inf
        tolerance, base = self.allowed[name]
        expected, actual = (array.astype(np.float64) for array in (expected, actual))
        same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
        if not (same | (np.isfinite(expected) & np.isfinite(actual))).all():
            return math.inf
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.abs(actual - expected) / (base + tolerance.rtol * np.abs(expected))
        return float(np.where(same, 0.0, shares).max(initial=0.0))

    def _count_differing(self, expected: Outputs, actual: Outputs) -> float:
        pairs = [(expected[name], actual[own]) for own, name in self._pairs(expected, expected)]
        if any(one.shape != other.shape for one, other in pairs):
            return math.inf
        return float(sum(np.count_nonzero(one != other) for one, other in pairs))


def distance_like(
    specs: Sequence[TensorSpec],
    bound: Mapping[str, str],
    expected: Sequence[Outputs],
    actual: Sequence[Outputs],
) -> OutputDistance:
    """The distance for outputs of the scale of ``expected``: the table of the default policy decides what is allowed.

    ``bound`` maps the candidate's outputs to the reference's.
    """
    partners = {name: own for own, name in bound.items()}
    allowed = {}
    for spec in specs:
        references = [outputs[spec.name] for outputs in expected if spec.name in outputs]
        candidates = [outputs[partners[spec.name]] for outputs in actual if partners.get(spec.name) in outputs]
        if not references or not candidates:
            continue
        tolerance = DefaultPolicy().tolerance(spec, references, dtype_name(candidates[0]))
        if not tolerance.exact:
            bases = [base_allowance(array, tolerance) for array in references]
            allowed[spec.name] = (tolerance, float(np.median(bases)))
    return OutputDistance(bound, allowed)
