"""What a task metric gives: a value per row for both models, and how rows become one figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ...signature import Array

    Arrays = Mapping[str, Array]


def mean(values: Array) -> float:
    """The mean over rows."""
    return float(np.mean(values))


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry per row (or image, or sequence) for each model; higher is better unless the metric says otherwise.

    ``combine`` makes a figure of the entries of some rows; ``bounded`` says that a row moves a mean by at most 1.
    """

    reference: Array
    candidate: Array
    combine: Callable[[Array], float] = mean
    bounded: bool = True


@dataclass(frozen=True, slots=True)
class Truth:
    """Right answers for the rows, read from a file; None where the reference's own answers count as right."""

    values: Array | None = None

    def of(self, count: int) -> Array | None:
        """The right answers of ``count`` rows. Raises ValueError where there are more or fewer."""
        if self.values is not None and len(self.values) != count:
            raise ValueError(f"truth has {len(self.values)} rows, and the samples have {count}")
        return self.values


Compute = Callable[["Given"], Rows]


@dataclass(frozen=True, slots=True)
class Given:
    """What a metric is computed from: outputs of both models by the names that were asked for, truth, and settings."""

    expected: tuple[Array, ...]
    actual: tuple[Array, ...]
    truth: Truth = field(default_factory=Truth)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]


@dataclass(frozen=True, slots=True)
class TaskMetric:
    """A metric as it was asked for. ``outputs`` are names, ``limit`` the greatest difference (None: it informs)."""

    name: str
    compute: Compute
    outputs: tuple[str, ...]
    truth: Truth = field(default_factory=Truth)
    settings: Mapping[str, Any] = field(default_factory=dict)
    limit: float | None = None
