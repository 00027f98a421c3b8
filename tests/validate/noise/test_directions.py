"""In how many directions deviations point: known numbers of them, drawn at random."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.noise.moderation import MOST_ELEMENTS, directions_of, drawn, fewest, widening


def runs_in(directions: int, runs: int, elements: int = 2000) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    basis = random.normal(size=(directions, elements))
    return [random.normal(size=directions) @ basis for _ in range(runs)]


@pytest.mark.parametrize(
    ("directions", "runs", "least", "most"),
    [
        (1, 2, 1, 1.01),  # all elements move together: every cosine is 1 or -1
        (1, 10, 1, 1.01),
        (3, 10, 2, 5),  # of 45 cosines: the mean of their squares is within a third of 1/3
        (100, 10, 60, 160),
        (2000, 2, 300, 2000),  # one cosine alone: within three standard deviations of 0
    ],
)
def test_directions_are_counted(directions: int, runs: int, least: float, most: float) -> None:
    assert least <= directions_of(runs_in(directions, runs)) <= most


def test_the_size_of_an_element_does_not_matter() -> None:
    runs = runs_in(100, 10)
    scale = np.geomspace(1, 1e12, runs[0].size)
    assert directions_of([run * scale for run in runs]) == pytest.approx(directions_of(runs))


def test_what_does_not_deviate_has_no_direction() -> None:
    assert directions_of([np.zeros(7), np.zeros(7)]) == 7


@pytest.mark.parametrize(("freedom", "least", "most"), [(2, 10, 1000), (4, 1.5, 2.5), (10, 1, 1), (1e6, 1, 1)])
def test_a_floor_of_few_degrees_of_freedom_is_wider(freedom: float, least: float, most: float) -> None:
    """Student's t at 1e-4 is 99 for 2 degrees of freedom and 13 for 4, where 8 are allowed."""
    assert least <= widening(freedom) <= most


def test_large_outputs_are_drawn_from() -> None:
    assert drawn(np.ones((100, 1000))).size <= 2 * MOST_ELEMENTS
    assert np.isfinite(drawn(np.array([np.nan, np.inf, 1.0]))).all()


def test_the_sample_with_the_fewest_counts() -> None:
    assert fewest([{"y": 5.0, "z": 2.0}, {"y": 3.0}]) == {"y": 3.0, "z": 2.0}
