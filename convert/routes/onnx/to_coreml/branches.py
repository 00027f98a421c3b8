"""Branches that MIL can't express directly: the decisions about them, and how both are built.

In MIL, the branches of a condition must return tensors of one type. If they don't (one has another number of axes, or
an empty tensor for "no state yet"), all that follows is moved into both branches, where more is known: an If on the
number of axes becomes constant there. A branch that the source itself can't run with these shapes is dropped.
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
"""A node's location: the outputs of each enclosing If, of each If whose branches it was moved into, and its own."""

SPLIT = "split"
MAX_SPLITS = 16
"""Each split may double the rest of the graph."""

Build = Callable[[], Sequence[Operand]]


class ImpossibleError(Exception):
    """The source itself can't run a node with these shapes; ``refusal`` is raised if no other branch can run."""

    def __init__(self, refusal: ParityGateError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class UndecidedError(Exception):
    """The translation must restart with a decision about the If at ``path``: a branch, or to split the rest."""

    def __init__(self, path: Path, decision: bool | str, refusal: ParityGateError) -> None:
        super().__init__(path, decision)
        self.path, self.decision, self.refusal = path, decision, refusal


@dataclass(slots=True)
class Decisions:
    """Decisions of earlier attempts: SPLIT, or the only branch that can run, with ``notes`` for the user."""

    made: dict[Path, bool | str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, found: UndecidedError) -> None:
        """Record a decision. Raises the refusal if there are too many, or if the same decision comes up again."""
        splits = [decision for decision in self.made.values() if decision == SPLIT]
        if self.made.get(found.path) == found.decision or len(splits) >= MAX_SPLITS:
            raise found.refusal from found
        self.made[found.path] = found.decision
        if found.decision != SPLIT:
            kept = "then" if found.decision else "else"
            cause = f"{found.refusal.subject} {found.refusal.cause}"
            self.notes[f"only the {kept} branch of If '{found.path[-1]}' can run with these shapes: {cause}"] = None


def both(
    path: Path, cond: Operand, branches: Sequence[Build], refuse: Callable[[str], ParityGateError]
) -> list[Operand]:
    """The results of one of two branches (then, else). Raises UndecidedError for what MIL can't express."""
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
                    _unify(one, other)
        except NarrowingError as e:
            raise UndecidedError(path, SPLIT, refuse(str(e))) from e
        return made[-1]

    outputs = mb.cond(pred=scalar(variable(cond)), _true_fn=lambda: build(True), _false_fn=lambda: build(False))
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [Operand(var, dtype) for var, dtype in zip(outputs, dtypes, strict=True)]


def _unify(one: Var, other: Var) -> None:
    """Make lengths symbolic in which two branches differ: MIL requires one type for both."""
    if one.rank != other.rank:
        raise NarrowingError(f"one branch returns {one.rank} axes, the other {other.rank}")
    pairs = list(zip(one.shape, other.shape, strict=True))
    if any(a != b for a, b in pairs):
        shape = [a if a == b else get_new_symbol() for a, b in pairs]
        for var in (one, other):
            var._sym_type = types.tensor(var.dtype, shape)


def _tensor(value: Operand) -> Var:
    if value.content is None or isinstance(value.content, tuple):
        raise NarrowingError("sequences and optionals can't be results of a conditional graph")
    return variable(value)
