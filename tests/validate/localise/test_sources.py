"""The first divergence in models of every framework: layers are named as the framework names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from localise_helpers import changed, nudged, run_repro
from onnx import numpy_helper

from fixtures.onnx_classifier import classifier
from paritygate.convert import convert
from paritygate.validate import validate
from paritygate.validate.localise.layer_matching import MatchedBy


def with_weight(source: Path, target: Path, part: str) -> Path:
    """A copy of an ONNX file in which one element of the weight with ``part`` in its name is changed."""
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
        found = validate(model, bad, localise=True, repro=tmp_path / f"{layer}.repro").divergence
        assert found is not None
        assert (found.layer, found.kind) == (layer, kind)
        assert (found.matched_by, found.starts_here) == (MatchedBy.NAME_AND_VALUE, True)
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
    """It is lowered to an ONNX graph; its weights are in the package's own file and must be copied into the repro."""
    onnx.save(classifier(), tmp_path / "a.onnx")
    onnx.save(changed(nudged("square")), tmp_path / "b.onnx")
    assert convert(tmp_path / "b.onnx", tmp_path / "b.mlpackage").report.passed
    report = validate(tmp_path / "a.onnx", tmp_path / "b.mlpackage", repro=tmp_path / "b.repro")
    found = report.divergence
    assert found is not None, str(report)
    assert (found.layer, found.layers, found.starts_here) == ("hidden", ("hidden",), True)
    assert run_repro(Path(found.repro)).returncode == 1
