"""Decision thresholds: elements on different sides of them in reference and candidate."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.types import Tolerance
from paritygate.validate.report.user_checks import Crossing
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.metrics import measure
from paritygate.validate.verdict.policies import DefaultPolicy, FixedPolicy
from paritygate.validate.verdict.thresholds import Allowances, crossing, decided_one_by_one, parse_thresholds

RNG = np.random.default_rng(0)


def test_allowances_are_what_the_comparison_allows():
    """An element just within its allowance passes and one just above it fails."""
    want = RNG.standard_normal((40, 9)).astype(np.float32)
    tolerance = Tolerance(1e-4, 1e-6, 128, "float32")
    allowed = Allowances([want], tolerance)[0]
    assert allowed.shape == want.shape
    for factor, differing in ((0.999, 0), (1.001, want.size)):
        metrics, _ = measure([want], [want.astype(np.float64) + factor * allowed], tolerance)
        assert metrics.differing == differing


def test_crossings_within_and_beyond_the_allowance():
    want = np.array([[0.2, 0.4999, 0.5, 0.5], [0.9, 0.1, np.nan, 0.49]])
    got = np.array([[0.2, 0.5, 0.4999, 0.6], [0.9, 0.8, np.nan, 0.5]])
    allowed = np.full(want.shape, 1.5e-4)
    assert crossing([want], [got], [allowed], 0.5) == Crossing(0.5, 8, 4, 2)


def test_crossings_of_blocks_and_samples():
    want = [RNG.random((n, 3), dtype=np.float32) for n in (20_000, 1)]
    want[1][:] = 0.9
    got = [(part + 0.01).astype(np.float32) for part in want]
    crossed = sum(int(np.sum((a >= 0.3) != (b >= 0.3))) for a, b in zip(want, got, strict=True))
    allowed = [RNG.choice([0, 1], part.shape) for part in want]
    inside = int(np.sum(allowed[0][(want[0] >= 0.3) != (got[0] >= 0.3)]))
    assert 0 < inside < crossed
    assert crossing(want, got, allowed, 0.3) == Crossing(0.3, 60_003, crossed, inside)


SIGMOID = RNG.random((50, 6), dtype=np.float32)

SOFTMAX = RNG.dirichlet(np.ones(6), 50).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        pytest.param(SIGMOID[:, :1], True, id="one class"),
        pytest.param(SIGMOID, True, id="several labels"),
        pytest.param(SIGMOID[:, 0], True, id="one score per row"),
        pytest.param(SIGMOID.reshape(5, 10, 6), True, id="a detector's places and classes"),
        pytest.param(SIGMOID.reshape(5, 1, 10, 6), True, id="a mask"),
        pytest.param(SOFTMAX, False, id="rows sum to one"),
        pytest.param(SOFTMAX.astype(np.float16), False, id="rows sum to one in float16"),
        pytest.param(SIGMOID * 2, False, id="above one"),
        pytest.param(SIGMOID - 0.5, False, id="below zero"),
        pytest.param(SIGMOID.reshape(5, 2, 5, 6), False, id="an image"),
        pytest.param(SIGMOID > 0.5, False, id="booleans"),
        pytest.param((SIGMOID > 0.5).astype(int), False, id="integers"),
        pytest.param(np.array(0.3), False, id="a scalar"),
        pytest.param(SIGMOID[:0], False, id="empty"),
        pytest.param(np.full((3, 2), np.nan), False, id="NaN"),
    ],
)
def test_outputs_with_the_default_threshold(array, expected):
    assert decided_one_by_one([array]) is expected


def decided(want, got, policy=None, thresholds=None, **more):
    specs = (TensorSpec("y", want.dtype.name, None),)
    (row,) = compare_outputs(
        specs, [{"y": want}], [{"y": got}], {"y": "y"}, policy or DefaultPolicy(), thresholds=thresholds, **more
    )
    return row


def test_crossings_are_reported_and_decide_nothing():
    want = SIGMOID.copy()
    want[0, 0] = np.nextafter(np.float32(0.5), np.float32(0))
    got = want.copy()
    got[0, 0] = 0.5
    row = decided(want, got, thresholds={})
    assert row.passed
    assert row.crossings == (Crossing(0.5, 300, 1, 1),)
    assert decided(want, got).crossings == ()


def test_the_users_threshold_replaces_the_default():
    got = SIGMOID.copy()
    got[3, 3] = 1 - got[3, 3]
    row = decided(SIGMOID, got, FixedPolicy(0, 1.0), {"y": (0.2, 0.5)})
    assert [each.source for each in row.crossings] == ["user", "user"]
    assert [(each.crossed, each.inside) for each in row.crossings][1] == (1, 1)


def test_crossing_by_more_than_allowed_fails_by_its_value():
    got = SIGMOID.copy()
    got[3, 3] = 1 - got[3, 3]
    row = decided(SIGMOID, got, thresholds={"y": (0.5,)})
    assert row.code == "PG101"
    assert row.crossings == (Crossing(0.5, 300, 1, 0, "user"),)


@pytest.mark.parametrize(
    ("name", "dtype"), [("nope", "float32"), ("y", "str"), ("y", "bool"), ("y", "complex64")], ids=str
)
def test_invalid_thresholds(name, dtype):
    with pytest.raises(ParityGateError, match="PG201"):
        compare_outputs((TensorSpec("y", dtype, None),), [], [], {}, DefaultPolicy(), thresholds={name: (0.5,)})


def test_parsing_thresholds():
    assert parse_thresholds(["a:0.5", "a:0.7", "b:0:1e-3"]) == {"a": (0.5, 0.7), "b:0": (1e-3,)}
    for text in ("a", "a:", ":1", "a:x", "a:nan", "a:inf"):
        with pytest.raises(ParityGateError, match="PG201"):
            parse_thresholds([text])
