"""Sentences about weights: how many were found, which differ, and which tables need no sample."""

from __future__ import annotations

import pytest

from paritygate.validate.report.coverage import Coverage, CoverageKind, Covered
from paritygate.validate.report.coverage_text import not_exercised
from paritygate.validate.report.weight_sentences import proved_tables, weight_findings, weights_line
from paritygate.validate.weights.types import WeightDifference, WeightsProof

DIFFERENCE = WeightDifference("e.weight", "table", (30522, 8), (17, 0), 0.5, 1.0, 8)


@pytest.mark.parametrize(("proof", "line"), [
    (WeightsProof(10, 10), "10 of 10 parameter values accounted for (all identical)"),
    (WeightsProof(3000, 2999), "2,999 of 3,000 parameter values accounted for (99.9 % identical)"),
    (WeightsProof(4, 1, 1, 1), "3 of 4 parameter values accounted for (25 % identical, 25 % rounded to the "
     "candidate's type, 25 % folded)"),
    (WeightsProof(9, missing=("a", "b", "c", "d"), unexplained=("k",)), "0 of 9 parameter values accounted for; found "
     "nowhere in the candidate: a, b, c and 1 more; constants that come from no parameter: k"),
])  # fmt: skip
def test_the_line(proof: WeightsProof, line: str):
    assert weights_line(proof) == line


def test_a_difference_names_the_place_and_both_values():
    (finding,) = weight_findings(WeightsProof(10, 10, differences=(DIFFERENCE,)))
    assert finding.where == "parameter e.weight"
    assert finding.message == (
        "8 of 244,176 values differ in 'table' of the candidate, the first at [17, 0]: expected 0.5, got 1"
    )


@pytest.mark.parametrize(("proof", "said"), [
    pytest.param(None, False, id="weights were not compared"),
    pytest.param(WeightsProof(10, 10), True, id="identical"),
    pytest.param(WeightsProof(10, unexplained=("table",)), False, id="from nowhere"),
    pytest.param(WeightsProof(10, 10, differences=(DIFFERENCE,)), False, id="differs"),
])  # fmt: skip
def test_rows_that_no_sample_reaches_may_be_proved(proof: WeightsProof | None, said: bool):
    coverage = Coverage((Covered(CoverageKind.ROWS, "table", 41, 30522),))
    text = not_exercised(coverage, proved_tables(proof, coverage))
    assert text.startswith("30,481 of 30,522 rows of table")
    assert ("(values proved identical)" in text) == said
