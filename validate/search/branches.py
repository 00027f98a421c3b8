"""Inputs that take the branches of a graph that no sample has taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engines.base import Graphed
from ..errors import ParityGateError
from .box import Box, box_of, clipped
from .climb import climb
from .graph import Branch, branches_of, watching

if TYPE_CHECKING:
    import onnx

    from ..signature import Array, Feed

    Watch = Callable[[Feed], Sequence[Mapping[str, Array]]]

_SIZE = 16


@dataclass(frozen=True, slots=True)
class Untaken:
    """A way that a branch never went."""

    branch: Branch
    wanted: bool

    def __str__(self) -> str:
        return f"the {'then' if self.wanted else 'else'} branch of {self.branch.name}"


def watched(model: Any) -> tuple[Any, tuple[Branch, ...]] | None:
    """A variant of the model that gives its conditions, too, and its branches; None where it has none.

    Raises ParityGateError PG301 or PG405 where ONNX Runtime refuses the variant.
    """
    if not isinstance(model, Graphed):
        return None
    found: list[Branch] = []

    def rewrite(proto: onnx.ModelProto) -> onnx.ModelProto:
        found[:] = branches_of(proto)
        return watching(proto, tuple(found))

    variant = model.variant(rewrite, optimise=True)
    return (variant, tuple(found)) if found else None


def untaken(branches: Sequence[Branch], watch: Watch, feeds: Sequence[Feed]) -> list[Untaken]:
    """The ways that no feed goes; ``watch`` runs one and gives the watched tensors of each run that it takes."""
    taken = {(branch, way) for feed in feeds for values in watch(feed) for branch, way in _ways(branches, values)}
    return [Untaken(b, way) for b in branches for way in (True, False) if (b, way) not in taken]


def reach(
    goal: Untaken, watch: Watch, feeds: Sequence[Feed], random: np.random.Generator, going: Callable[[], bool]
) -> Feed | None:
    """A feed that goes the way that none of ``feeds`` goes; None where none was found while ``going()``."""

    def score(tries: Sequence[Feed]) -> list[float]:
        return [_score(goal, watch, feed) for feed in tries]

    box = box_of(feeds)
    start = [*feeds, *_plain(feeds[0], box), *_like_operands(goal.branch, watch, feeds[0])]
    climbed = climb(start, score, box, random, size=_SIZE, going=going)
    return climbed.best if climbed.value == math.inf else None


def _score(goal: Untaken, watch: Watch, feed: Feed) -> float:
    try:
        runs = watch(feed)
    except ParityGateError:
        return -math.inf
    if any((goal.branch, goal.wanted) in _ways([goal.branch], values) for values in runs):
        return math.inf
    near = [goal.branch.nearness(values, wanted=goal.wanted) for values in runs]
    return max((value for value in near if math.isfinite(value)), default=-math.inf)


def _ways(branches: Sequence[Branch], values: Mapping[str, Array]) -> list[tuple[Branch, bool]]:
    return [(branch, bool(np.all(values[branch.condition]))) for branch in branches if branch.condition in values]


def _plain(feed: Feed, box: Box) -> Iterator[Feed]:
    """Nothing but zeros, the least, and the greatest values that samples have: simple, and often enough."""
    for fill in (lambda each: 0, lambda each: each.low, lambda each: each.high):
        yield {
            name: clipped(np.broadcast_to(fill(box[name]), array.shape).astype(array.dtype), box[name])
            if array.dtype.kind in "iuf"
            else array
            for name, array in feed.items()
        }


def _like_operands(branch: Branch, watch: Watch, feed: Feed) -> Iterator[Feed]:
    """Integer inputs filled with what the condition compares: a sampling rate is legal, as the model asks for it."""
    for values in watch(feed):
        for operand in (values[name] for name in (branch.left, branch.right) if name in values and values[name].size):
            for name, array in feed.items():
                if array.dtype.kind in "iu":
                    yield {**feed, name: np.full_like(array, operand.flat[0])}
