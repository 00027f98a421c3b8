"""The noise floor: from squared deviations to a half-width for every element."""

from __future__ import annotations

import math

import numpy as np
import pytest

from paritygate.validate.noise.floor import floor_of, scatter_of
from paritygate.validate.noise.moderation import moderate, student

RNG = np.random.default_rng(5)
RUNS = 10


def squares_of(deviations):
    """Sums of squared normal errors over ten runs, of elements with these deviations."""
    return (RNG.normal(0, deviations, (RUNS, *np.shape(deviations))) ** 2).sum(axis=0)


def test_the_floor_of_alike_elements_is_two_deviations_of_a_difference():
    """10,000 elements of one deviation: what they have in common makes 10 runs precise."""
    deviation = 3e-7
    floor = floor_of(squares_of(np.full(10_000, deviation)), np.ones(10_000), RUNS)
    assert floor.mean() == pytest.approx(2 * math.sqrt(2) * deviation, rel=0.1)
    assert np.quantile(floor, 0.01) > math.sqrt(2) * deviation


@pytest.mark.parametrize("noisy", [1, 32, 60, 63])
@pytest.mark.parametrize("factor", [1e2, 1e4, 1e7])
def test_noisy_elements_lend_nothing_to_sound_ones_of_like_magnitude(noisy, factor):
    """Up to 63 of 64 neighbours: the sound ones keep their own deviation, but for Student's factor."""
    deviations = np.full(64, 1e-7)
    deviations[:noisy] *= factor
    floor = floor_of(squares_of(deviations), np.ones(64), RUNS)
    own = 2 * math.sqrt(2) * 1e-7
    assert floor[noisy:].max() < 2 * student(RUNS) * own
    assert np.median(floor[:noisy]) > factor * own / 2


def test_an_element_that_never_moved_gets_nothing():
    squares = squares_of(np.full(64, 1e-7))
    squares[7] = 0
    assert floor_of(squares, np.ones(64), RUNS)[7] == 0


def test_the_factor_is_students():
    """Against tables of the distribution at two tails of 4.8e-7 each."""
    assert student(10) == pytest.approx(2.16, rel=0.02)
    assert student(20) == pytest.approx(1.418, rel=0.005)
    assert student(1e6) == pytest.approx(1, rel=1e-4)


def test_too_few_elements_are_not_called_alike():
    assert (moderate(np.ones((1, 7)), RUNS).freedom == RUNS).all()
    assert (moderate(np.zeros((1, 64)), RUNS).variance == 0).all()


def test_false_alarms_stay_rare_where_variances_scatter():
    """Differences of two runs with a deviation of their own in every element, none of them beyond four floors."""
    deviations = 1e-7 * 10 ** RNG.normal(0, 0.7, 200_000)
    floor = floor_of(squares_of(deviations), RNG.normal(size=200_000), RUNS)
    assert (np.abs(RNG.normal(0, math.sqrt(2) * deviations)) < 4 * floor).all()


def test_the_references_scatter_is_its_own():
    """A jump widens nobody where the median is asked for, and no element gets 32 times what it shows."""
    squares = np.full(64, 2 * 1e-7**2)
    squares[3] = 1.0
    squares[9] = 2 * 1e-20**2
    own = 2 * math.sqrt(2) * 1e-7
    for robust in (False, True):
        scatter = scatter_of(squares, np.ones(64), 2, robust=robust)
        assert scatter[20] == pytest.approx(own, rel=0.5)
        assert scatter[9] <= 33 * 2 * math.sqrt(2) * 1e-20
    assert scatter_of(squares, np.ones(64), 2, robust=True)[3] == pytest.approx(own)


@pytest.mark.parametrize("width", [floor_of, scatter_of])
def test_an_empty_array_has_empty_widths(width):
    assert width(np.zeros((0, 3)), np.zeros((0, 3)), RUNS).shape == (0, 3)
