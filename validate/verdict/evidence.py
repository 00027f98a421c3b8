"""What was measured of both models' rounding, as a policy uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..signature import Array


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured, by the reference's output: one array per compared sample, of the output's shape.

    ``floors`` are noise floors, ``conditions`` those of the reference with shaken inputs, at the candidate's precision.
    ``jumping`` are outputs that rounding may decide; ``runs`` is the number of perturbed runs. ``coarsest`` is the
    coarsest type on the way to an output, where that is only widened at the end.
    """

    floors: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)
    conditions: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)
    jumping: frozenset[str] = frozenset()
    runs: int = 0
    coarsest: Mapping[str, str] = field(default_factory=dict)
