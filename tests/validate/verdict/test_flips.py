"""Flips and ties: rows whose best class differs, and those where rounding decides it."""

from __future__ import annotations

import numpy as np
import pytest

from paritygate.validate.report.types import LabelAgreement
from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.compare import compare_outputs
from paritygate.validate.verdict.labels import agreement_of_scores, count_ties
from paritygate.validate.verdict.policies import DefaultPolicy

RNG = np.random.default_rng(0)


@pytest.fixture
def flipped():
    """300 rows of 7 classes in two samples; rows 0 to 9 are ties within 1e-7 and flip, rows 10 to 12 flip by more."""
    want = RNG.dirichlet(np.ones(7), 300)
    want[:10, :2] = want[:10].max(axis=1)[:, None] + [[1e-7, 0]]
    got = want.copy()
    got[:10, 1] += 2e-7
    got[10:13] = np.roll(got[10:13], 1, axis=1)
    return [want[:100], want[100:]], [got[:100], got[100:]]


def test_flips_and_ties_are_counted(flipped):
    want, got = flipped
    allowed = [np.full(part.shape, 2e-7) for part in want]
    agreement = agreement_of_scores(want, got, allowed)
    assert (agreement.rows, agreement.flips, agreement.ties) == (300, 13, 10)


def test_ties_are_measured_by_the_allowance_of_their_own_elements(flipped):
    """The allowance of five of the ten rows is large enough; one of another class or row must not count."""
    want, got = flipped
    allowed = [np.zeros(part.shape) for part in want]
    allowed[0][:5, 0] = 1.1e-7
    allowed[0][5:10, 2:] = 1.0
    allowed[1][:] = 1.0
    assert agreement_of_scores(want, got, allowed).ties == 5
    labels = [part.argmax(axis=1) for part in want], [part.argmax(axis=1) for part in got]
    assert count_ties(labels, want, allowed) == 5


def test_the_block_size_changes_nothing(flipped, monkeypatch):
    want, got = flipped
    allowed = [RNG.choice([0, 2e-7], part.shape) for part in want]
    whole = agreement_of_scores(want, got, allowed)
    monkeypatch.setattr("paritygate.validate.verdict.labels._BLOCK", 50)
    assert agreement_of_scores(want, got, allowed) == whole


def test_every_flip_of_scores_that_pass_is_a_tie():
    """Both scores are within their allowances, so the gap can't exceed the sum of these."""
    want = RNG.integers(0, 4, (500, 5)).astype(np.float32) / 4 + RNG.uniform(0, 1e-6, (500, 5)).astype(np.float32)
    got = want + RNG.uniform(-1e-6, 1e-6, want.shape).astype(np.float32)
    (row,) = compare_outputs(
        (TensorSpec("y", "float32", None),), [{"y": want}], [{"y": got}], {"y": "y"}, DefaultPolicy(), scores=("y",)
    )
    assert row.passed
    assert row.labels.flips > 50
    assert row.labels.ties == row.labels.flips


def test_scores_of_any_rank():
    want = RNG.standard_normal((2, 3, 4, 6))
    got = want.copy()
    got[0, 0, 0] = -got[0, 0, 0]
    assert agreement_of_scores([want], [got], [np.zeros(want.shape)]) == LabelAgreement(24, 23, 5, 23 / 24, 0)
