"""What holds for a whole model under translation, wherever a node is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...coreml.target import DeploymentTarget
from .branches import Decisions
from .mil import is_symbolic


@dataclass(frozen=True, slots=True)
class Frame:
    """``decisions`` are those about branches; ``shortest`` maps the symbol of an input's axis to its least length."""

    target: DeploymentTarget
    decisions: Decisions
    shortest: Mapping[Any, int] = field(default_factory=dict)

    def at_least(self, length: Any) -> int | None:
        """The least length of an axis; None if it is computed from others."""
        return self.shortest.get(length) if is_symbolic(length) else int(length)

    def note(self, sentence: str) -> None:
        """Tell the user, once."""
        self.decisions.notes[sentence] = None
