"""Which tensors of a candidate are right: how far each may be off by the noise of the graph that leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..noise.floor import floor_of
from ..noise.measure import measure_noise
from ..noise.precision import precision_of
from ..signature import TensorSpec
from ..verdict.computed import ComputedPolicy, Evidence
from ..workers.job import Narrowed
from .probe import Probe, Showing

if TYPE_CHECKING:
    from ..signature import Array


@dataclass(frozen=True, slots=True)
class Judged:
    """One tensor against the reference's values for it, in its own shape. ``allowed`` is by element."""

    want: Array
    got: Array
    allowed: Array

    @property
    def error(self) -> Array:
        """By element; infinite where NaN or infinity stand on one side only, or with another sign."""
        want, got = self.want.astype(np.float64), self.got.astype(np.float64)
        same = (want == got) | (np.isnan(want) & np.isnan(got))
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(got - want)
        return np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf))

    @property
    def good(self) -> bool:
        """Whether rounding explains every element."""
        return bool((self.error <= self.allowed).all())

    @property
    def worst(self) -> tuple[int, ...]:
        """The place of the element that is furthest beyond what is allowed."""
        beyond = self.error - self.allowed
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(beyond)), beyond.shape))


def judge_tensors(probe: Probe, wants: Mapping[str, Array], seconds: float | None) -> dict[str, Judged]:
    """Every tensor of ``wants`` as the candidate has it, and what rounding explains there.

    ``seconds`` bounds the perturbed runs. A graph that can't be perturbed is judged by the dtypes' table. Raises what
    :meth:`.probe.Probe.read` raises.
    """
    got = probe.read(list(wants))
    floors = _floors(probe, got, seconds)
    return {name: Judged(want, got[name], _allowed(name, want, got[name], floors)) for name, want in wants.items()}


def again(judged: Judged, got: Array) -> Judged:
    """Another value of the same tensor, by the same allowance."""
    return Judged(judged.want, got, judged.allowed)


def _floors(probe: Probe, got: Mapping[str, Array], seconds: float | None) -> dict[str, Array]:
    showing = Showing(probe.model, tuple(got))
    precision = precision_of(probe.model, Narrowed())
    noise = measure_noise(showing, lambda model: [probe.answer(model)], [got], seconds, precision)
    if noise is None:
        return {}
    squares = noise.squares[0]
    return {name: floor_of(squares[name], got[name], noise.runs) for name in got if name in squares}


def _allowed(name: str, want: Array, got: Array, floors: Mapping[str, Array]) -> Array:
    if got.dtype.kind != "f":
        return np.zeros(want.shape)
    policy = ComputedPolicy(Evidence(floors={name: (floors[name],)} if name in floors else {}))
    spec, reference = TensorSpec(name, want.dtype.name, want.shape), [want]
    tolerance = policy.tolerance(spec, reference, got.dtype.name)
    allowances: Sequence[Array] | None = policy.allowances(spec, reference, tolerance)
    if allowances is not None:
        return allowances[0]
    from ..verdict.metrics import base_allowance

    return np.asarray(base_allowance(want, tolerance) + tolerance.rtol * np.abs(want.astype(np.float64)))
