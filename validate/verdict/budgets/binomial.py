"""What a count of rows proves about a share."""

from __future__ import annotations

import math

CONFIDENCE = 0.95


def share_at_most(some: int, rows: int, confidence: float) -> float:
    """The one-sided upper bound of a share after Clopper and Pearson (Biometrika 26, 1934), exact for the binomial.

    The share at which ``some`` or fewer of ``rows`` would be seen with probability 1 - ``confidence``.
    """
    if some >= rows:
        return 1.0
    if not some:
        return float(-math.expm1(math.log1p(-confidence) / rows))
    low, high = some / rows, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(some, rows, middle) > 1 - confidence else (low, middle)
    return high


def _at_most(some: int, rows: int, share: float) -> float:
    """The probability of ``some`` or fewer among ``rows``, each with probability ``share``."""
    counts = range(some + 1)
    choices = (math.lgamma(rows + 1) - math.lgamma(k + 1) - math.lgamma(rows - k + 1) for k in counts)
    return math.fsum(
        math.exp(choice + k * math.log(share) + (rows - k) * math.log1p(-share))
        for k, choice in zip(counts, choices, strict=True)
    )


def rows_needed(limit: float, confidence: float) -> int:
    """How many rows without a flip prove a limit; 0 where none do."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-limit)) if 0 < limit < 1 else 0
