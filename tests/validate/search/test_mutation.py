"""Mutation and hill climbing: mutated feeds stay legal, and the search climbs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from paritygate.validate.samples import generate_samples
from paritygate.validate.search.hill_climbing import hill_climb
from paritygate.validate.search.mutation import mutate
from paritygate.validate.search.space import space_of
from paritygate.validate.signature import Hint, Signature, TensorSpec

TABLE = Signature(
    (
        TensorSpec("numbers", "float32", ("N", 3)),
        TensorSpec("codes", "float32", ("N", 1)),
        TensorSpec("mixed", "float32", ("N", 2)),
        TensorSpec("ids", "int64", ("N", 2)),
        TensorSpec("words", "str", ("N", 1)),
        TensorSpec("scalar", "float64", ()),
    ),
    (),
)
HINTS = (
    Hint("numbers", low=np.array([-1.0, 0.0, 5.0]), high=np.array([1.0, 10.0, 6.0])),
    Hint("codes", vocabulary=(0.0, 3.0, 7.0)),
    Hint("mixed", categories=((), (1.0, 4.0))),
    Hint("ids", low=np.array(2), high=np.array(40)),
    Hint("words", vocabulary=("a", "b", "c")),
)


def test_mutated_feeds_stay_as_legal_as_the_samples() -> None:
    """P27: an index or a category that doesn't exist is an error in one engine and garbage in another."""
    samples = generate_samples(TABLE, HINTS)
    space, random = space_of(samples.feeds), np.random.default_rng(0)
    feed: Any = samples.items[1].feed
    for _ in range(600):
        feed = mutate(feed, space, random)
        assert (feed["numbers"] >= [-1, 0, 5]).all()
        assert (feed["numbers"] <= [1, 10, 6]).all()
        assert set(feed["codes"].ravel()) <= {0.0, 3.0, 7.0}
        assert set(feed["mixed"][:, 1]) <= {1.0, 4.0}
        assert feed["ids"].min() >= 2
        assert feed["ids"].max() <= 40
        assert set(feed["words"].ravel()) <= {"a", "b", "c"}
        assert {name: (array.dtype, array.shape) for name, array in feed.items()} == {
            name: (array.dtype, array.shape) for name, array in samples.items[1].feed.items()
        }


def test_mutation_reaches_any_number_between_those_of_the_samples() -> None:
    feed = {"x": np.linspace(0, 1, 100, dtype=np.float32)}
    random = np.random.default_rng(0)
    changed = [mutate(feed, space_of([feed]), random)["x"] for _ in range(200)]
    assert len({float(value) for array in changed for value in array}) > 1000
    assert any(0 < abs(array - feed["x"]).max() < 1e-6 for array in changed)  # one step of the dtype


# --- hill climbing -------------------------------------------------------------------------------------------------


def hill(feeds: Sequence[Any]) -> list[float]:
    return [-float(((feed["x"] - [0.3, -0.2]) ** 2).sum()) for feed in feeds]


def test_it_climbs(countdown: Any) -> None:
    start = [{"x": np.random.default_rng(i).uniform(-1, 1, (1, 2))} for i in range(20)]
    result = hill_climb(start, hill, space_of(start), np.random.default_rng(1), size=16, has_time=countdown(60))
    assert result.score > result.start_score
    np.testing.assert_allclose(result.best["x"], [[0.3, -0.2]], atol=0.02)  # about 1000 tries in two dimensions
    assert result.tried == 20 + 60 * 16


def test_it_stops_at_an_infinite_score(countdown: Any) -> None:
    start = [{"x": np.zeros((1, 2))}]
    space, random = space_of(start), np.random.default_rng(0)
    result = hill_climb(start, lambda feeds: [math.inf] * len(feeds), space, random, size=4, has_time=countdown(9))
    assert result.tried == 1
