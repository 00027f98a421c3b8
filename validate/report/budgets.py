"""Budgets of the user's, and how a candidate kept to them. Cheap to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class BudgetKind(StrEnum):
    """What is bounded: the share of rows that change class, a metric's drop, or the signal-to-noise ratio in dB."""

    FLIPS = "max_flips"
    DROP = "max_drop"
    SNR = "min_snr"

    @property
    def option(self) -> str:
        """As the command line calls it."""
        return f"--{self.value.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Budgets:
    """``max_flips`` is a share (0 to 1), ``max_drop`` maps metrics to how far they may drop, ``min_snr`` is in dB."""

    max_flips: float | None = None
    max_drop: Mapping[str, float] = field(default_factory=dict)
    min_snr: float | None = None

    def __bool__(self) -> bool:
        return self.max_flips is not None or bool(self.max_drop) or self.min_snr is not None


@dataclass(frozen=True, slots=True)
class BudgetResult:
    """One budget and what was measured: ``subject`` is an output, or a metric.

    ``value`` is in the unit of ``limit``; of flips, ``rows`` were counted, and ``upper`` is the share that they prove
    with 95 % confidence.
    """

    kind: BudgetKind
    subject: str
    limit: float
    value: float
    rows: int = 0
    flips: int = 0
    upper: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the budget holds; NaN never holds it."""
        return self.value >= self.limit if self.kind is BudgetKind.SNR else self.value <= self.limit

    @property
    def sentence(self) -> str:
        """What was measured, and what was asked for."""
        held = "within" if self.passed else "outside of"
        return f"{_MEASURED[self.kind](self)}: {held} {self.kind.option} {_limit(self)}"


def _flips(result: BudgetResult) -> str:
    sure = "" if result.upper is None else f", at most {100 * result.upper:.2g} % with 95 % confidence"
    return f"{result.flips:,} of {result.rows:,} rows change their class ({100 * result.value:.3g} %{sure})"


_MEASURED: Mapping[BudgetKind, Callable[[BudgetResult], str]] = {
    BudgetKind.FLIPS: _flips,
    BudgetKind.DROP: lambda result: f"it drops by {result.value:.4g}",
    BudgetKind.SNR: lambda result: f"its signal-to-noise ratio is {result.value:.1f} dB",
}


def _limit(result: BudgetResult) -> str:
    return f"{100 * result.limit:g}%" if result.kind is BudgetKind.FLIPS else f"{result.limit:g}"
