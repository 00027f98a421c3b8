"""The noise floor: from squared deviations to a half-width for every element."""

from __future__ import annotations

import math

import numpy as np
import pytest

from paritygate.validate.noise.floor import floor_of

RNG = np.random.default_rng(5)


def test_the_floor_of_normal_errors_is_two_deviations_of_a_difference():
    """10,000 elements of one deviation: on average the moderated estimate of 10 runs is within 20 % of it."""
    deviation = 3e-7
    squares = (RNG.normal(0, deviation, (10, 10_000)) ** 2).sum(axis=0)
    floor = floor_of(squares, np.ones(10_000), 10)
    assert floor.mean() == pytest.approx(2 * math.sqrt(2) * deviation, rel=0.2)
    assert floor.min() > math.sqrt(2) * deviation


def test_an_element_without_spread_borrows_from_its_neighbours_in_magnitude():
    """Two scales in one output stay apart: elements near 1e-3 don't change the floor of those near 1."""
    values = np.concatenate([np.full(500, 1e-3), np.ones(500)])
    squares = np.concatenate([np.full(500, 10 * 1e-10**2), np.full(500, 10 * 1e-7**2)])
    squares[[3, 700]] = 0
    floor = floor_of(squares, values, 10)
    assert floor[3] == pytest.approx(2 * 1e-10, rel=0.05)
    assert floor[700] == pytest.approx(2 * 1e-7, rel=0.05)


def test_the_floor_of_an_empty_array_is_empty():
    assert floor_of(np.zeros((0, 3)), np.zeros((0, 3)), 10).shape == (0, 3)
