"""The objective: the distance of two models' outputs, batch by batch, with the reference in another process."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import Sample
from paritygate.validate.search.distance import distance_like
from paritygate.validate.search.mailbox import Asker, ClosedError, answer_all, close
from paritygate.validate.search.objective import DifferenceObjective
from paritygate.validate.search.population import population_of
from paritygate.validate.signature import Signature, TensorSpec

SCORES = (TensorSpec("y", "float32", ("N", 2)), TensorSpec("label", "int64", ("N",)))
WANTED = {"y": np.array([[1.0, 2.0]], np.float32), "label": np.array([1])}


@pytest.mark.parametrize(
    ("got", "low", "high"),
    [
        ([[1.0, 2.0]], 0, 0),
        ([[1.0, 2.001]], 3, 10),  # allowed are 2e-4 of 2, 1e-6, and 128 ulp of 2: 2.3e-4 in all
        ([[1.0, np.nan]], math.inf, math.inf),
        ([[1.0]], math.inf, math.inf),
    ],
)
def test_a_difference_is_measured_in_units_of_what_is_allowed(got: Any, low: float, high: float) -> None:
    distance = distance_like(
        SCORES, {"out": "y", "label": "label"}, [WANTED], [{"out": WANTED["y"], "label": np.array([1])}]
    )
    value = distance.between(WANTED, {"out": np.array(got, np.float32), "label": np.array([1])})
    assert low <= value <= high


def test_differing_labels_are_counted_where_nothing_is_floating() -> None:
    distance = distance_like(SCORES[1:], {"label": "label"}, [WANTED], [WANTED])
    assert distance.between({"label": np.array([1, 2, 3])}, {"label": np.array([1, 0, 0])}) == 2


# --- the two models ------------------------------------------------------------------------------------------------

ROWS = Signature((TensorSpec("x", "float32", ("N", 2)),), ())


def objective_of(reference: Any, candidate: Any, *, batched: bool = True) -> DifferenceObjective:
    rows = [Sample("a", {"x": np.arange(8, dtype=np.float32).reshape(4, 2)}, "normal", 4)]
    distance = distance_like(SCORES[:1], {"y": "y"}, [WANTED], [WANTED])
    return DifferenceObjective(
        population_of(rows, ROWS, batched=batched), reference, candidate, distance, lambda feed: feed, lambda: True
    )


def doubled(feeds: Sequence[Any], *_: Any) -> list[dict[str, Any]]:
    return [{"y": 2 * feed["x"]} for feed in feeds]


def unless(value: float, failing: Any) -> Any:
    def run(feeds: Sequence[Any], *_: Any) -> Any:
        if any((feed["x"] == value).any() for feed in feeds):
            return failing()
        return doubled(feeds)

    return run


def fail() -> None:
    raise ParityGateError("PG302", "sample 0", "it fails")


def test_a_batch_is_scored_row_by_row() -> None:
    def wrong(feeds: Sequence[Any], *_: Any) -> list[dict[str, Any]]:
        return [{"y": np.where(feed["x"] == 6, 13, 2 * feed["x"])} for feed in feeds]

    objective = objective_of(doubled, wrong)
    scores = objective.scores(objective.population.feeds)
    assert scores[:3] == [0, 0, 0]
    assert scores[3] > 100


def test_a_feed_on_which_only_the_candidate_fails_is_the_worst_and_the_others_are_scored() -> None:
    objective = objective_of(doubled, unless(4.0, fail))
    assert objective.scores(objective.population.feeds) == [0, 0, math.inf, 0]


def test_the_batch_that_showed_a_difference_is_kept() -> None:
    """Only the third row of whatever batch is wrong: no row alone shows it."""

    def third(feeds: Sequence[Any], *_: Any) -> list[dict[str, Any]]:
        return [{"y": np.where(np.arange(len(feed["x"]))[:, None] == 2, 99, 2 * feed["x"])} for feed in feeds]

    objective = objective_of(doubled, third)
    worst = max(objective.scores(objective.population.feeds))
    assert (objective.worst.score, len(objective.worst.feeds)) == (worst, 4)
    assert objective.scores([objective.population.feeds[2]]) == [0]


def test_a_batch_that_only_the_candidate_fails_on_is_kept() -> None:
    def two_at_most(feeds: Sequence[Any], *_: Any) -> list[dict[str, Any]]:
        if len(feeds[0]["x"]) > 2:
            fail()
        return doubled(feeds)

    objective = objective_of(doubled, two_at_most)
    assert objective.scores(objective.population.feeds) == [0, 0, 0, 0]
    assert (objective.worst.score, len(objective.worst.feeds)) == (math.inf, 4)


def test_a_feed_that_the_reference_refuses_is_never_chosen() -> None:
    objective = objective_of(unless(2.0, lambda: None), doubled)
    assert objective.scores(objective.population.feeds) == [0, -math.inf, 0, 0]


def test_outputs_without_a_batch_axis_are_compared_feed_by_feed() -> None:
    def total(feeds: Sequence[Any], *_: Any) -> list[dict[str, Any]]:
        return [{"y": feed["x"].sum()} for feed in feeds]

    objective = objective_of(total, total)
    assert objective.scores(objective.population.feeds) == [0, 0, 0, 0]


# --- from process to process ---------------------------------------------------------------------------------------


def test_requests_are_answered_until_the_mailbox_is_closed(tmp_path: Path) -> None:
    def run(feeds: Sequence[Any]) -> list[dict[str, Any]]:
        if feeds[0]["x"][0] < 0:
            raise ParityGateError("PG406", "sample 0", "negative")
        return [{"y": feed["x"] + 1} for feed in feeds]

    answered: list[int] = []

    def answer() -> None:
        try:
            answered.append(answer_all(tmp_path, run))
        finally:
            close(tmp_path)  # as the parent does when a worker ends: whoever waits is told

    thread = threading.Thread(target=answer)
    thread.start()
    ask = Asker(tmp_path)
    try:
        found = ask([{"x": np.array([1.0])}, {"x": np.array([2.0])}])
        assert found is not None
        assert [output["y"].tolist() for output in found] == [[2.0], [3.0]]
        assert ask([{"x": np.array([-1.0])}]) is None
    finally:
        close(tmp_path)
        thread.join()
    assert answered == [2]
    with pytest.raises(ClosedError):
        ask([{"x": np.array([1.0])}])
