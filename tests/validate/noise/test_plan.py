"""Which samples of a large model are perturbed, and how the rounding of the others is told from these."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.noise.plan import MOST_WORK, carried, plan_samples, spread
from paritygate.validate.samples.types import Sample, SampleKind

RNG = np.random.default_rng(3)


def sample(kind: SampleKind, rows: int, width: int = 8) -> Sample:
    return Sample(f"{kind} {rows}", {"x": np.zeros((rows, width), np.float32)}, kind, rows)


SAMPLES = [
    sample(SampleKind.NORMAL, 1),
    sample(SampleKind.NORMAL, 5),
    sample(SampleKind.ZEROS, 1),
    sample(SampleKind.LENGTHS, 2),
    sample(SampleKind.LENGTHS, 2, width=9),
]


@pytest.mark.parametrize(
    ("rows_allowed", "measured", "donors", "brief"),
    [
        (11, (0, 1, 2, 4), {3: 1}, ()),
        (0.5, (0, 4), {1: 0, 3: 0}, (2,)),
        (7, (0, 1, 4), {3: 1}, (2,)),
    ],
    ids=["small", "large", "some room"],
)
def test_samples_are_perturbed_up_to_a_limit_and_those_that_aim_at_lengths_seldom(
    rows_allowed, measured, donors, brief
):
    plan = plan_samples(int(MOST_WORK / rows_allowed), SAMPLES)
    assert plan.measured == measured
    assert dict(plan.donors) == donors
    assert plan.brief == brief
    assert plan.thrifty == bool(brief)


def squares_of(deviation: np.ndarray) -> np.ndarray:
    """Four runs whose deviations are normal."""
    return (RNG.standard_normal((4, *deviation.shape)) ** 2).sum(axis=0) * deviation**2


def test_rounding_is_carried_over_by_magnitude():
    """Every carried deviation is at least the true one, and at most twice it: sharp, and seldom too narrow."""
    plan = plan_samples(int(2 * MOST_WORK), SAMPLES[:2])
    values = [RNG.standard_normal((rows, 5000)) for rows in (1, 5)]
    true = [1e-7 * np.abs(each) + 1e-9 for each in values]
    found = carried(plan.donors, {0: {"y": squares_of(true[0])}}, [{"y": each} for each in values])
    ratio = np.sqrt(found[1]["y"] / 4) / true[1]
    assert np.mean(ratio > 1) > 0.95
    assert np.quantile(ratio, 0.99) < 2.5


@pytest.mark.parametrize("chaotic", [slice(None, None, 2), slice(None, None, 40)], ids=["every second", "one in forty"])
def test_what_magnitude_does_not_tell_is_not_carried_over(chaotic):
    """A noisy element lends nothing to a sound one of its size: then the other samples are perturbed, too."""
    plan = plan_samples(int(2 * MOST_WORK), SAMPLES[:2])
    values = [RNG.standard_normal((rows, 5000)) for rows in (1, 5)]
    deviation = np.full((1, 5000), 1e-7)
    deviation[:, chaotic] = 1e-1
    assert carried(plan.donors, {0: {"y": squares_of(deviation)}}, [{"y": each} for each in values]) is None


def test_a_small_output_is_not_carried_over():
    """A window of 64 needs others to be compared with."""
    plan = plan_samples(int(2 * MOST_WORK), SAMPLES[:2])
    values = [RNG.standard_normal((rows, 10)) for rows in (1, 5)]
    assert (
        carried(plan.donors, {0: {"y": squares_of(np.full((1, 10), 1e-7))}}, [{"y": each} for each in values]) is None
    )


def test_two_runs_give_no_element_less_than_its_deviation():
    """Two runs alone leave one element in ten below a third of its deviation; the greatest of its window doesn't."""
    values = RNG.standard_normal((4, 5000))
    true = 1e-7 * np.abs(values) + 1e-9
    two = (RNG.standard_normal((2, *true.shape)) ** 2).sum(axis=0) * true**2
    ratio = np.sqrt(spread({"y": two}, {"y": values})["y"] / 2) / true
    assert np.mean(ratio > 1) > 0.99
    assert np.quantile(ratio, 0.99) < 3.5


@pytest.mark.parametrize("size", [100, 5000])
def test_two_runs_do_not_tell_of_chaotic_elements(size):
    values = RNG.standard_normal((1, size))
    squares = np.where(np.arange(size) % 2, 1e-14, 1e-2).reshape(1, size)
    assert spread({"y": squares}, {"y": values}) is None


def test_constant_images_are_flat() -> None:
    """Their rounding is the same at all places; rows of a table have no places."""
    image, row = np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 3), np.float32)
    samples = [
        Sample(kind, {"x": array}, kind, 1) for array in (image, row) for kind in (SampleKind.NORMAL, SampleKind.TINY)
    ]
    assert plan_samples(10, samples).flat == (1,)
