"""The first divergence: faults put into one place are found there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from localise_helpers import FEEDS, SECONDS, changed, find, nudged, opened
from onnx import numpy_helper

from fixtures.onnx_classifier import attribute, classifier
from paritygate.validate.localise.instrumented import InstrumentedRun
from paritygate.validate.localise.layer_matching import MatchedBy
from paritygate.validate.localise.layers import Layer
from paritygate.validate.localise.locate import locate
from paritygate.validate.localise.trace.layers import trace


def least(model: onnx.ModelProto) -> None:
    """The label of the least score: an integer output is wrong, every floating tensor is correct."""
    model.graph.node[-1].op_type = "ArgMin"


def anonymous(model: onnx.ModelProto) -> None:
    """Rename all nodes and inner tensors."""
    kept = {value.name for value in (*model.graph.input, *model.graph.output, *model.graph.initializer)}
    for number, node in enumerate(model.graph.node):
        node.name = f"n{number}"
        for names in (node.input, node.output):
            names[:] = [name if name in kept else f"t_{sum(map(ord, name))}" for name in names]


BOTH = MatchedBy.NAME_AND_VALUE
PLACES: Mapping[str, tuple[onnx.ModelProto, str, str]] = {
    "the convolution": (changed(nudged("kernel")), "conv", BOTH),
    "epsilon": (
        changed(lambda model: attribute(model, "BatchNormalization", "epsilon", 0.002)),
        "normal",
        BOTH,
    ),
    "a square matrix": (changed(nudged("square")), "hidden", BOTH),
    "the last bias": (changed(nudged("bias")), "logits", BOTH),
    "two faults: the first": (changed(nudged("kernel"), nudged("square")), "conv", BOTH),
    "labels alone": (changed(least), "label", MatchedBy.OUTPUT),
    "no names": (changed(nudged("square"), anonymous), "hidden", MatchedBy.VALUE),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_fault_is_found_where_it_is(place: str, tmp_path: Path) -> None:
    model, layer, by = PLACES[place]
    found = find(opened(classifier(), tmp_path / "a.onnx"), opened(model, tmp_path / "b.onnx"), FEEDS)
    assert found is not None
    assert (found.match.layer.name, found.match.by, found.starts_here) == (layer, by, True)
    assert len(found.first.nodes) == 1


def test_nothing_is_found_without_a_fault(tmp_path: Path) -> None:
    """Fusing changes the rounding of every value, and rounding isn't a fault."""
    fused = opened(changed(anonymous), tmp_path / "b.onnx")
    assert find(opened(classifier(), tmp_path / "a.onnx"), fused, FEEDS) is None


def test_a_tensor_that_holds_more_than_its_layer_is_not_blamed(tmp_path: Path) -> None:
    """The candidate's 'normal' is the result of a later layer, as after folding: replacing it makes all worse."""
    reference = opened(classifier(), tmp_path / "a.onnx")
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    ran = [trace("onnx", reference, feed) for feed in FEEDS]
    inside = [next(layer.value for layer in layers if layer.name == "normal") for _, layers in ran]
    halves = Layer("half", "Conv", ("normal",), tuple(value / 2 for value in inside))
    outputs = [Layer("logits", "output", ("logits",), tuple(run["logits"] for run, _ in ran))]
    found = locate([InstrumentedRun(candidate, feed) for feed in FEEDS], [halves], outputs, SECONDS)
    assert found is not None
    assert (found.match.tensor, found.match.by) == ("logits", MatchedBy.OUTPUT)


def test_tensors_before_correct_ones_are_not_suspected(tmp_path: Path) -> None:
    """Even without time to try suspects: the wrong match at 'conv' can't be the cause, since 'normal' is correct."""
    reference = opened(classifier(), tmp_path / "a.onnx")
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    outputs, layers = trace("onnx", reference, FEEDS[0])
    known = [Layer(each.name, each.kind, each.scopes, (each.value,)) for each in layers]
    halved = Layer("half", "Conv", ("conv",), (known[0].values[0] / 2,))
    found = locate(
        [InstrumentedRun(candidate, FEEDS[0])],
        [halved, *known[1:]],
        [Layer("logits", "output", ("logits",), (outputs["logits"],))],
        seconds=0,
    )
    assert found is not None
    assert found.match.tensor == "hidden"


CANCELLING = """
<ir_version: 8, opset_import: ["" : 17]>
cancelling (float[N, 40] x) => (float[N, 40] y) {
  sum = Add (x, w)
  y = Sub (sum, x)
}
"""


ULP = 2.0**-23  # float32's spacing from 1 to 2


def cancelling(ulps: float) -> onnx.ModelProto:
    model = onnx.parser.parse_model(CANCELLING)
    model.graph.initializer.append(numpy_helper.from_array(np.full(40, ulps * ULP, np.float32), "w"))
    return model


def test_an_error_that_came_in_is_distinguished_from_one_that_starts_here(tmp_path: Path) -> None:
    """One unit in the last place is rounding in a sum around 1, but 1 % of the difference that follows."""
    feeds = [{"x": np.random.default_rng(seed).uniform(1, 1.9, (3, 40)).astype(np.float32)} for seed in range(2)]
    reference = opened(cancelling(84.4), tmp_path / "a.onnx")
    found = find(reference, opened(cancelling(84.6), tmp_path / "b.onnx"), feeds)
    assert found is not None
    assert (found.match.tensor, found.starts_here) == ("y", False)
    assert [node.op_type for node in found.first.nodes] == ["Sub"]
    assert [node.op_type for node in found.failing.segment.nodes] == ["Add", "Sub"], "it grew until it failed"


def test_a_tensor_without_axes_is_located(tmp_path: Path) -> None:
    """The mean over everything is a scalar, and so is the first tensor that is off."""
    sides = []
    for kind in ("ReduceMean", "ReduceMax"):
        model = onnx.parser.parse_model(
            f'<ir_version: 9, opset_import: ["" : 18]> g (float[N, 4] x) => (float[N, 4] y) '
            f"{{ m = {kind}<keepdims = 0>(x) d = Sub(x, m) y = Tanh(d) }}"
        )
        sides.append(opened(model, tmp_path / f"{kind}.onnx"))
    feed = {"x": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)}
    located = find(*sides, [feed])
    assert located is not None
    assert located.match.tensor == "m"
