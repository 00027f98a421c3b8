"""The bounded search: its moves stay legal, it climbs, it finds branches, and what it finds is judged."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import OnnxModel
from paritygate.validate.engines.onnxruntime import load as load_onnx
from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.report import Report
from paritygate.validate.samples import Sample, generate_samples
from paritygate.validate.search.box import box_of, mutant
from paritygate.validate.search.branches import reach, untaken, watched
from paritygate.validate.search.climb import climb
from paritygate.validate.search.differences import measure
from paritygate.validate.search.duel import Duel
from paritygate.validate.search.graph import Branch
from paritygate.validate.search.mailbox import Asker, ClosedError, answer_all, close
from paritygate.validate.search.population import population
from paritygate.validate.signature import Hint, Signature, TensorSpec


def times(count: int) -> Any:
    """A clock that is up after ``count`` looks: tests must not depend on elapsed time."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


# --- the box -----------------------------------------------------------------------------------------------------

TABLE = Signature(
    (
        TensorSpec("numbers", "float32", ("N", 3)),
        TensorSpec("codes", "float32", ("N", 1)),
        TensorSpec("mixed", "float32", ("N", 2)),
        TensorSpec("ids", "int64", ("N", 2)),
        TensorSpec("words", "str", ("N", 1)),
        TensorSpec("scalar", "float64", ()),
    ),
    (),
)
HINTS = (
    Hint("numbers", low=np.array([-1.0, 0.0, 5.0]), high=np.array([1.0, 10.0, 6.0])),
    Hint("codes", vocabulary=(0.0, 3.0, 7.0)),
    Hint("mixed", categories=((), (1.0, 4.0))),
    Hint("ids", low=np.array(2), high=np.array(40)),
    Hint("words", vocabulary=("a", "b", "c")),
)


def test_what_a_search_makes_up_is_as_legal_as_the_samples() -> None:
    """P27: an index or a category that doesn't exist is an error in one engine and garbage in another."""
    samples = generate_samples(TABLE, HINTS)
    box, random = box_of(samples.feeds), np.random.default_rng(0)
    feed: Any = samples.items[1].feed
    for _ in range(600):
        feed = mutant(feed, box, random)
        assert (feed["numbers"] >= [-1, 0, 5]).all()
        assert (feed["numbers"] <= [1, 10, 6]).all()
        assert set(feed["codes"].ravel()) <= {0.0, 3.0, 7.0}
        assert set(feed["mixed"][:, 1]) <= {1.0, 4.0}
        assert feed["ids"].min() >= 2
        assert feed["ids"].max() <= 40
        assert set(feed["words"].ravel()) <= {"a", "b", "c"}
        assert {name: (array.dtype, array.shape) for name, array in feed.items()} == {
            name: (array.dtype, array.shape) for name, array in samples.items[1].feed.items()
        }


def test_a_search_can_reach_any_number_between_those_that_it_saw() -> None:
    feed = {"x": np.linspace(0, 1, 100, dtype=np.float32)}
    random = np.random.default_rng(0)
    changed = [mutant(feed, box_of([feed]), random)["x"] for _ in range(200)]
    assert len({float(value) for array in changed for value in array}) > 1000
    assert any(0 < abs(array - feed["x"]).max() < 1e-6 for array in changed)  # a float step


# --- climbing ----------------------------------------------------------------------------------------------------


def hill(feeds: Sequence[Any]) -> list[float]:
    return [-float(((feed["x"] - [0.3, -0.2]) ** 2).sum()) for feed in feeds]


def test_it_climbs() -> None:
    start = [{"x": np.random.default_rng(i).uniform(-1, 1, (1, 2))} for i in range(20)]
    climbed = climb(start, hill, box_of(start), np.random.default_rng(1), size=16, going=times(60))
    assert climbed.value > climbed.start
    np.testing.assert_allclose(climbed.best["x"], [[0.3, -0.2]], atol=0.02)  # about 1000 tries in two dimensions
    assert climbed.tried == 20 + 60 * 16


def test_it_stops_where_nothing_can_be_worse() -> None:
    start = [{"x": np.zeros((1, 2))}]
    climbed = climb(
        start, lambda feeds: [math.inf] * len(feeds), box_of(start), np.random.default_rng(0), size=4, going=times(9)
    )
    assert climbed.tried == 1


# --- the yardstick -------------------------------------------------------------------------------------------------

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
def test_a_difference_is_measured_by_what_is_allowed(got: Any, low: float, high: float) -> None:
    yardstick = measure(
        SCORES, {"out": "y", "label": "label"}, [WANTED], [{"out": WANTED["y"], "label": np.array([1])}]
    )
    value = yardstick.of(WANTED, {"out": np.array(got, np.float32), "label": np.array([1])})
    assert low <= value <= high


def test_labels_alone_are_counted() -> None:
    yardstick = measure(SCORES[1:], {"label": "label"}, [WANTED], [WANTED])
    assert yardstick.of({"label": np.array([1, 2, 3])}, {"label": np.array([1, 0, 0])}) == 2


# --- one model against another -------------------------------------------------------------------------------------

ROWS = Signature((TensorSpec("x", "float32", ("N", 2)),), ())


def duel(reference: Any, candidate: Any, *, batched: bool = True) -> Duel:
    rows = [Sample("a", {"x": np.arange(8, dtype=np.float32).reshape(4, 2)}, "normal", 4)]
    yardstick = measure(SCORES[:1], {"y": "y"}, [WANTED], [WANTED])
    return Duel(
        population(rows, ROWS, batched=batched), reference, candidate, yardstick, lambda feed: feed, lambda: True
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

    contest = duel(doubled, wrong)
    scores = contest.scores(contest.population.feeds)
    assert scores[:3] == [0, 0, 0]
    assert scores[3] > 100


def test_a_feed_that_only_the_candidate_fails_on_is_the_worst_and_the_others_are_scored() -> None:
    contest = duel(doubled, unless(4.0, fail))
    assert contest.scores(contest.population.feeds) == [0, 0, math.inf, 0]


def test_a_feed_that_the_reference_refuses_is_nothing() -> None:
    contest = duel(unless(2.0, lambda: None), doubled)
    assert contest.scores(contest.population.feeds) == [0, -math.inf, 0, 0]


def test_outputs_without_rows_are_compared_feed_by_feed() -> None:
    def total(feeds: Sequence[Any], *_: Any) -> list[dict[str, Any]]:
        return [{"y": feed["x"].sum()} for feed in feeds]

    contest = duel(total, total)
    assert contest.scores(contest.population.feeds) == [0, 0, 0, 0]


# --- from process to process ---------------------------------------------------------------------------------------


def test_questions_are_answered_until_the_box_is_closed(tmp_path: Path) -> None:
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


# --- branches ------------------------------------------------------------------------------------------------------


def gate(path: Path, compare: str, against: float, *, wrong: bool = False, negated: bool = False) -> Path:
    """y = x, or -x where the mean of x fails a comparison; ``wrong`` in the branch that the comparison leads to."""

    def subgraph(operator: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info(operator, TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(operator, ["x"], [operator])], operator, [], [output])

    held = "Sin" if wrong else "Identity"
    then, other = (subgraph(name) for name in (("Neg", held) if negated else (held, "Neg")))
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        helper.make_node(compare, ["mean", "against"], ["held"]),
        helper.make_node("Not" if negated else "Identity", ["held"], ["condition"]),
        helper.make_node("If", ["condition"], ["y"], name="gate", then_branch=then, else_branch=other),
    ]
    inputs, outputs = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 64])] for n in "xy")
    constant = numpy_helper.from_array(np.float32(against), "against")
    graph = helper.make_graph(nodes, "gate", inputs, outputs, [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize(
    ("sign", "negated", "wanted", "near", "far"),
    [
        (1, False, True, 2.0, 1.0),  # left > right: the more there is on the left, the nearer
        (1, False, False, 1.0, 2.0),
        (1, True, True, 1.0, 2.0),
        (1, True, False, 2.0, 1.0),
        (-1, False, True, 1.0, 2.0),
        (-1, True, True, 2.0, 1.0),
        (0, False, True, 2.9, 2.0),  # left == right
        (0, True, True, 2.0, 2.9),
    ],
)
def test_nearness_rises_on_the_way_to_a_branch(sign: int, negated: bool, wanted: bool, near: float, far: float) -> None:
    branch = Branch("gate", "condition", "left", "right", sign, negated)
    values = [{"left": np.array(left), "right": np.array(3.0)} for left in (near, far)]
    nearer, further = (branch.nearness(each, wanted=wanted) for each in values)
    assert nearer > further


def looked(model: OnnxModel, feeds: Sequence[Any]) -> tuple[list[str], list[Any]]:
    """The ways that no feed goes, and what was found for each."""
    found = watched(model)
    assert found is not None
    variant, branches = found

    def watch(feed: Any) -> list[Any]:
        return [{**feed, **variant.run(feed)}]

    goals = untaken(branches, watch, feeds)
    return [str(goal) for goal in goals], [
        reach(goal, watch, feeds, np.random.default_rng(0), times(100)) for goal in goals
    ]


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize(
    ("compare", "against", "reached"),
    [
        ("Greater", 60.0, True),  # large samples reach 400 in single elements, and 1 or so in the mean
        ("Less", -60.0, True),
        ("LessOrEqual", 60.0, True),
        ("Greater", 1e6, False),
    ],
)
def test_inputs_for_the_other_branch_are_found(
    tmp_path: Path, compare: str, against: float, reached: bool, negated: bool
) -> None:
    model = load_onnx(gate(tmp_path / "gate.onnx", compare, against, negated=negated), LoadOptions())
    feeds = generate_samples(model.signature).feeds
    names, (found,) = looked(model, feeds)
    assert names == [f"the {'then' if (compare == 'LessOrEqual') == negated else 'else'} branch of gate"]
    assert (found is not None) == reached
    if found is not None:
        mean = float(found["x"].mean())
        assert mean > 60 if against > 0 else mean < -60


def test_an_integer_that_the_model_asks_for_is_tried(tmp_path: Path) -> None:
    """silero-vad asks for a sampling rate of 16000; generated integers of unknown bounds are 0 and 1."""
    body = [
        helper.make_graph(
            [helper.make_node(op, ["x"], [op])], op, [], [helper.make_tensor_value_info(op, TensorProto.FLOAT, None)]
        )
        for op in ("Identity", "Neg")
    ]
    nodes = [
        helper.make_node("Equal", ["rate", "known"], ["condition"]),
        helper.make_node("If", ["condition"], ["y"], name="rates", then_branch=body[0], else_branch=body[1]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]),
        helper.make_tensor_value_info("rate", TensorProto.INT64, []),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])]
    graph = helper.make_graph(nodes, "rates", inputs, outputs, [numpy_helper.from_array(np.array(16000), "known")])
    path = tmp_path / "rates.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    model = load_onnx(path, LoadOptions())
    names, (found,) = looked(model, generate_samples(model.signature).feeds)
    assert names == ["the then branch of rates"]
    assert found["rate"] == 16000


def test_a_condition_on_shapes_is_no_branch_to_look_for(tmp_path: Path) -> None:
    """Exporters of PyTorch write one wherever an axis might have the length 1."""
    model = onnx.load(gate(tmp_path / "gate.onnx", "Greater", 0.0))
    del model.graph.node[:2]
    model.graph.node.insert(0, helper.make_node("Shape", ["x"], ["shape"]))
    model.graph.node.insert(1, helper.make_node("ReduceMax", ["shape"], ["longest"], keepdims=0))
    model.graph.node.insert(2, helper.make_node("Cast", ["longest"], ["held"], to=TensorProto.BOOL))
    onnx.save(model, tmp_path / "shapes.onnx")
    assert watched(load_onnx(tmp_path / "shapes.onnx", LoadOptions())) is None


# --- from end to end -----------------------------------------------------------------------------------------------


def notes(report: Report) -> str:
    return "\n".join(finding.message for finding in report.findings)


def test_a_fault_in_a_branch_that_no_sample_took_is_found(tmp_path: Path) -> None:
    right = gate(tmp_path / "right.onnx", "Greater", 60.0)
    wrong = gate(tmp_path / "wrong.onnx", "Greater", 60.0, wrong=True)
    report = validate(right, wrong)
    assert not report.passed
    assert "branches" in report.samples.kinds


def test_a_branch_that_nothing_reaches_is_said(tmp_path: Path) -> None:
    closed = gate(tmp_path / "closed.onnx", "Greater", 1e6)
    report = validate(closed, closed)
    assert report.passed
    assert "the then branch of gate was never taken" in notes(report)


def bump(path: Path, height: float) -> Path:
    """y = 2x, and a smooth bump of ``height`` where six inputs are near 0.7 at once."""
    nodes = [
        helper.make_node("Sub", ["x", "at"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "axes"], ["distance"], keepdims=1),
        helper.make_node("Neg", ["distance"], ["near"]),
        helper.make_node("Exp", ["near"], ["peak"]),
        helper.make_node("Mul", ["peak", "height"], ["bump"]),
        helper.make_node("Add", ["x", "x"], ["double"]),
        helper.make_node("Add", ["double", "bump"], ["y"]),
    ]
    constants = {"at": np.float32(0.7), "axes": np.array([1]), "height": np.float32(height)}
    inputs, outputs = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 6])] for n in "xy")
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "bump", inputs, outputs, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_a_fault_between_the_samples_is_found_by_a_search(tmp_path: Path) -> None:
    """Within the user's bounds on all samples, and five times beyond them in one corner: hill climbing gets there."""
    flat, bumpy = bump(tmp_path / "flat.onnx", 0.0), bump(tmp_path / "bumpy.onnx", 0.05)
    bounds = {"rtol": 1e-3, "atol": 0.03, "ranges": {"x": (-3.0, 3.0)}}
    assert validate(flat, bumpy, **bounds).passed
    report = validate(flat, bumpy, search=2.0, **bounds)
    assert not report.passed
    assert report.samples.kinds[-1] == "searched"
    assert "a search of 2 s tried" in notes(report)


def test_a_search_that_finds_nothing_leaves_the_verdict(tmp_path: Path) -> None:
    flat = bump(tmp_path / "flat.onnx", 0.0)
    report = validate(flat, flat, search=0.2)
    assert report.passed
    assert "outputs differ by 0 of" in notes(report)
