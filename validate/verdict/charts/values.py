"""One output of both models as the charts need it, and draws that are the same for the same run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ...signature import Array

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_KEPT = 4_000_000
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Values:
    """One output, an array per sample: ``allowed`` in the shape of the values, ``floors`` empty if unmeasured."""

    want: Sequence[Array]
    got: Sequence[Array]
    allowed: Sequence[Array]
    floors: Sequence[Array] = ()
    _known: dict[tuple[str, int], Floats] = field(default_factory=dict, compare=False, repr=False)

    @property
    def elements(self) -> int:
        """Elements of all samples."""
        return sum(array.size for array in self.want)

    def error(self, sample: int) -> Floats:
        """The absolute error by element; NaN where a side isn't finite and the two aren't the same."""
        return self._once("error", sample, self._error)

    def ratio(self, sample: int) -> Floats:
        """See :meth:`_ratio`."""
        return self._once("ratio", sample, self._ratio)

    def _once(self, name: str, sample: int, compute: Callable[[int], Floats]) -> Floats:
        """Every chart asks for the same: it is kept where that costs little memory."""
        if self.elements > _KEPT:
            return compute(sample)
        if (name, sample) not in self._known:
            self._known[name, sample] = compute(sample)
        return self._known[name, sample]

    def _error(self, sample: int) -> Floats:
        """The absolute error by element; NaN where a side isn't finite and the two aren't the same."""
        want, got = self.want[sample].astype(np.float64), self.got[sample].astype(np.float64)
        same = (want == got) | (np.isnan(want) & np.isnan(got))
        with np.errstate(invalid="ignore", over="ignore"):
            error = np.abs(got - want)
        return np.where(same, 0.0, np.where(np.isfinite(error), error, np.nan))

    def _ratio(self, sample: int) -> Floats:
        """Error as a share of the allowance; 0 where nothing differs, infinite where nothing or NaN was allowed."""
        error, allowed = self.error(sample), np.asarray(self.allowed[sample], np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = error / allowed
        return np.where(error == 0, 0.0, np.where(np.isfinite(ratio), ratio, np.inf))


def drawn(sizes: Sequence[int], most: int) -> list[Array]:
    """Positions in arrays of these sizes, ascending: all of them, or about ``most`` from a seeded draw over all."""
    total = sum(sizes)
    everywhere = (
        np.arange(total) if total <= most else np.unique(np.random.default_rng(0).integers(0, total, size=most))
    )
    starts = np.cumsum([0, *sizes])
    cuts = np.searchsorted(everywhere, starts)
    return [everywhere[cuts[n] : cuts[n + 1]] - starts[n] for n in range(len(sizes))]


def picked(arrays: Sequence[Array], places: Sequence[Array]) -> Floats:
    """The elements at these positions of each array, one after the other, as float64."""
    parts = [arrays[n].reshape(-1)[at].astype(np.float64) for n, at in enumerate(places)]
    return np.concatenate(parts) if parts else np.zeros(0)


def storable(numbers: Array) -> list[float]:
    """Numbers that float32 can hold; NaN stays."""
    return [float(number) for number in np.clip(numbers.astype(np.float64).reshape(-1), -_LARGEST, _LARGEST)]


def rounded(number: Any) -> float:
    """Six digits: as many as a chart can show."""
    return float(f"{float(number):.6g}")
