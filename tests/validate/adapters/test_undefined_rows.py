"""Rows that NaN makes undefined in both models: where in the row it stands isn't compared."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.adapters.undefined_rows import without_undefined_rows
from paritygate.validate.samples.types import Sample, SampleKind

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("want", "got", "compared"),
    [
        ([[NAN, 0.0]], [[NAN, NAN]], [[NAN, 0.0]]),
        ([[NAN, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]]),
        ([[2.0, 0.0]], [[NAN, 0.0]], [[NAN, 0.0]]),
        ([[NAN, NAN]], [[INF, NAN]], [[INF, NAN]]),
        ([[NAN, 0.0], [3.0, 4.0]], [[NAN, 5.0], [3.0, 9.0]], [[NAN, 0.0], [3.0, 9.0]]),
    ],
    ids=["spread", "NaN lost", "NaN made", "all undefined", "other rows"],
)
def test_only_rows_that_are_partly_undefined_in_both_are_settled(want, got, compared):
    sample = Sample("NaN", {}, SampleKind.SPECIAL)
    settled = without_undefined_rows([sample], [{"y": np.array(want)}], [{"z": np.array(got)}], {"z": "y"})
    np.testing.assert_array_equal(settled[0]["z"], np.array(compared))


def test_other_samples_are_compared_everywhere():
    sample = Sample("normal", {}, SampleKind.NORMAL)
    got = {"y": np.array([[NAN, NAN]])}
    assert without_undefined_rows([sample], [{"y": np.array([[NAN, 0.0]])}], [got], {"y": "y"}) == [got]
