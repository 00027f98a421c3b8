"""Matching tensors with layers by value and by name, and the choice of the sample that is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from paritygate.validate.localise.layer_matching import MatchedBy, match_layers
from paritygate.validate.localise.layer_names import in_scope
from paritygate.validate.localise.layers import Layer, axis_orders, rearrange
from paritygate.validate.localise.sample import Picked, write_samples
from paritygate.validate.localise.trace.layers import Recorder
from paritygate.validate.report.types import OutputComparison, Verdict, WorstElement
from paritygate.validate.samples import Sample, Samples, load_samples, save_outputs, save_samples
from paritygate.validate.workers.job_folder import JobFolder

RANDOM = np.random.default_rng(5)
IMAGE = RANDOM.normal(size=(2, 4, 5, 3))
LAYOUTS = {
    "as it is": (IMAGE, True),
    "channels first": (IMAGE.transpose(0, 3, 1, 2), True),
    "flattened": (IMAGE.reshape(2, 60), True),
    "one more axis of length 1": (IMAGE[:, None], True),
    "rotated": (IMAGE.transpose(0, 2, 1, 3), False),
    "channels first, then flattened": (IMAGE.transpose(0, 3, 1, 2).reshape(2, 60), False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_layouts_that_converters_choose_are_equivalent(layout: str) -> None:
    array, same = LAYOUTS[layout]
    forms = [rearrange(IMAGE, order, array.shape) for order in axis_orders(IMAGE.shape)]
    assert any(form is not None and np.array_equal(form, array) for form in forms) is same


@pytest.mark.parametrize(
    ("given", "scope", "expected"),
    [
        (("functional_1", "conv_1", "convolution"), "conv", True),
        (("functional_1", "conv_12", "convolution"), "conv", True),
        (("functional_1", "convolution"), "conv", False),
        (("layers", "layers", "0", "conv", "Conv"), "layers.0.conv", True),
        (("layers", "layers", "1", "conv", "Conv"), "layers.0.conv", False),
        (("conv",), "", False),
    ],
)
def test_names_contain_a_layers_scope(given: tuple[str, ...], scope: str, expected: bool) -> None:
    assert in_scope((given,), (scope,)) is expected


def test_a_layer_whose_values_no_tensor_has_is_found_by_its_name() -> None:
    """Two nodes carry the name; the one whose result leaves the scope is the layer's."""
    graph = onnx.parser.parse_graph(
        "g (float[8] x) => (float[8] y) { inner = Abs (x) \n head = Neg (inner) \n y = Relu (head) }"
    )
    graph.node[0].name, graph.node[1].name = "net/head/Abs", "net/head/Neg"
    values = {name: RANDOM.normal(size=8) for name in ("inner", "head", "y")}
    layer = Layer("head", "Dense", ("head",), (RANDOM.normal(size=8),))
    (found,) = match_layers(graph, [values], [layer])
    assert (found.tensor, found.by) == ("head", MatchedBy.NAME)


def test_a_residual_connection_is_not_matched_with_what_it_adds_to() -> None:
    """It is near the layer, but another tensor is much nearer: a small branch was added that isn't recorded."""
    graph = onnx.parser.parse_graph("g (float[8] x) => (float[8] y) { inner = Abs (x) \n y = Relu (inner) }")
    value = RANDOM.normal(size=8)
    matches = match_layers(
        graph, [{"inner": value + 1e-7, "y": value * 1.01}], [Layer("abs", "Abs", ("abs",), (value,))]
    )
    assert [found.tensor for found in matches] == ["inner"]


def test_constant_values_match_nothing() -> None:
    graph = onnx.parser.parse_graph("g (float[8] x) => (float[8] y) { y = Relu (x) }")
    assert match_layers(graph, [{"y": np.zeros(8)}], [Layer("zeros", "ReLU", ("zeros",), (np.zeros(8),))]) == []
    assert match_layers(graph, [{"y": np.zeros((0, 8))}], [Layer("none", "ReLU", ("y",), (np.zeros((0, 8)),))]) == []


def test_only_the_first_steps_of_a_recurrence_are_kept() -> None:
    recorder = Recorder(calls=2)
    for _ in range(5):
        recorder.add("cell", "LSTMCell", ("cell",), [np.ones(3, np.float32)])
    assert [layer.name for layer in recorder.layers] == ["cell", "cell#2"]


@pytest.mark.parametrize(("alone", "row"), [(True, 2), (False, None)])
def test_the_row_that_fails_is_picked(alone: bool, row: int | None, tmp_path: Path) -> None:
    """The report counts compared samples: its sample 0 is number 1 of all, as the expected value shows."""
    feeds = [{"x": np.full((3, 2), number, np.float32)} for number in range(3)]
    for feed in feeds:
        feed["x"][2] += 10
    save_samples(
        Samples(tuple(Sample(str(n), f, "normal", 3) for n, f in enumerate(feeds)), "", 0), JobFolder(tmp_path).samples
    )
    save_outputs([{"y": feed["x"]} for feed in feeds], JobFolder(tmp_path).expected)
    worst = WorstElement(sample=0, index=(2, 1), expected=11.0, actual=0.0)
    picked = write_samples(JobFolder(tmp_path), OutputComparison("y", "y", Verdict.FAIL, worst=worst), alone=alone)
    assert picked == Picked(1, row)
    first = load_samples(JobFolder(tmp_path).traced_samples).feeds[0]["x"]
    assert np.array_equal(first, feeds[1]["x"][2:] if alone else feeds[1]["x"])
