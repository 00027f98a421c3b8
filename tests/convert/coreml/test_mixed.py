"""How many operators stay in float32: an estimate from their costs, proved by trials, of which there are few."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paritygate.convert.routes.coreml.target import coremltools

coremltools()

from paritygate.convert.routes.half_precision import enough  # noqa: E402


class Roundings:
    """Operators whose roundings add up by their squares; the estimate knows their costs up to a factor each."""

    def __init__(self, true: np.ndarray, known: np.ndarray) -> None:
        order = np.argsort(-known)
        self.true, self.known, self.trials = true[order], known[order], 0

    def excess(self, count: int) -> float:
        self.trials += 1
        return max(float(np.sqrt(np.square(self.true[count:]).sum())), 1.0)

    def count(self) -> int:
        start = self.excess(0)
        self.trials = 0
        return enough(list(self.known), start, self.excess)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 400), st.floats(0.1, 1e4), st.floats(0, 4), st.floats(1, 5), st.integers(0, 99))
def test_the_result_passes_after_few_trials(size: int, scale: float, spread: float, factor: float, seed: int):
    """Ten trials are what doubling and bisection took for a hundred operators."""
    random = np.random.default_rng(seed)
    true = scale * 10 ** random.uniform(-spread, 0, size)
    case = Roundings(true, true * factor ** random.uniform(-1, 1, size))
    count = case.count()
    assert case.excess(count) <= 1
    assert case.trials <= 9


def test_known_costs_need_one_trial_and_keep_no_more_than_half_the_allowance_asks_for():
    case = Roundings(*[np.array([300.0, 40.0, 5.0, 0.3, 0.2, 0.1, *[1e-3] * 100])] * 2)
    assert (case.count(), case.trials) == (3, 1)


@pytest.mark.parametrize("first", [math.inf, 1e300])
def test_an_error_without_a_size_ends_with_every_operator_at_the_latest(first: float):
    tried: list[int] = []

    def excess(count: int) -> float:
        tried.append(count)
        return math.inf

    assert enough([3.0, 2.0, 1.0, 1.0], first, excess) == 4
    assert tried[-1] == 4


def test_nothing_is_kept_where_everything_passes():
    assert enough([1.0, 1.0], 1.0, lambda count: pytest.fail("no trial is needed")) == 0
