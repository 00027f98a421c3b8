"""Which tensors of a candidate are correct: each element's allowance is the noise of the graph that leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParityGateError
from ..noise.floor import floor_of
from ..noise.measure import measure_noise
from ..noise.precision import precision_of
from ..noise.request import Narrowed
from ..signature import TensorSpec
from ..verdict.computed import ComputedPolicy
from ..verdict.evidence import Evidence
from ..verdict.metrics import base_allowance
from .instrumented import InstrumentedRun, ShowingTensors

if TYPE_CHECKING:
    from ..signature import Array


_UNMEASURED = "PG316"


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """One tensor: the reference's values in the candidate's shape, the candidate's, and the allowance by element."""

    expected: Array
    actual: Array
    allowed: Array

    @property
    def error(self) -> Array:
        """By element; infinite where only one side has NaN or infinity, or their signs differ."""
        expected, actual = self.expected.astype(np.float64), self.actual.astype(np.float64)
        same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
        with np.errstate(invalid="ignore", over="ignore"):
            difference = np.abs(actual - expected)
        return np.where(same, 0.0, np.where(np.isfinite(difference), difference, np.inf))

    @property
    def passes(self) -> bool:
        """Whether rounding explains every element."""
        return bool((self.error <= self.allowed).all())

    @property
    def worst(self) -> tuple[int, ...]:
        """The index of the element that exceeds its allowance most."""
        excess = self.error - self.allowed
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(excess)), excess.shape))

    def with_actual(self, actual: Array) -> TensorComparison:
        """The same expectation and allowance for another value of the tensor."""
        return replace(self, actual=actual)


def compare_tensors(
    run: InstrumentedRun, expected: Mapping[str, Array], seconds: float | None
) -> dict[str, TensorComparison]:
    """Run the candidate and compare every tensor of ``expected``.

    ``seconds`` limits the perturbed runs. Where the graph can't be perturbed, the table of the dtypes decides. Raises
    what :meth:`.instrumented.InstrumentedRun.read` raises.
    """
    actual = run.read(list(expected))
    floors = _floors(run, actual, seconds)
    return {
        name: TensorComparison(values, actual[name], _allowed(name, values, actual[name], floors))
        for name, values in expected.items()
    }


def _floors(run: InstrumentedRun, actual: Mapping[str, Array], seconds: float | None) -> dict[str, Array]:
    showing = ShowingTensors(run.model, tuple(actual))
    precision = precision_of(run.model, Narrowed())
    try:
        noise = measure_noise(showing, lambda model: [run.run(model)], [actual], seconds, precision)
    except ParityGateError as error:
        if error.code != _UNMEASURED:
            raise
        return {}
    squares = noise.squares[0]
    return {name: floor_of(squares[name], actual[name], noise.runs) for name in actual if name in squares}


def _allowed(name: str, expected: Array, actual: Array, floors: Mapping[str, Array]) -> Array:
    if actual.dtype.kind != "f":
        return np.zeros(expected.shape)
    policy = ComputedPolicy(Evidence(floors={name: (floors[name],)} if name in floors else {}))
    spec, reference = TensorSpec(name, expected.dtype.name, expected.shape), [expected]
    tolerance = policy.tolerance(spec, reference, actual.dtype.name)
    allowances: Sequence[Array] | None = policy.allowances(spec, reference, tolerance)
    if allowances is not None:
        return allowances[0]
    return np.asarray(base_allowance(expected, tolerance) + tolerance.rtol * np.abs(expected.astype(np.float64)))
