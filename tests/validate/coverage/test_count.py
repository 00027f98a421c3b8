"""Classes, masks and axes from samples and outputs; the sentence, and the share that a user asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from paritygate.validate.coverage.count import check_coverage, coverage_of
from paritygate.validate.report.coverage import Coverage, CoverageKind, Covered
from paritygate.validate.report.coverage_text import exercised, not_exercised
from paritygate.validate.samples import Sample, SampleKind
from paritygate.validate.signature import Signature, TensorSpec

SIGNATURE = Signature(
    (TensorSpec("ids", "int64", ("N", "S")), TensorSpec("mask", "int64", ("N", "S"))),
    (TensorSpec("logits", "float32", ("N", 3)), TensorSpec("other", "float32", ("N", 3))),
)
COUNTED = Coverage((Covered(CoverageKind.ROWS, "e.weight", 2, 8),))


def sample(mask: list[list[int]]) -> Sample:
    array = np.array(mask)
    return Sample("", {"ids": array, "mask": array}, SampleKind.RANDOM, len(array))


def outputs(*rows: list[float]) -> list[dict[str, Any]]:
    return [{"logits": np.array(rows, np.float32), "other": np.zeros((len(rows), 3))}]


def test_batches_axes_masks_and_classes_are_counted() -> None:
    samples = [sample([[1, 1], [1, 0]]), sample([[1, 1, 0]])]
    coverage = coverage_of(samples, SIGNATURE, outputs([0, 1, 0], [0, 2, 1]), COUNTED)
    assert (coverage.batch, coverage.axes) == (2, {"S": 3})
    assert coverage.items[1:] == (
        Covered(CoverageKind.CLASSES, "logits", 1, 3, ("without class 0, 2",)),
        Covered(CoverageKind.MASKS, "mask", 3, 4, ("with no position",)),
    )
    assert exercised(coverage) == (
        "2 of 8 rows of e.weight, 1 of 3 classes of logits, 3 of 4 mask states of mask, batches up to 2, S up to 3"
    )
    assert not_exercised(coverage) == ("6 of 8 rows of e.weight; logits without class 0, 2; mask with no position")
    assert not_exercised(coverage, {"e.weight"}).startswith("6 of 8 rows of e.weight (values proved identical)")


@pytest.mark.parametrize(
    ("coverage", "least", "words"),
    [
        (COUNTED, None, ""),
        (COUNTED, 0.25, ""),
        (COUNTED, 0.26, "exercised 2 of 8 rows, where a share of 0.26"),
        (Coverage(), 1.0, ""),  # nothing that could be missed
        (Coverage(uncounted="the candidate has no graph"), 0.1, "but the candidate has no graph"),
    ],
)
def test_less_than_was_asked_for_is_an_error(coverage: Coverage, least: float | None, words: str) -> None:
    findings = list(check_coverage(coverage, least))
    assert [finding.code for finding in findings] == (["PG319"] if words else [])
    assert all(words in finding.message for finding in findings)
