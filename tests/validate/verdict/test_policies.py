"""Tolerances that a user gives."""

from __future__ import annotations

import math

import pytest
from comparing import NORMAL

from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import JudgeOptions
from paritygate.validate.report.types import Tolerance
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.choice import choose_policy
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.policies import DefaultPolicy, FixedPolicy, OverridingPolicy, parse_tolerance

BAD_BOUNDS = [(-1e-3, 0), (0, -1.0), (math.nan, 0), (0, math.nan), (0, math.inf), (1.0, 0)]


@pytest.mark.parametrize(("rtol", "atol"), BAD_BOUNDS)
def test_bounds_that_can_not_be_meant_are_refused(rtol, atol):
    for make in (
        lambda: FixedPolicy(rtol, atol),
        lambda: OverridingPolicy(DefaultPolicy(), {"y": (rtol, atol)}),
        lambda: choose_policy(JudgeOptions(tolerances={"y": (rtol, atol)})),
    ):
        with pytest.raises(ParityGateError, match="PG201"):
            make()


@pytest.mark.parametrize(("rtol", "atol"), [(0.1, None), (None, 0.1)])
def test_both_bounds_or_neither(rtol, atol):
    with pytest.raises(ParityGateError, match="PG201"):
        JudgeOptions(rtol=rtol, atol=atol)


@pytest.mark.parametrize("text", ["y", "y:1e-3:x"])
def test_a_tolerance_has_a_name_and_two_bounds(text):
    with pytest.raises(ParityGateError, match="PG201"):
        parse_tolerance(text)


def test_a_name_may_hold_colons():
    name, bounds = parse_tolerance("StatefulPartitionedCall:0:1e-3:0.5")
    policy = choose_policy(JudgeOptions(rtol=0.0, atol=0.0, tolerances={name: bounds}))
    spec = TensorSpec("StatefulPartitionedCall:0", "float32", None)
    assert policy.tolerance(spec, [NORMAL], "float32") == Tolerance(1e-3, 0.5, dtype="float32", source="user")
    assert policy.tolerance(TensorSpec("y", "float32", None), [NORMAL], "float32").exact


@pytest.mark.parametrize("specs", [(), (TensorSpec("y", "str", None),), (TensorSpec("y", "bool", None),)])
def test_a_tolerance_for_what_has_none_is_refused(specs):
    with pytest.raises(ParityGateError, match="PG201"):
        compare_outputs(specs, [], [], {}, choose_policy(JudgeOptions(tolerances={"y": (0.1, 0.1)})))
