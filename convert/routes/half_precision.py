"""What must stay in float32 so that a model passes in float16: shared by the searches for mixed precision.

An operator stays where its values leave float16's range. Of the others, those whose rounding adds most to the error of
the outputs stay, as many as that error calls for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...validate.noise.headroom import LARGEST, SMALLEST
from ...validate.signature import TensorSpec
from ...validate.verdict.compare import compare_outputs
from ...validate.verdict.policies import DefaultPolicy

if TYPE_CHECKING:
    from ...validate.report.types import OutputComparison, Tolerance
    from ...validate.signature import Array

    Outputs = Sequence[Mapping[str, Array]]

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, named like its first result.

    ``operands`` are the computed values that it reads, ``constants`` the greatest magnitudes of its constants.
    """

    name: str
    kind: str
    operands: tuple[str, ...]
    constants: tuple[float, ...]


def kept_in_float32(
    operators: Mapping[str, Operator],
    seen: Mapping[str, float],
    excess_with: Callable[[set[str]], float],
    errors: Callable[[], Mapping[str, float]],
) -> dict[str, Operator]:
    """The operators that must stay in float32, by name.

    ``operators`` are in the order in which they run, ``seen`` the greatest magnitudes of values by name,
    ``excess_with`` measures the excess (:func:`excess_in_half`) with some in float32, and ``errors`` the relative
    error of each value in the model that was measured last.
    """
    outside = {name for name, operator in operators.items() if is_outside(operator, seen)}
    excess = excess_with(outside)
    if excess <= 1:
        return {name: operators[name] for name in operators if name in outside}
    costs = costs_of(operators, errors(), outside)
    ranked = sorted(costs, key=lambda name: -costs[name])
    count = enough([costs[name] for name in ranked], excess, lambda n: excess_with(outside.union(ranked[:n])))
    kept = outside.union(ranked[:count])
    return {name: operators[name] for name in operators if name in kept}


_AIM = 0.5
"""The share of the allowance that the estimate aims at: it knows the errors of these samples only to a factor."""


def enough(costs: Sequence[float], excess: float, tried: Callable[[int], float]) -> int:
    """How many of the operators, the costliest first, must stay in float32 so that the excess is at most 1.

    ``costs`` are in descending order, ``excess`` is how many times the allowance the outputs are off with none of them,
    ``tried`` measures that with a number of them. Roundings add up like independent errors, by their squares: what the
    last trial left over tells how much more is needed.
    """
    rest = np.sqrt(np.cumsum(np.square(np.asarray(costs, np.float64))[::-1])[::-1])
    count = 0
    while excess > 1 and count < len(costs):
        wanted = rest[count] * _AIM / excess
        estimate = int(np.count_nonzero(rest > wanted))
        count = min(max(estimate, count + 1 + count // 2), len(costs))
        excess = tried(count)
    return count


def excess_in_half(
    specs: Sequence[TensorSpec], expected: Outputs, actual: Outputs, bindings: Mapping[str, str]
) -> float:
    """How many times what float16's tolerance allows the outputs are off; at most 1 if, and only if, all pass."""
    rows = compare_outputs(specs, expected, actual, bindings, _Half())
    return max((_excess(row) for row in rows if not row.passed), default=1.0)


def _excess(row: OutputComparison) -> float:
    """Infinite where the error has no size: NaN, another shape, nothing allowed."""
    worst = row.worst
    if worst is None or not worst.error or not worst.allowed:
        return math.inf
    return max(worst.error / worst.allowed, math.nextafter(1.0, 2.0))


class _Half(DefaultPolicy):
    """The default tolerance of float16, whatever the dtype of the output."""

    def tolerance(self, spec: TensorSpec, reference: Sequence[Array], candidate_dtype: str) -> Tolerance:
        """The tolerance for float16; integers stay exact."""
        return DefaultPolicy.tolerance(self, spec, reference, "float16")


def is_outside(operator: Operator, seen: Mapping[str, float]) -> bool:
    """Whether one of its values overflows in float16, or is subnormal in all its elements."""
    known = [seen[name] for name in (operator.name, *operator.operands) if name in seen]
    return any(peak > LARGEST or 0 < peak < SMALLEST for peak in (*known, *operator.constants))


def costs_of(operators: Mapping[str, Operator], wrong: Mapping[str, float], outside: set[str]) -> dict[str, float]:
    """How much the rounding of each remaining operator adds to the outputs' error, on a scale of their own.

    An operator's gain is its amplification of its operands' error, without its own rounding; a value's weight is the
    greatest product of gains on a path from it to an output. Rounding an operator's result costs its weight, rounding
    its operands its weight times its gain.
    """
    weights: dict[str, float] = {}
    scores: dict[str, float] = {}
    for name, operator in reversed(list(operators.items())):
        given = max((wrong.get(operand, 0.0) for operand in operator.operands), default=0.0)
        gain = min(max(wrong.get(name, 0.0) - _ROUNDING, 0.0), _ENORMOUS) / min(max(given, _ROUNDING), _ENORMOUS)
        weight = weights.get(name, 1.0)
        scores[name] = weight * max(gain, 1.0)
        for operand in operator.operands:
            weights[operand] = max(weights.get(operand, 0.0), weight * gain)
    return {name: score for name, score in scores.items() if name not in outside}


_ROUNDING, _ENORMOUS = 2.0**-11, 1e6
"""The maximum relative error of rounding to float16; a relative error at which a value is meaningless."""


def note_on(kept: Mapping[str, Operator]) -> str:
    """What the user is told of the operators that stay in float32."""
    if not kept:
        return "mixed precision: every operator computes in float16"
    shown = ", ".join(f"{operator.kind} ({name})" for name, operator in list(kept.items())[:_SHOWN])
    more = f" and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
    return f"mixed precision: {len(kept)} operators stay in float32: {shown}{more}"


def greatest(array: Array) -> float:
    """The greatest finite magnitude: infinities are infinities in float16 too."""
    finite = np.abs(array[np.isfinite(array) & (np.abs(array) < 1e38)])
    return float(finite.max(initial=0))
