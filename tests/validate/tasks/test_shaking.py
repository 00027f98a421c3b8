"""The reference's own condition: all samples of a small model are shaken, a few of a large one."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import OnnxModel, load
from paritygate.validate.noise.plan import MOST_WORK, plan_samples
from paritygate.validate.noise.shakes import SHAKES
from paritygate.validate.samples import generate_samples
from paritygate.validate.tasks.shaking import shake_planned


class Counted:
    """A model that counts its runs."""

    def __init__(self, model: OnnxModel) -> None:
        self.model, self.runs = model, 0

    def run(self, feed):
        self.runs += 1
        return self.model.run(feed)


@pytest.fixture
def model(tmp_path):
    net = parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 20]> g (float[N, 3, 16] x) => (float[N, 3, 256] y) { y = MatMul(x, w) }'
    )
    weight = np.random.default_rng(0).normal(size=(16, 256)).astype(np.float32)
    net.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    onnx.save(net, tmp_path / "m.onnx")
    return load(tmp_path / "m.onnx", LoadOptions())


def test_a_large_model_is_shaken_on_fewer_samples_to_the_same_size(model):
    samples = generate_samples(model.signature).items
    outputs = [model.run(sample.feed) for sample in samples]
    small, large = Counted(model), Counted(model)
    every = shake_planned(small, samples, outputs, plan_samples(16 * 256, samples))
    few = shake_planned(large, samples, outputs, plan_samples(int(MOST_WORK), samples))
    untold = [sample for sample in samples if sample.kind != "lengths"]  # an ordinary sample tells of the others
    assert small.runs == SHAKES * len(untold)
    assert large.runs < small.runs
    for sample, one, other in zip(samples, every, few, strict=True):
        assert one["y"].shape == other["y"].shape
        if sample.kind == "normal":
            assert 0.3 < np.sqrt(other["y"].mean() / one["y"].mean()) < 4
