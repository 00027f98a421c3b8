"""What a user requests or has signed off in addition to the values, as frozen values. Cheap to import."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Source(StrEnum):
    """Where a bound is from: the default for a dtype, the user, computed from measured noise, or none but a budget."""

    DEFAULT = "default"
    USER = "user"
    COMPUTED = "computed"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Crossing:
    """How many elements of an output cross a decision threshold, over all samples.

    One side is ``value >= threshold``. ``inside`` of the ``crossed`` ones are off by no more than they may be.
    ``source`` says whether the user named it.
    """

    threshold: float
    elements: int
    crossed: int
    inside: int
    source: Source = Source.DEFAULT


@dataclass(frozen=True, slots=True)
class Waiver:
    """A signed-off exception: ``output`` may be off by up to ``max_abs`` (absolute) until the day ``expires``.

    ``model`` is a pattern for the name of either model, "*" for any.
    """

    output: str
    max_abs: float
    reason: str
    expires: date
    model: str = "*"
    signed_off_by: str = ""


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """What a metric says of both models. ``limit`` is the difference that is allowed; None decides nothing.

    ``low`` and ``high`` are the 95 % confidence interval of candidate minus reference over ``rows``; None for a metric
    of the user's own.
    """

    name: str
    reference: float
    candidate: float
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0

    @property
    def difference(self) -> float:
        """|candidate - reference|; 0 for the same infinity, NaN where either is NaN."""
        return 0.0 if self.reference == self.candidate else abs(self.candidate - self.reference)

    @property
    def proved(self) -> bool:
        """Whether there is anything to compare: NaN on both sides says nothing."""
        return not (math.isnan(self.reference) and math.isnan(self.candidate))

    @property
    def passed(self) -> bool:
        """Whether the limit holds, if there is one; NaN on one side only never holds one."""
        return self.limit is None or self.difference <= self.limit

    @property
    def holds(self) -> bool:
        """Whether the limit holds at both ends of the interval."""
        ends = (self.low, self.high)
        return self.limit is None or all(end is not None and abs(end) <= self.limit for end in ends)

    @property
    def exceeds(self) -> bool:
        """Whether the whole interval lies beyond the limit."""
        if self.limit is None or self.low is None or self.high is None:
            return False
        return self.low > self.limit or self.high < -self.limit
