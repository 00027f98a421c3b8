"""What is measured of an output, against numpy, and properties that hold for any values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from comparing import RNG, compare
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paritygate.validate.report.types import Tolerance, Verdict
from paritygate.validate.verdict import metrics
from paritygate.validate.verdict.metrics import measure, scale_exponent
from paritygate.validate.verdict.policies import FixedPolicy

# -- what is measured -----------------------------------------------------------------------------------------------


def test_metrics_against_numpy():
    want = RNG.standard_normal((300, 1000))
    got = want + RNG.normal(0, 1e-6, want.shape)
    error = np.abs(got - want)
    errors = compare(want, got).metrics.errors
    assert errors.max_absolute == error.max()
    assert errors.mean_absolute == pytest.approx(error.mean())
    assert errors.max_relative == pytest.approx((error / np.abs(want)).max())
    assert errors.mean_relative == pytest.approx((error / np.abs(want)).mean())
    assert errors.cosine == pytest.approx(np.vdot(want, got) / np.linalg.norm(want) / np.linalg.norm(got))
    assert errors.snr_db == pytest.approx(20 * math.log10(np.linalg.norm(want) / np.linalg.norm(error)))
    for q, value in errors.quantiles:
        assert value == np.quantile(error, q, method="higher")


def test_quantiles_of_a_draw_are_near(monkeypatch):
    """A draw of 20,000 places the median within 1 % of ranks with certainty (standard error 0.35 %)."""
    monkeypatch.setattr(metrics, "QUANTILE_SAMPLE", 20_000)
    errors = RNG.random(300_000)
    measured, _ = measure([np.zeros_like(errors)], [errors], Tolerance())
    assert dict(measured.errors.quantiles)[0.5] == pytest.approx(0.5, abs=0.02)
    assert measured.errors.max_absolute == errors.max()


@pytest.mark.parametrize(
    ("want", "got"), [([0.0], [0.0]), ([0.0], [1.0]), ([1.0], [0.0]), ([1e-200], [2e-200]), ([1e200], [2e200])]
)
@pytest.mark.filterwarnings("error")
def test_f10_no_metric_is_nan(want, got):
    errors = compare(want, got).metrics.errors
    numbers = [errors.max_relative, errors.mean_relative, errors.cosine, errors.snr_db, errors.max_absolute]
    assert not any(number is not None and math.isnan(number) for number in numbers)


@pytest.mark.parametrize(
    ("values", "exponent"),
    [
        pytest.param([0.0, 0.0], None, id="nothing but zeros"),
        pytest.param([1.0, 3.0], 1, id="the greatest of a few"),
        pytest.param([1e-30, 3.0], -100, id="two values of two scales"),
        pytest.param([*[1.5] * 20, 1000.0], 0, id="an outlier stands apart"),
        pytest.param([*[1.5] * 20, 100.0], 6, id="a tail does not"),
        pytest.param([*[1e-12] * 5, *[1.5] * 20], 0, id="a few that are small by cancellation do not pull down"),
        pytest.param([np.nan, np.inf, 5.0], 2, id="only finite values"),
    ],
)
def test_scale(values, exponent):
    assert scale_exponent(np.array(values)) == exponent


def test_blocks_keep_positions():
    """The worst element is found beyond the first block, and where NaN thins the values out."""
    want = np.zeros((3, 70_000))
    want[2, 69_900:69_905] = np.nan
    got = want.copy()
    got[2, 69_999] = 1
    row = compare(want, got)
    assert (row.worst.index, row.worst.actual, row.metrics.nonfinite) == ((2, 69_999), 1.0, 5)
    assert compare(np.asfortranarray(want), got).worst.index == (2, 69_999)


def test_the_sentence_says_how_many_how_far_where_and_what_would_pass():
    want = np.zeros((2, 3), np.float32) + 1
    got = want.copy()
    got[1, 2] = 1.5
    row = compare(want, got, FixedPolicy(1e-3, 1e-5))
    assert row.reason == (
        "1 of 6 elements differ by more than atol 1e-05 + rtol 0.001*|expected|; the worst, [1, 2] of sample 0: "
        "expected 1, got 1.5, off by 0.5 where 0.00101 is allowed; would pass with rtol=0.001 and atol=0.5"
    )


# -- properties -----------------------------------------------------------------------------------------------------

FINITE = st.floats(-1e6, 1e6, width=32)
ARRAYS = hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=5), elements=FINITE)
ANY = hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=5), elements=st.floats(width=32))
BOUNDS = st.sampled_from([0.0, 1e-6, 1e-3, 0.1])
property_test = settings(deadline=None, derandomize=True)  # the same examples on every machine, however busy


@property_test
@given(ANY)
def test_everything_agrees_with_itself(array):
    row = compare(array, array.copy(), FixedPolicy(0, 0))
    assert row.passed or (row.code == "PG306" and not np.isfinite(array).any())


@property_test
@given(ARRAYS, st.data())
def test_one_element_beyond_the_default_fails(array, data):
    """1e-3 of the greatest magnitude is beyond rtol 1e-4 and 128 ulp (1.5e-5), whatever the array."""
    index = data.draw(st.tuples(*(st.integers(0, side - 1) for side in array.shape)))
    got = array.astype(np.float64)
    got[index] += max(1e-3 * np.abs(got).max(), 1e-4)
    row = compare(array, got.astype(np.float32))
    assert (row.verdict, row.worst.index) == (Verdict.FAIL, index)


@property_test
@given(ANY, st.data(), BOUNDS, BOUNDS)
def test_agrees_with_numpy(want, data, rtol, atol):
    got = data.draw(hnp.arrays(np.float32, want.shape, elements=st.sampled_from([0.0, 1.0, np.nan, np.inf]) | FINITE))
    mixed = np.where(data.draw(hnp.arrays(bool, want.shape)), want, got)
    close = np.isclose(mixed.astype(np.float64), want.astype(np.float64), rtol, atol, equal_nan=True)
    row = compare(want, mixed, FixedPolicy(rtol, atol))
    assert row.metrics.differing + row.metrics.mismatched == np.count_nonzero(~close)
    assert row.passed == (close.all() and np.isfinite(want).any())


@property_test
@given(ARRAYS, st.data(), BOUNDS, BOUNDS)
def test_a_wider_tolerance_never_turns_a_pass_into_a_failure(want, data, rtol, atol):
    got = want + data.draw(hnp.arrays(np.float32, want.shape, elements=st.floats(-1, 1, width=32)))
    narrow = compare(want, got, FixedPolicy(rtol, atol))
    wide = compare(want, got, FixedPolicy(2 * rtol, 2 * atol))
    assert wide.passed or not narrow.passed


@property_test
@given(ARRAYS, ARRAYS, st.sampled_from([0.0, 1e-6, 1e-3]))
def test_what_is_said_to_pass_passes(want, other, rtol):
    got = np.resize(other, want.shape)
    row = compare(want, got, FixedPolicy(rtol, 0))
    if not row.passed:
        atol = float(row.reason.rpartition("atol=")[2])
        assert compare(want, got, FixedPolicy(rtol, atol)).passed
        assert not compare(want, got, FixedPolicy(rtol, 0.98 * row.metrics.errors.required_atol)).passed


@property_test
@given(hnp.arrays(np.int64, 5), hnp.arrays(np.int64, 5))
def test_integers_agree_only_if_equal(want, got):
    assert compare(want, got).passed == np.array_equal(want, got)
