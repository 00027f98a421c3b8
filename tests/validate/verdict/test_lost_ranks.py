"""An output without an element has no rank that could differ, where the reference's engine has lost it."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import RNG

from paritygate.validate.report.types import Verdict
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.policies import DefaultPolicy

FULL = RNG.normal(size=(2, 1, 4)).astype(np.float32)


def compare(*pairs):
    specs = [TensorSpec("y", "float32", ("t", "n", 4))]
    want, got = ([{"y": np.float32(pair[side])} for pair in pairs] for side in (0, 1))
    (row,) = compare_outputs(specs, want, got, {"y": "y"}, DefaultPolicy())
    return row


def empty(*shape):
    return np.zeros(shape)


def test_an_empty_stack_of_the_other_samples_rank_passes_with_a_remark():
    row = compare((FULL, FULL), (empty(0), empty(0, 0, 4)))
    assert (row.verdict, row.metrics.elements) == (Verdict.PASS, FULL.size)
    assert "sample 1" in row.reason
    assert "0 trips" in row.reason


@pytest.mark.parametrize(
    "pairs",
    [
        [(empty(0), empty(0, 0, 4))],  # the rank is known from no sample
        [(FULL, FULL), (empty(0), empty(0, 4))],  # another rank than the other samples'
        [(FULL, FULL), (empty(0), empty(1, 0, 4))],  # a turn of the loop that the reference didn't make
        [(FULL, FULL), (empty(0, 4), empty(0, 0, 4))],  # no lost rank: [0] is what the engine gives
        [(FULL, FULL), (empty(0, 0, 4), empty(0))],  # the candidate has lost it
        [(FULL, FULL), (empty(0), FULL)],
    ],
)
def test_any_other_shape_differs(pairs):
    assert compare(*pairs).code == "PG102"


def test_the_remark_stands_beside_values_that_differ():
    assert compare((FULL, FULL + 1), (empty(0), empty(0, 0, 4))).code == "PG101"
