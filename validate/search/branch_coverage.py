"""Branch coverage: which branches of a candidate no sample takes, and inputs that take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..coverage.conditions import Condition, find_conditions, show_tensors
from ..engines.base import Graphed
from ..errors import ParityGateError
from .hill_climbing import hill_climb
from .space import SearchSpace, clip, space_of

if TYPE_CHECKING:
    import onnx

    from ..signature import Array, Feed

    Watch = Callable[[Feed], Sequence[Mapping[str, Array]]]

_SIZE = 16
"""Feeds per round of a search."""

_SCALES = (1.0, 10.0, 100.0, 1e3, 1e4)


def rounds_for(samples: int, goals: int) -> tuple[int, int]:
    """How many goals are searched for, and in how many rounds each, after the feeds that a search begins with.

    All together runs the model no more often than measuring its rounding on so many ``samples`` does, or a little.
    """
    tries = max(_FEWEST_TRIES, _RUNS_MEASURED * samples)
    first = samples + 3 + 4 * len(_SCALES)
    searched = max(1, min(goals, tries // (first + _SIZE)))
    return searched, max(1, (tries // searched - first) // _SIZE)


_RUNS_MEASURED = 12
_FEWEST_TRIES = 240


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the two sides of an If, a Where or a comparison: the one where its condition is ``condition``."""

    node: Condition
    condition: bool

    def __str__(self) -> str:
        if self.node.operator == "If":
            return f"the {'then' if self.condition else 'else'} branch of {self.node.name}"
        return f"the side of {self.node.name} where it is {str(self.condition).lower()}"

    def taken(self, values: Mapping[str, Array]) -> bool:
        """Whether a run took this branch; ``values`` holds the tensors that it showed."""
        return self.node.holds(values, condition=self.condition)


def open_with_conditions(model: Any) -> tuple[Any, tuple[Condition, ...]] | None:
    """A variant of the model whose outputs include its conditions, and these; None where it has none.

    Raises ParityGateError PG301 or PG405 where ONNX Runtime refuses the variant.
    """
    if not isinstance(model, Graphed):
        return None
    found: list[Condition] = []

    def rewrite(proto: onnx.ModelProto) -> onnx.ModelProto:
        found[:] = find_conditions(proto)
        return show_tensors(proto, tuple(found))

    variant = model.variant(rewrite, optimise=True)
    return (variant, tuple(found)) if found else None


def untaken_branches(conditions: Sequence[Condition], watch: Watch, feeds: Sequence[Feed]) -> list[Branch]:
    """The branches that no feed takes.

    ``watch`` runs a feed and gives, for each run that it needs, the tensors that the conditions depend on.
    """
    untaken = [Branch(node, condition) for node in conditions for condition in (True, False)]
    for feed in feeds:
        for values in watch(feed):
            untaken = [branch for branch in untaken if not branch.taken(values)]
    return untaken


def find_feed(
    branch: Branch,
    watch: Watch,
    feeds: Sequence[Feed],
    random: np.random.Generator,
    has_time: Callable[[], bool],
    free: Collection[str] = (),
) -> Feed | None:
    """A feed that takes a branch that none of ``feeds`` takes; None where none is found in time.

    The inputs ``free`` may leave the bounds of the samples.
    """

    def score(tries: Sequence[Feed]) -> list[float]:
        return [_score(branch, watch, feed) for feed in tries]

    space = space_of(feeds)
    operands = _like_operands(branch.node, watch, feeds[0])
    start = [*feeds, *_uniform_feeds(feeds[0], space), *operands, *_beyond(feeds[0], free)]
    result = hill_climb(start, score, space, random, size=_SIZE, has_time=has_time)
    return result.best if result.score == math.inf else None


def _score(branch: Branch, watch: Watch, feed: Feed) -> float:
    """Infinite where the feed takes the branch, else how near it comes."""
    try:
        runs = watch(feed)
    except ParityGateError:
        return -math.inf
    if any(branch.taken(values) for values in runs):
        return math.inf
    near = [branch.node.nearness(values, condition=branch.condition) for values in runs]
    return max((value for value in near if math.isfinite(value)), default=-math.inf)


def _uniform_feeds(feed: Feed, space: SearchSpace) -> Iterator[Feed]:
    """Feeds of nothing but zeros, the least, or the greatest values of the samples: often enough to take a branch."""
    for fill in (lambda each: 0, lambda each: each.low, lambda each: each.high):
        yield {
            name: clip(np.broadcast_to(fill(space[name]), array.shape).astype(array.dtype), space[name])
            if array.dtype.kind in "iuf"
            else array
            for name, array in feed.items()
        }


def _beyond(feed: Feed, free: Collection[str]) -> Iterator[Feed]:
    """Feeds of one number, and a sample, both at several scales and signs, where inputs have no bounds."""
    for scale in _SCALES if free else ():
        for factor in (scale, -scale):
            yield {n: _cast(np.full(a.shape, factor), a) if n in free else a for n, a in feed.items()}
            yield {n: _cast(a.astype(np.float64) * factor, a) if n in free else a for n, a in feed.items()}


def _cast(values: Array, like: Array) -> Array:
    limits = np.finfo(like.dtype)
    return np.clip(values, limits.min, limits.max).astype(like.dtype)


def _like_operands(node: Condition, watch: Watch, feed: Feed) -> Iterator[Feed]:
    """Integer inputs set to what the condition compares: a sampling rate, for instance, which the model knows."""
    for values in watch(feed):
        for operand in (values[name] for name in (node.first, node.second) if name in values and values[name].size):
            for name, array in feed.items():
                if array.dtype.kind in "iu":
                    yield {**feed, name: np.full_like(array, operand.flat[0])}
