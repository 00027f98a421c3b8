"""An estimate of each output's noise that is independent of paritygate: weights perturbed by one ulp.

The weights of the correct conversion are multiplied by 1 + 2**-23 u with u uniform in -1..1 (2**-52 for float64), in
ten runs. Every product and sum of the network thereby changes by about one rounding, as it does when another library
adds in a different order. Thresholds of trees and the inputs are not changed, since no library rounds them. The noise
floor of an output in a sample is the maximum of: the differences between the ten runs and the correct conversion, the
difference between the correct conversion and the reference, and one ulp at the output's largest value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from .graphs import copied, slots

Array = np.ndarray[Any, Any]
Runs = Sequence[Mapping[str, Array]]

RUNS = 10
FACTOR = 4
_FINITE = "fc"


def perturbed(model: onnx.ModelProto, rng: np.random.Generator) -> onnx.ModelProto:
    """The model, each weight off by up to one unit in its last place."""
    copy = copied(model)
    for slot in slots(copy):
        if slot.is_weight:
            array = slot.read()
            ulp = np.finfo(array.dtype).eps
            slot.write((array * (1 + ulp * rng.uniform(-1, 1, array.shape))).astype(array.dtype))
    return copy


class Floor:
    """The noise floor: how far each output may be from the correct conversion's without a fault."""

    def __init__(
        self, expected: Runs, correct: Runs, others: Sequence[Runs], widths: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """``widths`` are the dtypes of outputs whose width the source leaves open; changing it is not a fault."""
        self._correct = correct
        self._runs = [expected, *others]
        self._widths = widths or {}

    def excess(self, mutant: Runs) -> tuple[float, str, float, float]:
        """The largest change in units of the floor, the output where it is, and the change and the floor there.

        Infinite if an output is missing, has a different dtype or shape, has NaN at different places, or if a label
        changes that no run of the correct conversion changes.
        """
        worst = (0.0, "", 0.0, 0.0)
        for number, (want, got) in enumerate(zip(self._correct, mutant, strict=True)):
            for name, array in want.items():
                others = [run[number][name] for run in self._runs if name in run[number]]
                found = _excess(array, self._plain(name, array, got.get(name)), others)
                worst = max(worst, (found[0], name, *found[1:]))
        return worst

    def _plain(self, name: str, correct: Array, mutant: Array | None) -> Array | None:
        """The mutant's array, in the correct one's dtype if the source leaves the dtype open."""
        if mutant is None or mutant.dtype.name not in self._widths.get(name, ()):
            return mutant
        return mutant.astype(correct.dtype)


def _excess(correct: Array, mutant: Array | None, others: Sequence[Array]) -> tuple[float, float, float]:
    """(change / floor, change, floor) of one output in one sample."""
    if mutant is None or mutant.dtype != correct.dtype or mutant.shape != correct.shape:
        return np.inf, np.inf, 0.0
    alike = [other for other in others if other.shape == correct.shape]
    if correct.dtype.kind not in _FINITE:
        moved = (mutant != correct) & ~np.any([other != correct for other in alike], axis=0)
        return (np.inf, float(moved.sum()), 0.0) if moved.any() else (0.0, 0.0, 0.0)
    if not np.array_equal(np.isfinite(correct), np.isfinite(mutant)):
        return np.inf, np.inf, 0.0
    floor = max([_unit(correct), *(_distance(correct, other) for other in alike)])
    change = _distance(correct, mutant)
    return (change / floor if change else 0.0), change, floor


def _unit(array: Array) -> float:
    finite = np.abs(array[np.isfinite(array)])
    greatest = float(finite.max()) if finite.size else 0.0
    return max(greatest * float(np.finfo(array.dtype).eps), float(np.finfo(array.dtype).smallest_subnormal))


def _distance(one: Array, other: Array) -> float:
    with np.errstate(invalid="ignore"):
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    finite = apart[np.isfinite(apart)]
    return float(finite.max()) if finite.size else 0.0


def perturbed_runs(run: Callable[[np.random.Generator], Runs]) -> list[Runs]:
    """The outputs of :data:`RUNS` perturbed models; ``run`` perturbs one with a generator and runs it."""
    rng = np.random.default_rng(0)
    return [run(rng) for _ in range(RUNS)]
