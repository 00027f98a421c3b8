"""How far an output may be off: the part of the verdict that can be replaced.

The default and the reasons for its figures are explained in docs/verdict-theory.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from ..errors import ParityGateError
from ..report.types import Tolerance
from ..report.user_checks import Source
from ..signature import EPSILON, STRING, TensorSpec
from .metrics import peak
from .policy import Policy

if TYPE_CHECKING:
    from ..signature import Array
    from .evidence import Evidence

EXACT = Tolerance()

DEFAULTS: Mapping[str, Tolerance] = {
    "float64": Tolerance(rtol=1e-9, atol=1e-12, ulps=4096, dtype="float64"),
    "float32": Tolerance(rtol=1e-4, atol=1e-6, ulps=128, dtype="float32"),
    "float16": Tolerance(rtol=4e-3, atol=1e-4, ulps=8, dtype="float16"),
    "bfloat16": Tolerance(rtol=3e-2, atol=1e-3, ulps=8, dtype="bfloat16"),
}
"""Tolerances per floating dtype, finest first; a dtype that isn't listed is compared exactly."""

_COMPONENT = {"complex64": "float32", "complex128": "float64"}
_PEAK_SHARE = 1e-5


class _ByFormula:
    """What all policies share whose tolerance is the same formula for all elements."""

    __slots__ = ()

    def informed(self, evidence: Evidence) -> Self:
        """It needs no measurement."""
        return self

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """The formula holds for every element."""
        return None


@dataclass(frozen=True, slots=True)
class DefaultPolicy(_ByFormula):
    """A tolerance per dtype, for outputs of any scale; see docs/verdict-theory.md."""

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """Nothing to check."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The coarser dtype's row; ``atol`` shrinks with outputs that are tiny in every sample."""
        dtype = coarser_dtype(spec.dtype, candidate_dtype)
        if dtype not in DEFAULTS:
            return EXACT
        row = DEFAULTS[dtype]
        return replace(row, atol=min(row.atol, _PEAK_SHARE * peak(reference)))


@dataclass(frozen=True, slots=True)
class FixedPolicy(_ByFormula):
    """The user's ``rtol`` and ``atol`` for every floating output; all other outputs stay exact."""

    rtol: float
    atol: float

    def __post_init__(self) -> None:
        check_bounds("--rtol/--atol", self.rtol, self.atol)

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """The bounds were checked on the way in."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The same bounds whatever the dtype."""
        dtype = coarser_dtype(spec.dtype, candidate_dtype)
        return Tolerance(self.rtol, self.atol, dtype=dtype, source=Source.USER) if dtype in DEFAULTS else EXACT


@dataclass(frozen=True, slots=True)
class OverridingPolicy:
    """Another policy, except for the outputs named: output -> (rtol, atol), for integers too."""

    default: Policy
    overrides: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (rtol, atol) in self.overrides.items():
            check_bounds(f"tolerance of output {name!r}", rtol, atol)

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """Raises PG201 for an output that doesn't exist, and for text and booleans, which have no distance."""
        dtypes = {spec.name: spec.dtype for spec in specs}
        for name in self.overrides:
            subject = f"tolerance of output {name!r}"
            if name not in dtypes:
                raise ParityGateError("PG201", subject, "there is no such output", f"Outputs: {', '.join(dtypes)}.")
            if dtypes[name] in (STRING, "bool"):
                raise ParityGateError(
                    "PG201", subject, f"{dtypes[name]} values are compared exactly; a tolerance does not apply"
                )
        self.default.check(specs)

    def informed(self, evidence: Evidence) -> Policy:
        """The other policy, informed."""
        return replace(self, default=self.default.informed(evidence))

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """The other policy's, for the outputs that aren't named."""
        return None if spec.name in self.overrides else self.default.allowances(spec, reference, tolerance)

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The bounds given for this output, or the other policy's."""
        if spec.name not in self.overrides:
            return self.default.tolerance(spec, reference, candidate_dtype)
        dtype = coarser_dtype(spec.dtype, candidate_dtype)
        return Tolerance(*self.overrides[spec.name], dtype=dtype, source=Source.USER)


@dataclass(frozen=True, slots=True)
class NarrowPolicy:
    """Another policy, for a candidate that computes in ``dtype`` whatever it gives: float16 rounds on the way."""

    policy: Policy
    dtype: str

    def check(self, specs: Sequence[TensorSpec]) -> None:
        """What the other policy says."""
        self.policy.check(specs)

    def informed(self, evidence: Evidence) -> Policy:
        """The other policy, informed."""
        return replace(self, policy=self.policy.informed(evidence))

    def allowances(
        self, spec: TensorSpec, reference: Sequence[Array], tolerance: Tolerance
    ) -> tuple[Array, ...] | None:
        """The other policy's."""
        return self.policy.allowances(spec, reference, tolerance)

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The other policy's tolerance of the coarser dtype."""
        return self.policy.tolerance(spec, reference, coarser_dtype(candidate_dtype, self.dtype))


def parse_tolerance(text: str) -> tuple[str, tuple[float, float]]:
    """``NAME:RTOL:ATOL`` -> (name, (rtol, atol)); the name may hold colons. Raises PG201."""
    name, *bounds = text.rsplit(":", 2)
    try:
        rtol, atol = map(float, bounds)
    except ValueError as error:
        raise ParityGateError(
            "PG201", text, "not NAME:RTOL:ATOL", "For example: --tolerance logits:1e-3:1e-5"
        ) from error
    return name, (rtol, atol)


def check_bounds(subject: str, rtol: float, atol: float) -> None:
    """Raises PG201 for bounds that are negative, not finite, or so wide that zeros would pass for anything."""
    if not all(math.isfinite(bound) and bound >= 0 for bound in (rtol, atol)):
        raise ParityGateError("PG201", subject, f"rtol={rtol} and atol={atol} must be finite and not negative")
    if rtol >= 1:
        raise ParityGateError("PG201", subject, f"rtol={rtol} would let zeros pass for any value", "Give less than 1.")


def coarser_dtype(reference: str, candidate: str) -> str:
    """The dtype whose numbers are further apart, where both are floating; otherwise the reference's."""
    names = [_COMPONENT.get(name, name) for name in (reference, candidate)]
    return max(names, key=EPSILON.__getitem__) if all(name in EPSILON for name in names) else reference
