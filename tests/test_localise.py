"""Where numbers part: faults put into one place are found there, whatever the source, the target and the names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from paritygate.convert import convert
from paritygate.convert.routes.registry import ROUTES, Route
from paritygate.validate import validate
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.localise import repro as repro_module
from paritygate.validate.localise.layers import Layer, arranged, orders
from paritygate.validate.localise.locate import Found, locate
from paritygate.validate.localise.match import AS_OUTPUT, BY_BOTH, BY_NAME, BY_VALUE, match
from paritygate.validate.localise.names import bears
from paritygate.validate.localise.probe import Probe
from paritygate.validate.localise.repro import extracted, free_folder, write_repro
from paritygate.validate.localise.sample import Picked, write_samples
from paritygate.validate.localise.source import SAMPLES as LOOKED_AT
from paritygate.validate.localise.trace.layers import Recorder, trace
from paritygate.validate.report.types import OutputComparison, Verdict, WorstElement
from paritygate.validate.samples import Sample, Samples, load_samples, save_outputs, save_samples
from paritygate.validate.workers.job import EXPECTED, SAMPLES

from .test_gate import attribute, classifier, nudge, weight

Change = Callable[[onnx.ModelProto], None]
SECONDS = 60.0


def changed(*changes: Change) -> onnx.ModelProto:
    model = classifier()
    for change in changes:
        change(model)
    return model


def nudged(name: str) -> Change:
    return lambda model: weight(model, name, nudge)


def least(model: onnx.ModelProto) -> None:
    """The label of the least score: an integer output is wrong, and every floating tensor is right."""
    model.graph.node[-1].op_type = "ArgMin"


def anonymous(model: onnx.ModelProto) -> None:
    """No tensor inside and no node keeps its name."""
    kept = {value.name for value in (*model.graph.input, *model.graph.output, *model.graph.initializer)}
    for number, node in enumerate(model.graph.node):
        node.name = f"n{number}"
        for names in (node.input, node.output):
            names[:] = [name if name in kept else f"t_{sum(map(ord, name))}" for name in names]


FEEDS = [{"image": np.random.default_rng(seed).normal(size=(2, 3, 8, 6)).astype(np.float32)} for seed in range(2)]


def opened(model: onnx.ModelProto, path: Path) -> Any:
    onnx.save(model, path)
    return load(path, LoadOptions())


def find(reference: Any, candidate: Any, feeds: list[dict[str, Any]]) -> Found | None:
    """The search without workers: an ONNX reference's tensors are its layers."""
    ran = [trace("onnx", reference, feed) for feed in feeds]
    columns = zip(*(layers for _, layers in ran), strict=True)
    layers = [Layer(c[0].name, c[0].kind, c[0].scopes, tuple(each.value for each in c)) for c in columns]
    outputs = [Layer(name, "output", (name,), tuple(run[name] for run, _ in ran)) for name in ran[0][0]]
    return locate([Probe(candidate, feed) for feed in feeds], layers, outputs, SECONDS)


PLACES: Mapping[str, tuple[onnx.ModelProto, str, str]] = {
    "the convolution": (changed(nudged("kernel")), "conv", BY_BOTH),
    "epsilon": (changed(lambda model: attribute(model, "BatchNormalization", "epsilon", 0.002)), "normal", BY_BOTH),
    "a square matrix": (changed(nudged("square")), "hidden", BY_BOTH),
    "the last bias": (changed(nudged("bias")), "logits", BY_BOTH),
    "two faults: the first": (changed(nudged("kernel"), nudged("square")), "conv", BY_BOTH),
    "labels alone": (changed(least), "label", AS_OUTPUT),
    "no names": (changed(nudged("square"), anonymous), "hidden", BY_VALUE),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_fault_is_found_where_it_is(place: str, tmp_path: Path) -> None:
    model, layer, by = PLACES[place]
    found = find(opened(classifier(), tmp_path / "a.onnx"), opened(model, tmp_path / "b.onnx"), FEEDS)
    assert found is not None
    assert (found.pair.layer.name, found.pair.by, found.starts_here) == (layer, by, True)
    assert len(found.first.nodes) == 1


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """Fusing changes the rounding of everything, and rounding is no fault."""
    fused = opened(changed(anonymous), tmp_path / "b.onnx")
    assert find(opened(classifier(), tmp_path / "a.onnx"), fused, FEEDS) is None


def test_a_name_that_stands_for_more_than_its_layer_is_not_blamed(tmp_path: Path) -> None:
    """The candidate's 'normal' holds what another layer made of it, as after folding: mending it would spoil all."""
    reference = opened(classifier(), tmp_path / "a.onnx")
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    ran = [trace("onnx", reference, feed) for feed in FEEDS]
    inside = [next(layer.value for layer in layers if layer.name == "normal") for _, layers in ran]
    halves = Layer("half", "Conv", ("normal",), tuple(value / 2 for value in inside))
    outputs = [Layer("logits", "output", ("logits",), tuple(run["logits"] for run, _ in ran))]
    found = locate([Probe(candidate, feed) for feed in FEEDS], [halves], outputs, SECONDS)
    assert found is not None
    assert (found.pair.tensor, found.pair.by) == ("logits", AS_OUTPUT)


def test_what_lies_before_right_values_is_not_suspected(tmp_path: Path) -> None:
    """Even with no time left to try suspects: the wrong pair at 'conv' can't be to blame, as 'normal' is right."""
    reference = opened(classifier(), tmp_path / "a.onnx")
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    outputs, layers = trace("onnx", reference, FEEDS[0])
    known = [Layer(each.name, each.kind, each.scopes, (each.value,)) for each in layers]
    halved = Layer("half", "Conv", ("conv",), (known[0].values[0] / 2,))
    found = locate(
        [Probe(candidate, FEEDS[0])],
        [halved, *known[1:]],
        [Layer("logits", "output", ("logits",), (outputs["logits"],))],
        seconds=0,
    )
    assert found is not None
    assert found.pair.tensor == "hidden"


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


def test_an_error_that_came_in_is_told_from_one_that_starts_here(tmp_path: Path) -> None:
    """One unit in the last place of a sum around 1 is rounding; of the difference behind it it is a hundredth."""
    feeds = [{"x": np.random.default_rng(seed).uniform(1, 1.9, (3, 40)).astype(np.float32)} for seed in range(2)]
    reference = opened(cancelling(84.4), tmp_path / "a.onnx")
    found = find(reference, opened(cancelling(84.6), tmp_path / "b.onnx"), feeds)
    assert found is not None
    assert (found.pair.tensor, found.starts_here) == ("y", False)
    assert [node.op_type for node in found.first.nodes] == ["Sub"]
    assert [node.op_type for node in found.failing.part.nodes] == ["Add", "Sub"], "it grew until it failed"


RANDOM = np.random.default_rng(5)
PICTURE = RANDOM.normal(size=(2, 4, 5, 3))
LAYOUTS = {
    "as it is": (PICTURE, True),
    "channels first": (PICTURE.transpose(0, 3, 1, 2), True),
    "flattened": (PICTURE.reshape(2, 60), True),
    "a length 1 more": (PICTURE[:, None], True),
    "lying on its side": (PICTURE.transpose(0, 2, 1, 3), False),
    "channels first, then flattened": (PICTURE.transpose(0, 3, 1, 2).reshape(2, 60), False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_layouts_that_converters_choose_are_the_same_thing(layout: str) -> None:
    array, same = LAYOUTS[layout]
    forms = [arranged(PICTURE, order, array.shape) for order in orders(PICTURE.shape)]
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
def test_names_hold_a_layers_words(given: tuple[str, ...], scope: str, expected: bool) -> None:
    assert bears((given,), (scope,)) is expected


def test_a_layer_whose_values_nothing_has_is_found_by_its_name() -> None:
    """Two nodes bear the name; the one whose result leaves the scope is the layer's."""
    graph = onnx.parser.parse_graph(
        "g (float[8] x) => (float[8] y) { inner = Abs (x) \n head = Neg (inner) \n y = Relu (head) }"
    )
    graph.node[0].name, graph.node[1].name = "net/head/Abs", "net/head/Neg"
    values = {name: RANDOM.normal(size=8) for name in ("inner", "head", "y")}
    layer = Layer("head", "Dense", ("head",), (RANDOM.normal(size=8),))
    (pair,) = match(graph, [values], [layer])
    assert (pair.tensor, pair.by) == ("head", BY_NAME)


def test_a_residual_connection_is_not_taken_for_what_it_adds_to() -> None:
    """Near the layer, but another tensor is the layer: a small branch was added by something that isn't recorded."""
    graph = onnx.parser.parse_graph("g (float[8] x) => (float[8] y) { inner = Abs (x) \n y = Relu (inner) }")
    value = RANDOM.normal(size=8)
    pairs = match(graph, [{"inner": value + 1e-7, "y": value * 1.01}], [Layer("abs", "Abs", ("abs",), (value,))])
    assert [pair.tensor for pair in pairs] == ["inner"]


def test_constant_values_match_nothing() -> None:
    graph = onnx.parser.parse_graph("g (float[8] x) => (float[8] y) { y = Relu (x) }")
    assert match(graph, [{"y": np.zeros(8)}], [Layer("zeros", "ReLU", ("zeros",), (np.zeros(8),))]) == []
    assert match(graph, [{"y": np.zeros((0, 8))}], [Layer("none", "ReLU", ("y",), (np.zeros((0, 8)),))]) == []


def test_steps_of_a_recurrence_are_not_all_kept() -> None:
    recorder = Recorder(calls=2)
    for _ in range(5):
        recorder.add("cell", "LSTMCell", ("cell",), [np.ones(3, np.float32)])
    assert [layer.name for layer in recorder.layers] == ["cell", "cell#2"]


@pytest.mark.parametrize(("alone", "row"), [(True, 2), (False, None)])
def test_the_row_that_fails_is_picked(alone: bool, row: int | None, tmp_path: Path) -> None:
    """Sample 0 of the report is number 1 of all: the report counts what was compared, and its value tells which."""
    feeds = [{"x": np.full((3, 2), number, np.float32)} for number in range(3)]
    for feed in feeds:
        feed["x"][2] += 10
    save_samples(Samples(tuple(Sample(str(n), f, "k", 3) for n, f in enumerate(feeds)), "", 0), tmp_path / SAMPLES)
    save_outputs([{"y": feed["x"]} for feed in feeds], tmp_path / EXPECTED)
    worst = WorstElement(sample=0, index=(2, 1), expected=11.0, actual=0.0)
    picked = write_samples(tmp_path, OutputComparison("y", "y", Verdict.FAIL, worst=worst), alone=alone)
    assert picked == Picked(1, row)
    first = load_samples(tmp_path / LOOKED_AT).feeds[0]["x"]
    assert np.array_equal(first, feeds[1]["x"][2:] if alone else feeds[1]["x"])


def run_repro(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(folder / "repro.py")], capture_output=True, text=True, check=False)


def test_the_repro_shows_the_fault_and_passes_once_it_is_mended(tmp_path: Path) -> None:
    reference = opened(classifier(), tmp_path / "a.onnx")
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    found = find(reference, candidate, FEEDS)
    assert found is not None
    probe = Probe(candidate, FEEDS[0])
    model, inputs = extracted(probe.graph(), found, probe)
    folder = tmp_path / "b.repro"
    about = {"reference": "a", "candidate": "b", "tensor": "hidden", "operators": "Gemm", "layer": "hidden"}
    write_repro(folder, model, inputs, found, about)
    shown = run_repro(folder)
    assert "of hidden differ" in shown.stdout, shown.stderr
    assert shown.returncode == 1
    (tensor,) = model.graph.initializer
    right = next(each for each in classifier().graph.initializer if each.name == "square")
    tensor.CopyFrom(right)
    onnx.save(model, folder / "model.onnx")
    assert run_repro(folder).returncode == 0


def test_a_repro_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = opened(changed(nudged("square")), tmp_path / "b.onnx")
    found = find(opened(classifier(), tmp_path / "a.onnx"), candidate, FEEDS)
    assert found is not None

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(repro_module.np, "save", full)
    with pytest.raises(OSError, match="no space"):
        write_repro(tmp_path / "b.repro", onnx.ModelProto(), {}, found, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


def test_a_folder_of_the_users_is_left_alone(tmp_path: Path) -> None:
    wanted = tmp_path / "model.repro"
    assert free_folder(wanted) == wanted
    wanted.mkdir()
    assert free_folder(wanted) == tmp_path / "model.repro-2"
    (wanted / "repro.py").touch()
    assert free_folder(wanted) == wanted, "an older repro gives way"


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "paritygate.cli", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_failing_command_says_where_and_leaves_a_repro(tmp_path: Path) -> None:
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    shown = command("validate", tmp_path / "a.onnx", tmp_path / "b.onnx")
    assert shown.returncode == 1
    for text in ("parts at", "Gemm 'hidden'", "the error starts here", "transB=1", "run it again: python"):
        assert text in shown.stdout, shown.stdout
    assert run_repro(tmp_path / "b.repro").returncode == 1


NUDGING_ROUTE = """
import onnx
from paritygate.convert.routes.onnx.to_onnx import convert as honest
from {tests} import nudge, weight

def convert(model, destination, options):
    candidate = honest(model, destination, options)
    changed = onnx.load(str(destination))
    weight(changed, "square", nudge)
    onnx.save(changed, str(destination))
    return candidate
"""


def test_a_failing_conversion_leaves_nothing_but_a_repro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nudging_route.py").write_text(NUDGING_ROUTE.format(tests="tests.test_gate"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parent.parent}")
    monkeypatch.setitem(ROUTES, ("onnx", "onnx"), (Route("direct", ("nudging_route",)),))
    onnx.save(classifier(), tmp_path / "a.onnx")
    (tmp_path / "out").mkdir()
    conversion = convert(tmp_path / "a.onnx", tmp_path / "out" / "b.onnx", localise=True)
    found = conversion.report.divergence
    assert found is not None, str(conversion)
    assert (found.layer, conversion.path) == ("hidden", None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.repro"]


def test_nothing_is_looked_for_when_nobody_wants_it(tmp_path: Path) -> None:
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    shown = command("validate", tmp_path / "a.onnx", tmp_path / "b.onnx", "--no-localise", "--json")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["result"]["divergence"] is None
    assert not (tmp_path / "b.repro").exists()


def with_weight(source: Path, target: Path, part: str) -> Path:
    """A copy of an ONNX file with one value of the weight changed that has ``part`` in its name."""
    model = onnx.load(source)
    tensor = next(each for each in model.graph.initializer if part in each.name)
    value = numpy_helper.to_array(tensor).copy()
    value.flat[0] += 0.05
    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    onnx.save(model, target)
    return target


def keras_network() -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = layers.Input((12, 10, 3), name="image")
    stem = layers.BatchNormalization(name="norm")(layers.Conv2D(8, 3, activation="relu", name="stem")(image))
    middle = layers.Conv2D(8, 3, padding="same", name="middle")(stem)
    joined = layers.Activation("swish", name="act")(layers.Add(name="sum")([middle, stem]))
    return keras.Model(image, layers.Dense(6, name="head")(layers.GlobalAveragePooling2D(name="pool")(joined)))


def test_keras_layers_are_named(tmp_path: Path) -> None:
    model = keras_network()
    assert convert(model, tmp_path / "good.onnx", seed=1).report.passed
    for layer, kind in (("stem", "Conv2D"), ("middle", "Conv2D")):
        bad = with_weight(tmp_path / "good.onnx", tmp_path / f"{layer}.onnx", layer)
        found = validate(model, bad, localise=True).divergence
        assert found is not None
        assert (found.layer, found.kind, found.matched_by, found.starts_here) == (layer, kind, BY_BOTH, True)
        assert run_repro(Path(found.repro)).returncode == 1


def test_operators_of_a_tensorflow_graph_are_named(tmp_path: Path) -> None:
    import tensorflow as tf

    random = np.random.default_rng(2)
    first, second = (tf.Variable(random.normal(size=(6, 6)).astype(np.float32)) for _ in range(2))

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, name="x")])
    def network(x: Any) -> Any:
        with tf.name_scope("front"):
            inner = tf.nn.relu(tf.matmul(x, first))
        with tf.name_scope("back"):
            return tf.tanh(tf.matmul(inner, second))

    function = network.get_concrete_function()
    assert convert(function, tmp_path / "good.onnx").report.passed
    model = onnx.load(tmp_path / "good.onnx")
    product = next(node for node in model.graph.node if "back/MatMul" in node.name)
    found = validate(
        function, with_weight(tmp_path / "good.onnx", tmp_path / "bad.onnx", product.input[1]), localise=True
    ).divergence
    assert found is not None
    assert found.starts_here
    assert (found.layer, found.kind) == ("back/MatMul", "MatMul")


def torch_network() -> Any:
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.norm(self.conv(x))) + x

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)
            self.blocks = nn.Sequential(Block(), Block())

        def forward(self, x: Any) -> Any:
            return self.head(self.blocks(self.stem(x)).mean((2, 3)))

    torch.manual_seed(0)
    network = Network().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network


def test_torch_modules_and_programs_are_named(tmp_path: Path) -> None:
    """Batch normalisation is folded into the convolution before it: one operator stands for both modules."""
    import torch

    network, example = torch_network(), np.ones((1, 3, 10, 9), np.float32)
    assert convert(network, tmp_path / "good.onnx", example={"x": example}).report.passed
    bad = with_weight(tmp_path / "good.onnx", tmp_path / "bad.onnx", "blocks.1.conv.weight")
    found = validate(network, bad, example={"x": example}, localise=True).divergence
    assert found is not None
    assert found.starts_here
    assert (found.layer, found.layers) == ("blocks.1.norm", ("blocks.1.conv", "blocks.1.norm"))
    program = torch.export.export(network, (torch.from_numpy(example),))
    bad = with_weight(tmp_path / "good.onnx", tmp_path / "bad2.onnx", "head.weight")
    found = validate(program, bad, localise=True).divergence
    assert found is not None
    assert found.starts_here
    assert (found.layer, found.kind) == ("head/linear", "aten.linear")


def test_a_core_ml_operator_is_named(tmp_path: Path) -> None:
    """Lowered to an ONNX graph; its weights lie in the package's own file and have to come along into the repro."""
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    assert convert(tmp_path / "b.onnx", tmp_path / "b.mlpackage").report.passed
    report = validate(tmp_path / "a.onnx", tmp_path / "b.mlpackage", localise=True)
    found = report.divergence
    assert found is not None, str(report)
    assert (found.layer, found.layers, found.starts_here) == ("hidden", ("hidden",), True)
    assert run_repro(Path(found.repro)).returncode == 1
