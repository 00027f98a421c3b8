"""What is shown of one part of a graph: small extra outputs of a fixed shape, and how their values are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..report.coverage import CoverageKind, Covered

if TYPE_CHECKING:
    import onnx

    from ..signature import Array

PREFIX = "paritygate/coverage/"
"""The extra outputs' and nodes' names begin with this."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One part of a graph that samples exercise in parts.

    ``nodes`` compute ``outputs`` from the graph's tensors; each output has the same shape in every run, so that runs of
    single rows can be stacked. ``reached`` tells from the values of each output, those of all runs in one line, which
    parts were reached: one boolean for each. ``parts`` names them, empty for the rows of a table. ``costly``
    probes read a whole tensor: they are left out once every part was reached.
    """

    kind: CoverageKind
    name: str
    nodes: tuple[onnx.NodeProto, ...]
    outputs: tuple[str, ...]
    reached: Callable[[Sequence[Array]], Array]
    parts: tuple[str, ...] = ()
    costly: bool = False

    def count(self, values: Sequence[Array]) -> Covered:
        """The part's coverage; ``values`` holds one array per output: its values in all runs, in one line."""
        reached = self.reached(values)
        missing = tuple(part for part, there in zip(self.parts, reached, strict=False) if not there)
        return Covered(self.kind, self.name, int(np.count_nonzero(reached)), int(reached.size), missing)


@dataclass(slots=True)
class Names:
    """New tensor names for the nodes that a probe adds."""

    used: list[str] = field(default_factory=list)

    def __call__(self) -> str:
        """One more name."""
        self.used.append(f"{PREFIX}{len(self.used)}")
        return self.used[-1]


def any_run(values: Array, size: int) -> Array:
    """Which of ``size`` flags are set in any of the runs that are stacked in ``values``."""
    return np.asarray(values.reshape(-1, size).astype(bool).any(axis=0))
