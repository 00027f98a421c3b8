"""Branches that Core ML can't hold as they are: what was decided about them, and how both are built.

MIL wants the branches of a condition to give tensors of one type. Where a model's don't (one has another number of
axes, or an empty tensor that stands for "no state yet"), all that follows goes into both branches, where more is known:
an If on the number of axes is settled there. A branch that the source itself can't run in these shapes is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from coremltools.converters.mil.mil import get_new_symbol

from .....validate.errors import ParityGateError
from .common import scalar
from .loops import opaque
from .mil import Var, mb, types
from .values import NarrowingError, Operand, variable

Path: TypeAlias = tuple[str, ...]
"""Where a node stands: the outputs of each If around it, and of each whose branches it follows; its own at the end."""

SPLIT = "split"
MOST_SPLITS = 16
"""Each may double what follows it."""

Build = Callable[[], Sequence[Operand]]


class ImpossibleError(Exception):
    """The source itself can't run a node in these shapes; ``refusal`` says so where nothing else can be run."""

    def __init__(self, refusal: ParityGateError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class UndecidedError(Exception):
    """The translation must start again with a decision about the If at ``path``: a branch, or to split what follows."""

    def __init__(self, path: Path, decision: bool | str, refusal: ParityGateError) -> None:
        super().__init__(path, decision)
        self.path, self.decision, self.refusal = path, decision, refusal


@dataclass(slots=True)
class Decisions:
    """What earlier attempts found out: SPLIT, or the only branch that can run, of which ``notes`` tell the user."""

    made: dict[Path, bool | str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, found: UndecidedError) -> None:
        """Remember. Raises the refusal where there are too many, or the same question comes up again."""
        splits = [decision for decision in self.made.values() if decision == SPLIT]
        if self.made.get(found.path) == found.decision or len(splits) >= MOST_SPLITS:
            raise found.refusal from found
        self.made[found.path] = found.decision
        if found.decision != SPLIT:
            kept = "then" if found.decision else "else"
            cause = f"{found.refusal.subject} {found.refusal.cause}"
            self.notes[f"only the {kept} branch of If '{found.path[-1]}' can run in these shapes: {cause}"] = None


def both(
    path: Path, cond: Operand, branches: Sequence[Build], refuse: Callable[[str], ParityGateError]
) -> list[Operand]:
    """The results of one of two branches (then, else). Raises UndecidedError for what MIL can't hold."""
    dtypes: list[np.dtype[np.generic]] = []
    made: list[list[Var]] = []

    def build(takes: bool) -> list[Var]:
        try:
            results = branches[0 if takes else 1]()
        except ImpossibleError as e:
            raise UndecidedError(path, not takes, e.refusal) from e
        dtypes[:] = [result.dtype for result in results]
        try:
            made.append([opaque(_tensor(result)) for result in results])
            if len(made) == 2:
                for one, other in zip(*made, strict=True):
                    _agree(one, other)
        except NarrowingError as e:
            raise UndecidedError(path, SPLIT, refuse(str(e))) from e
        return made[-1]

    outputs = mb.cond(pred=scalar(variable(cond)), _true_fn=lambda: build(True), _false_fn=lambda: build(False))
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [Operand(var, dtype) for var, dtype in zip(outputs, dtypes, strict=True)]


def _agree(one: Var, other: Var) -> None:
    """Leave open what two branches give different lengths to: MIL wants one type for both."""
    if one.rank != other.rank:
        raise NarrowingError(f"one branch gives {one.rank} axes, the other {other.rank}")
    pairs = list(zip(one.shape, other.shape, strict=True))
    if any(a != b for a, b in pairs):
        shape = [a if a == b else get_new_symbol() for a, b in pairs]
        for var in (one, other):
            var._sym_type = types.tensor(var.dtype, shape)


def _tensor(value: Operand) -> Var:
    if value.content is None or isinstance(value.content, tuple):
        raise NarrowingError("sequences and optionals can't leave a graph that runs conditionally")
    return variable(value)
