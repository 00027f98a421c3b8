"""Metrics of a task: values against scikit-learn or worked by hand, intervals, and what a limit makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score, top_k_accuracy_score

from paritygate.validate.errors import ParityGateError
from paritygate.validate.expectations.tasks.images import boxes_iou
from paritygate.validate.expectations.tasks.interval import interval
from paritygate.validate.expectations.tasks.measure import measure
from paritygate.validate.expectations.tasks.parse import KINDS, parse_task_metric
from paritygate.validate.expectations.tasks.sequences import distance
from paritygate.validate.expectations.tasks.text import is_task_metric
from paritygate.validate.expectations.tasks.values import Rows

RANDOM = np.random.default_rng(5)


def compared(text: str, expected: dict, actual: dict):
    return measure(parse_task_metric(text), expected, actual)


def truth(folder: Path, values) -> str:
    np.save(folder / "truth.npy", values)
    return f"truth={folder / 'truth.npy'}"


def test_top_is_scikit_learns(tmp_path) -> None:
    scores, right = RANDOM.normal(size=(200, 7)), RANDOM.integers(7, size=200)
    found, _ = compared(f"top(y, k=3, {truth(tmp_path, right)})", {"y": scores}, {"y": scores[:, ::-1]})
    assert found.reference == pytest.approx(top_k_accuracy_score(right, scores, k=3))
    assert found.candidate == pytest.approx(top_k_accuracy_score(right, scores[:, ::-1], k=3))


def test_auc_is_scikit_learns_with_ties(tmp_path) -> None:
    scores, right = RANDOM.integers(5, size=300) / 5, RANDOM.integers(2, size=300)
    found, _ = compared(f"auc(y, {truth(tmp_path, right)})", {"y": scores}, {"y": 1 - scores})
    assert found.reference == pytest.approx(roc_auc_score(right, scores))
    assert found.candidate == pytest.approx(1 - roc_auc_score(right, scores))


def test_logloss_is_scikit_learns(tmp_path) -> None:
    table, right = RANDOM.dirichlet(np.ones(4), size=100), RANDOM.integers(4, size=100)
    found, _ = compared(f"logloss(y, {truth(tmp_path, right)})", {"y": table}, {"y": table})
    assert found.reference == pytest.approx(log_loss(right, table, labels=range(4)))


def test_average_precision_is_scikit_learns_where_each_box_stands_alone() -> None:
    """One wanted box per place; detections meet theirs or nothing, so that precision is that of a ranking."""
    places = np.arange(40.0)[:, None] * 100 + np.array([0.0, 0, 10, 10])
    scores = RANDOM.permutation(np.linspace(0.5, 1, 40))
    hits = RANDOM.random(40) < 0.6
    moved = np.where(hits[:, None], places, places + 50)
    expected = {"b": places[None], "s": np.ones((1, 40))}
    found, _ = compared("map(b, s)", expected, {"b": moved[None], "s": scores[None]})
    recall = hits.sum() / 40
    assert found.reference == 1.0
    # scikit-learn steps through the curve without the envelope, which only raises it
    assert found.candidate >= average_precision_score(hits, scores) * recall - 1e-12
    assert found.candidate <= recall


@pytest.mark.parametrize(
    ("text", "expected", "actual", "reference", "candidate"),
    [
        ("margin(y)", {"y": [[3.0, 1, 0]]}, {"y": [[3.0, 2, 0]]}, 2, 1),
        ("cosine(y)", {"y": [[1.0, 0], [1, 1]]}, {"y": [[2.0, 0], [1, -1]]}, 1, 0.5),
        ("iou(y)", {"y": [[[1, 1], [0, 0]]]}, {"y": [[[1, 0], [0, 0]]]}, 1, (1 / 2 + 2 / 3) / 2),
        ("edits(y)", {"y": [[1, 2, 3, 4]]}, {"y": [[1, 3, 4, 5]]}, 1, 0.5),
        ("quantile(y, q=0.5)", {"y": [[0.0], [0], [0]]}, {"y": [[1.0], [2], [9]]}, 0, 2),
        # greedy decoding of a,a,-,a is "aa", of a,a,a,a is "a"
        ("ctc(y)", {"y": np.eye(2)[[[1, 1, 0, 1]]]}, {"y": np.eye(2)[[[1, 1, 1, 1]]]}, 1, 0.5),
        ("detections(b, s)", {"b": [[[0, 0, 2, 2], [5, 5, 6, 6]]], "s": [[0.9, 0.8]]},
         {"b": [[[0, 0, 2, 2], [7, 7, 8, 8]]], "s": [[0.9, 0.8]]}, 1, 0.5),
        ("neighbours(y, k=1)", {"y": [[1, 0], [1, 0.1], [0, 1], [0.1, 1]]},
         {"y": [[1, 0], [0, 1], [1, 0.1], [0.1, 1]]}, 1, 0),
    ],
)  # fmt: skip
def test_values_worked_by_hand(text, expected, actual, reference, candidate) -> None:
    sides = [{name: np.asarray(value) for name, value in each.items()} for each in (expected, actual)]
    found, _ = compared(text, *sides)
    assert (found.reference, found.candidate) == pytest.approx((reference, candidate))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=6), st.lists(st.integers(0, 2), max_size=6))
def test_the_edit_distance_is_that_of_the_definition(first: list[int], second: list[int]) -> None:
    def defined(a: list[int], b: list[int]) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(defined(a[1:], b) + 1, defined(a, b[1:]) + 1, defined(a[1:], b[1:]) + (a[0] != b[0]))

    assert distance(first, second) == defined(first, second)


def test_boxes_overlap_as_areas_do() -> None:
    found = boxes_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 1, 3, 3], [0, 0, 2, 2], [9, 9, 10, 10]]))
    assert found[0] == pytest.approx([1 / 7, 1, 0])


@pytest.mark.parametrize(("count", "bound"), [(3, 0.632), (59, 0.0495), (299, 0.00997)])
def test_rows_without_a_difference_prove_what_the_rule_of_three_says(count: int, bound: float) -> None:
    """About 3/n: Hanley and Lippman-Hand, If nothing goes wrong, is everything all right? (1983)."""
    assert interval(Rows(np.ones(count), np.ones(count))) == pytest.approx((-bound, bound), rel=2e-3)


def test_an_interval_covers_the_true_difference() -> None:
    """Of 95 % intervals over 60 draws at least 50 cover: the chance of fewer is 1 in 1,000."""
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        reference = random.random(200)
        low, high = interval(Rows(reference, reference + random.normal(0.1, 0.5, 200), bounded=False))
        covered += low <= 0.1 <= high
    assert covered >= 50


@pytest.mark.parametrize(
    ("rows", "flipped", "limit", "code"),
    [
        (400, 0, 0.01, None),  # none of 400: at most 0.75 % with 95 % confidence
        (20, 0, 0.01, "PG335"),  # none of 20 proves no more than 14 %
        (400, 80, 0.01, "PG112"),
        (400, 80, 0.5, None),
    ],
)
def test_a_limit_holds_fails_or_needs_more_rows(rows: int, flipped: int, limit: float, code: str | None) -> None:
    scores = np.eye(4)[np.arange(rows) % 4]
    other = scores.copy()
    other[:flipped] = other[:flipped, ::-1]
    found, finding = compared(f"top(y):{limit}", {"y": scores}, {"y": other})
    assert found.candidate == pytest.approx(1 - flipped / rows)
    assert (finding.code if finding else None) == code


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("topp(y)", "no such metric"),
        ("top()", "it takes 1 outputs, and 0"),
        ("map(b)", "it takes 2 or 3"),
        ("top(y, q=1)", "no setting q"),
        ("top(y, k=many)", "not a number"),
        ("top(y):-1", "not a finite number"),
        ("auc(y, truth=nowhere.npy)", "can't be read"),
    ],
)
def test_what_is_wrong_is_named(text: str, cause: str) -> None:
    with pytest.raises(ParityGateError, match=cause) as caught:
        parse_task_metric(text)
    assert caught.value.exit_code == 2


def test_a_metric_for_another_kind_of_output_says_so() -> None:
    with pytest.raises(ParityGateError, match="it needs the true labels"):
        compared("auc(y)", {"y": np.ones(3)}, {"y": np.ones(3)})
    with pytest.raises(ParityGateError, match="no output z"):
        compared("top(z)", {"y": np.ones(3)}, {"y": np.ones(3)})


def test_names_of_functions_are_no_metrics_of_ours() -> None:
    assert not is_task_metric("checks.py:agreement:0.001")
    assert is_task_metric("top(logits, k=5):0.01")


def test_the_guide_describes_every_metric() -> None:
    page = (Path(__file__).parents[3] / "docs" / "task-metrics.md").read_text()
    assert [name for name in KINDS if f"`{name}(" not in page] == []
