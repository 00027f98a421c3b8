"""Branch coverage: untaken branches are found, inputs that take them are found, and what they show is judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from paritygate.validate import validate
from paritygate.validate.coverage.conditions import Condition
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import OnnxModel
from paritygate.validate.engines.onnxruntime import load as load_onnx
from paritygate.validate.samples import generate_samples
from paritygate.validate.search.branch_coverage import find_feed, open_with_conditions, untaken_branches


def gate(path: Path, compare: str, against: float, *, wrong: bool = False, negated: bool = False) -> Path:
    """y = x, or -x where the mean of x fails a comparison; ``wrong`` changes the branch for where it holds."""

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
        (1, False, True, 2.0, 1.0),  # first > second: the greater the first, the nearer
        (1, False, False, 1.0, 2.0),
        (1, True, True, 1.0, 2.0),
        (1, True, False, 2.0, 1.0),
        (-1, False, True, 1.0, 2.0),
        (-1, True, True, 2.0, 1.0),
        (0, False, True, 2.9, 2.0),  # first == second
        (0, True, True, 2.0, 2.9),
    ],
)
def test_nearness_rises_on_the_way_to_a_branch(sign: int, negated: bool, wanted: bool, near: float, far: float) -> None:
    node = Condition("gate", "condition", "first", "second", sign, negated)
    values = [{"first": np.array(first), "second": np.array(3.0)} for first in (near, far)]
    nearer, further = (node.nearness(each, condition=wanted) for each in values)
    assert nearer > further


def look_for_branches(model: OnnxModel, feeds: Sequence[Any], countdown: Any) -> tuple[list[str], list[Any]]:
    """The branches that no feed takes, and the feed that was found for each."""
    found = open_with_conditions(model)
    assert found is not None
    variant, ifs = found

    def watch(feed: Any) -> list[Any]:
        return [{**feed, **variant.run(feed)}]

    goals = untaken_branches(ifs, watch, feeds)
    return [str(goal) for goal in goals], [
        find_feed(goal, watch, feeds, np.random.default_rng(0), countdown(100)) for goal in goals
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
    tmp_path: Path, compare: str, against: float, reached: bool, negated: bool, countdown: Any
) -> None:
    model = load_onnx(gate(tmp_path / "gate.onnx", compare, against, negated=negated), LoadOptions())
    feeds = generate_samples(model.signature).feeds
    names, (found,) = look_for_branches(model, feeds, countdown)
    assert names == [f"the {'then' if (compare == 'LessOrEqual') == negated else 'else'} branch of gate"]
    assert (found is not None) == reached
    if found is not None:
        mean = float(found["x"].mean())
        assert mean > 60 if against > 0 else mean < -60


def test_an_integer_that_the_condition_compares_with_is_tried(tmp_path: Path, countdown: Any) -> None:
    """silero-vad compares a sampling rate with 16000; generated integers of unknown bounds are 0 and 1."""
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
    names, (found,) = look_for_branches(model, generate_samples(model.signature).feeds, countdown)
    assert names == ["the then branch of rates"]
    assert found["rate"] == 16000


def test_a_condition_on_shapes_is_ignored(tmp_path: Path) -> None:
    """PyTorch's exporters write one wherever an axis might have length 1."""
    model = onnx.load(gate(tmp_path / "gate.onnx", "Greater", 0.0))
    del model.graph.node[:2]
    model.graph.node.insert(0, helper.make_node("Shape", ["x"], ["shape"]))
    model.graph.node.insert(1, helper.make_node("ReduceMax", ["shape"], ["longest"], keepdims=0))
    model.graph.node.insert(2, helper.make_node("Cast", ["longest"], ["held"], to=TensorProto.BOOL))
    onnx.save(model, tmp_path / "shapes.onnx")
    assert open_with_conditions(load_onnx(tmp_path / "shapes.onnx", LoadOptions())) is None


# --- from end to end -----------------------------------------------------------------------------------------------


def test_a_fault_in_a_branch_that_no_sample_took_is_found(tmp_path: Path) -> None:
    right = gate(tmp_path / "right.onnx", "Greater", 60.0)
    wrong = gate(tmp_path / "wrong.onnx", "Greater", 60.0, wrong=True)
    report = validate(right, wrong)
    assert not report.passed
    assert "branches" in report.samples.kinds


def test_a_branch_that_no_input_reaches_is_reported(tmp_path: Path) -> None:
    closed = gate(tmp_path / "closed.onnx", "Greater", 1e6)
    report = validate(closed, closed)
    assert report.passed
    assert "the then branch of gate was never taken" in " ".join(finding.message for finding in report.findings)
