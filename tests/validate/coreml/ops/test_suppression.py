"""Non-maximum suppression against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from single_operators import FLOAT, INT, RNG, run

from paritygate.validate.coreml import ops  # noqa: F401  fills the registry


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes (x, y of the centre, width, height)."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    common = max(sides[0], 0) * max(sides[1], 0)
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def survivors(boxes: np.ndarray, scores: np.ndarray, iou: float, least: float, most: int, by_class: bool) -> list[int]:
    """The remaining indices of one batch, best first."""
    best, classes = scores.max(1), scores.argmax(1)
    kept: list[int] = []
    for i in np.argsort(-best, kind="stable"):
        rivals = [j for j in kept if not by_class or classes[i] == classes[j]]
        if best[i] >= least and all(overlap(boxes[i], boxes[j]) <= iou for j in rivals):
            kept.append(int(i))
    return (kept or [int(best.argmax())])[:most]


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize(
    ("iou", "least", "most"), [(0.2, -1.0, 9), (0.5, 0.3, 9), (0.0, 0.3, 3), (1.2, 0.0, 40), (0.3, 2.0, 5)]
)
def test_non_maximum_suppression(iou: float, least: float, most: int, by_class: bool):
    boxes = np.concatenate([RNG.uniform(0, 20, (2, 30, 2)), RNG.uniform(5, 9, (2, 30, 2))], -1).astype(np.float32)
    scores = RNG.uniform(0, 1, (2, 30, 3)).astype(np.float32)
    scores[0, 0] = least, least - 1, least - 1  # equal to the threshold is not below it
    given = {"boxes": boxes, "scores": scores, "iou_threshold": np.float32(iou), "score_threshold": np.float32(least),
             "max_boxes": most, "per_class_suppression": by_class}  # fmt: skip
    got = run("non_maximum_suppression", given, ("boxes", "scores"), (FLOAT, FLOAT, INT, INT), open_axes=True)
    for batch in range(2):
        kept = survivors(boxes[batch], scores[batch], iou, least, most, by_class)
        count = len(kept)
        assert got[3][batch] == count
        assert got[2][batch].tolist() == kept + [-1] * (most - count)
        for chosen, source in zip(got, (boxes, scores), strict=False):
            np.testing.assert_array_equal(chosen[batch][:count], source[batch][kept])
            assert not chosen[batch][count:].any()


def test_non_maximum_suppression_of_columns():
    """The form of iOS17: boxes along the last axis, no score threshold, no count."""
    boxes = np.array([[[5, 5, 4, 4], [5, 5, 4, 3], [20, 5, 4, 4]]], np.float32)
    scores = np.array([[[0.5], [0.9], [-7.0]]], np.float32)
    given = {"boxes": boxes.transpose(0, 2, 1), "scores": scores.transpose(0, 2, 1), "iou_threshold": np.float32(0.5),
             "max_boxes": 4}  # fmt: skip
    got = run("non_maximum_suppression", given, ("boxes", "scores"), (FLOAT, FLOAT, INT), 17)
    assert got[2].tolist() == [[1, 2, -1, -1]]
    np.testing.assert_array_equal(got[0][0, :, :2], boxes[0, [1, 2]].T)
    assert got[1].tolist() == [[[np.float32(0.9), -7, 0, 0]]]
