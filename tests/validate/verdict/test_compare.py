"""The comparison of values and structure: every hole that other tools have is tried here.

F1 to F16 and P5 to P28 in the names are known holes and pitfalls: docs/verdict-theory.md says what each is.
"""

from __future__ import annotations

import numpy as np
import pytest
from comparing import NORMAL, RNG, compare, compare_all

from paritygate.validate.report.types import Verdict
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.policies import DefaultPolicy, FixedPolicy, OverridingPolicy

# -- values ---------------------------------------------------------------------------------------------------------

DIFFERENT = [
    pytest.param([1.0, 2.0], [1.0, np.nan], "PG106", id="F4 NaN for a number"),
    pytest.param([0.0, 2.0], [np.nan, 2.0], "PG106", id="F11 NaN for zero"),
    pytest.param([1.0, np.nan], [1.0, 2.0], "PG106", id="a number for NaN"),
    pytest.param([1.0, np.inf], [1.0, 3e38], "PG106", id="large for infinity"),
    pytest.param([1.0, np.inf], [1.0, -np.inf], "PG106", id="infinity of the other sign"),
    pytest.param([1.0, np.nan], [1.0, np.inf], "PG106", id="infinity for NaN"),
    pytest.param([1e6, 1.0, 2.0], [1e6 + 500, 1.0, 2.0], "PG101", id="F2 off by 500 at 1e6"),
    pytest.param([1e6, 1.0, 2.0], [1e6, 1.0, 2.001], "PG101", id="F2 off by 1e-3 beside 1e6"),
    pytest.param([0.0, 1.0], [0.1, 1.0], "PG101", id="F10 expected zero: relative error 0.1/0"),
    pytest.param([0.0, 0.0], [0.1, 0.1], "PG101", id="everything expected to be zero"),
    pytest.param([1.0, 2.0], [2.0, 4.0], "PG101", id="F16 cosine 1, twice as large"),
    pytest.param([1.0, 2.0], [1.1, 2.1], "PG101", id="F11 one axis only"),
    pytest.param([3e38], [-3e38], "PG101", id="a difference beyond float32"),
]


@pytest.mark.parametrize(("want", "got", "code"), DIFFERENT)
def test_different_values_fail(want, got, code):
    row = compare(np.float32(want), np.float32(got))
    assert (row.verdict, row.code) == (Verdict.FAIL, code)
    assert row.reason


def test_f2_both_bounds_must_hold_where_the_user_gives_them():
    """Polygraphy passes 5 at 1e6 with rtol=atol=1e-5, for its error is great only absolutely: 5e-6 relative.
    By the formula 5 <= 1e-5 + 10 it is allowed; what must fail is 50."""
    policy = FixedPolicy(1e-5, 1e-5)
    assert compare([1e6], [1e6 + 5], policy).passed
    assert not compare([1e6], [1e6 + 50], policy).passed
    assert not compare([1e-6], [1e-4], policy).passed
    assert not compare([1e6], [1e6 + 5], FixedPolicy(0, 1e-5)).passed


@pytest.mark.parametrize("outlier", [1e3, 1e9, -3e38])
def test_f7_one_great_value_hides_nothing(outlier):
    want = RNG.standard_normal(5000).astype(np.float32)
    want[7] = outlier
    got = want + np.float32(2)
    got[7] = outlier
    assert compare(want, got).metrics.differing > 4900
    slightly = want * np.float32(1.001)
    slightly[7] = outlier
    assert compare(want, slightly).metrics.differing > 4500  # all but those that are near zero


def test_half_of_the_values_masked_hides_nothing():
    want = NORMAL.copy()
    want[:, ::2] = -1e9
    got = want.copy()
    got[3, 1] += 1e-3
    row = compare(want, got)
    assert (row.code, row.worst.index, row.metrics.differing) == ("PG101", (3, 1), 1)


def test_rounding_near_zero_is_no_false_alarm():
    """An element that is zero by cancellation is off by roundings of its neighbours, here 40 of them at 2."""
    want, got = NORMAL.copy(), NORMAL.copy()
    want[0, 0], got[0, 0] = 0, 40 * np.spacing(np.float32(2))
    assert compare(want, got).passed
    assert compare(want[:, :1], got[:, :1]).passed
    assert compare(want[:1, :1], got[:1, :1]).code == "PG101"  # alone, it has no neighbours to blame


def test_f9_the_reference_is_not_narrowed_first():
    """-1e300 is infinite in float32: the candidate has lost it, and must not be met half way."""
    assert compare([1e300, 1.0], np.float32([np.inf, 1.0]), accepts=("float32",)).code == "PG106"
    assert compare([1.0 + 1e-3, 1.0], np.float32([1.0, 1.0]), accepts=("float32",)).code == "PG101"


def test_an_accepted_dtype_is_judged_at_the_coarser_width_and_said():
    want = RNG.random(100)
    row = compare(want, want.astype(np.float32), accepts=("float32",))
    assert row.passed
    assert row.tolerance.dtype == "float32"
    assert row.reason == "float64 in the reference, float32 in the candidate"
    assert not compare(want, want + 1e-6).passed  # two doubles: float64's tolerance


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = np.dtype(getattr(ml_dtypes, dtype) if dtype == "bfloat16" else dtype)
    want = NORMAL.astype(half)
    next_value = (want.astype(np.float32) * (1 + float(ml_dtypes.finfo(half).eps))).astype(half)
    assert compare(want, next_value).passed
    assert compare(want, (want.astype(np.float32) * 1.1).astype(half)).code == "PG101"
    broken = want.copy()
    broken[0, 0] = np.nan
    assert compare(want, broken).code == "PG106"


def test_complex_numbers_are_compared_by_their_parts():
    want = (NORMAL[0] + 1j * NORMAL[1]).astype(np.complex64)
    assert compare(want, want).passed
    row = compare(want, want.conj())
    assert row.code == "PG101"
    assert row.worst.index[-1] == 1
    broken = want.copy()
    broken[0] = complex(np.nan, 0)
    assert compare(want, broken, FixedPolicy(0, 0)).code == "PG106"


EXACT = [
    pytest.param(np.array([2**53, 5]), np.array([2**53 + 1, 5]), id="P17 int64 beyond float64"),
    pytest.param(np.array([2**63], np.uint64), np.array([2**63 + 1], np.uint64), id="uint64"),
    pytest.param(np.array([-(2**63)]), np.array([2**63 - 1]), id="int64's ends"),
    pytest.param(np.array([1, 2, 3]), np.array([1, 2, 4]), id="F3 the last index"),
    pytest.param(np.array([True, False]), np.array([True, True]), id="bool"),
    pytest.param(np.array(["cat", "dog"]), np.array(["cat", "dogs"]), id="text of another length"),
    pytest.param(np.array("cat"), np.array("dog"), id="text without axes"),
]


@pytest.mark.parametrize(("want", "got"), EXACT)
@pytest.mark.parametrize("policy", [DefaultPolicy(), FixedPolicy(0.5, 10.0)])
def test_exact_kinds_have_no_tolerance(want, got, policy):
    """Not even the user's global one: it speaks of floating outputs, and a class is no distance from another."""
    row = compare(want, got, policy)
    assert (row.verdict, row.code, row.metrics.differing) == (Verdict.FAIL, "PG107", 1)
    assert compare(want, want.copy(), policy).passed


def test_integers_may_have_a_tolerance_of_their_own():
    policy = OverridingPolicy(DefaultPolicy(), {"y": (0.0, 1.0)})
    assert compare([10, 20], [11, 19], policy).passed
    assert compare([10, 20], [12, 20], policy).code == "PG101"


def test_p20_equal_nan_patterns_agree_but_nan_alone_proves_nothing():
    want = np.float32([np.nan, np.inf, 1.0])
    row = compare(want, want.copy())
    assert row.passed
    assert (row.metrics.nonfinite, row.metrics.errors.max_absolute) == (2, 0.0)
    alone = compare(want[:2], want[:2])
    assert (alone.verdict, alone.code) == (Verdict.INCONCLUSIVE, "PG306")


def test_zero_tolerance_is_a_bound():
    want = np.float32([1.0, 0.0])
    assert compare(want, want.copy(), FixedPolicy(0, 0)).passed
    row = compare(want, np.nextafter(want, np.float32(2)), FixedPolicy(0, 0))
    assert row.code == "PG101"
    assert "and none may" in row.reason


def test_tiny_outputs_are_compared_too():
    """A fixed atol of 1e-6 would let zeros pass for an output of 1e-9."""
    want = np.float32([1e-9, 2e-9, 3e-9])
    assert compare(want, np.zeros_like(want)).code == "PG101"
    assert compare(want, want * np.float32(1 + 1e-6)).passed


# -- structure ------------------------------------------------------------------------------------------------------


def test_f1_an_output_that_is_missing_fails():
    rows = compare_all([{"a": NORMAL, "b": NORMAL}], [{"a": NORMAL}], {"a": "a"})
    assert rows["a"].passed
    assert (rows["b"].verdict, rows["b"].code) == (Verdict.FAIL, "PG104")


def test_an_output_that_is_missing_in_one_sample_fails():
    rows = compare_all([{"a": NORMAL}] * 3, [{"a": NORMAL}, {}, {"a": NORMAL}])
    assert (rows["a"].verdict, rows["a"].code) == (Verdict.FAIL, "PG104")
    assert "first in 1" in rows["a"].reason
    rows = compare_all([{"a": NORMAL}, {}], [{"a": NORMAL}, {"a": NORMAL}])
    assert rows["a"].code == "PG104"


def test_f5_f12_outputs_beyond_the_reference_fail():
    rows = compare_all([{"a": NORMAL}], [{"a": NORMAL, "more": NORMAL}])
    assert (rows["more"].verdict, rows["more"].code) == (Verdict.FAIL, "PG105")


def test_what_the_reference_gives_undeclared_fails():
    rows = compare_outputs(
        (TensorSpec("a", "float32", None),),
        [{"a": NORMAL, "b": NORMAL}],
        [{"a": NORMAL, "b": NORMAL}],
        {"a": "a", "b": "b"},
        DefaultPolicy(),
    )
    assert [row.verdict for row in rows] == [Verdict.PASS, Verdict.FAIL, Verdict.FAIL]


def test_nothing_is_bound_by_guess():
    """Equal names without a binding, and a binding to nothing, both fail: F8's positions, POL's likeness."""
    specs = (TensorSpec("a", "float32", None),)
    for bindings in ({}, {"a": "x"}):
        rows = compare_outputs(specs, [{"a": NORMAL}], [{"a": NORMAL}], bindings, DefaultPolicy())
        assert [row.code for row in rows] == ["PG104", "PG105"]


def test_two_candidates_for_one_output_fail():
    rows = compare_all([{"a": NORMAL}], [{"x": NORMAL, "y": NORMAL}], {"x": "a", "y": "a"})
    assert rows["a"].code == "PG105"


def test_swapped_outputs_fail():
    rows = compare_all([{"a": NORMAL, "b": NORMAL[::-1]}], [{"a": NORMAL[::-1], "b": NORMAL}])
    assert [row.code for row in rows.values()] == ["PG101", "PG101"]
    bound = compare_all([{"a": NORMAL, "b": NORMAL[::-1]}], [{"a": NORMAL[::-1], "b": NORMAL}], {"a": "b", "b": "a"})
    assert all(row.passed for row in bound.values())


SHAPES = [
    pytest.param(NORMAL, NORMAL.T, id="F11 transposed"),
    pytest.param(NORMAL, NORMAL.reshape(-1), id="flattened"),
    pytest.param(NORMAL, NORMAL[None], id="an axis more"),
    pytest.param(NORMAL, NORMAL[:1], id="would broadcast"),
    pytest.param(NORMAL[0, 0], NORMAL[0, :1], id="P19 rank 0 and 1"),
    pytest.param(NORMAL, NORMAL[:0], id="empty on one side"),
]


@pytest.mark.parametrize(("want", "got"), SHAPES)
def test_another_shape_fails(want, got):
    row = compare(want, got)
    assert (row.verdict, row.code) == (Verdict.FAIL, "PG102")
    assert str(list(np.shape(want))) in row.reason
    assert str(list(np.shape(got))) in row.reason


def test_f11_a_transposed_square_fails():
    square = NORMAL[:16]
    assert compare(square, square.T.copy()).code == "PG101"


DTYPES = [
    pytest.param(np.array([1, 2]), np.array([1, 2], np.int32), (), id="F3 int64 to int32"),
    pytest.param(np.array([1.0]), np.array([1.0], np.float32), (), id="float64 to float32, not accepted"),
    pytest.param(np.array([1.0]), np.array([1]), ("int64",), id="floats and integers never meet"),
    pytest.param(np.array([1]), np.array(["1"]), ("str",), id="numbers and text never meet"),
    pytest.param(np.array([1]), np.array([1], np.uint64), ("uint64",), id="int64 and uint64 meet in float64"),
    pytest.param(np.array([1]), np.array([True]), (), id="integers and booleans"),
]


@pytest.mark.parametrize(("want", "got", "accepts"), DTYPES)
def test_another_dtype_fails(want, got, accepts):
    row = compare(want, got, accepts=accepts)
    assert (row.verdict, row.code) == (Verdict.FAIL, "PG103")
    assert row.candidate_dtype in row.reason


def test_a_dtype_that_changes_between_samples_fails():
    rows = compare_all([{"a": NORMAL}, {"a": NORMAL.astype(str)}], [{"a": NORMAL}, {"a": NORMAL.astype(str)}])
    assert rows["a"].code == "PG103"


def test_python_objects_fail():
    things = np.array([{"a": 1}], dtype=object)
    assert compare(things, things).code == "PG111"


def test_outputs_that_are_always_empty_fail():
    empty = np.zeros((0, 4), np.float32)
    row = compare(empty, empty)
    assert (row.verdict, row.code) == (Verdict.FAIL, "PG109")
    assert compare_all([{"a": empty}, {"a": NORMAL}], [{"a": empty}, {"a": NORMAL}])["a"].passed
    assert not compare_all([{"a": empty}, {"a": NORMAL}], [{"a": empty}, {"a": -NORMAL}])["a"].passed


def test_f5_sample_counts_must_be_equal():
    rows = compare_all([{"a": NORMAL}] * 3, [{"a": NORMAL}] * 2)
    assert (rows["a"].verdict, rows["a"].code) == (Verdict.FAIL, "PG104")
    assert "3 samples and the candidate 2" in rows["a"].reason


def test_f14_f15_no_samples_prove_nothing():
    (row,) = compare_outputs((TensorSpec("a", "float32", None),), [], [], {"a": "a"}, DefaultPolicy())
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, "PG306")
    assert compare_outputs((), [], [], {}, DefaultPolicy()) == ()


def test_f14_every_sample_and_every_output_counts():
    reference = [{"a": NORMAL, "b": NORMAL[:n]} for n in (1, 5, 9)]
    broken = NORMAL[:9].copy()
    broken[8, 15] += 1
    rows = compare_all(reference, [*reference[:2], {"a": NORMAL, "b": broken}])
    assert rows["a"].passed
    assert (rows["b"].code, rows["b"].worst.sample, rows["b"].worst.index) == ("PG101", 2, (8, 15))
