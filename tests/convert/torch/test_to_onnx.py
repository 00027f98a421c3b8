"""PyTorch modules, programs and TorchScript to ONNX: opsets, names, layers, and what can't be converted."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch_conversion import Converted

from fixtures.torch_modules import F32, NEGATIVE, POSITIVE, Digits, Nested, example, image_options, shapes
from paritygate.convert import convert
from paritygate.convert.routes.onnx.opset import opset_of
from paritygate.convert.routes.torch.dynamo import save_graph
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import module, torchscript
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import TensorSpec

pytestmark = pytest.mark.xdist_group("torch")


# ---------------------------------------------------------------- a trained network


def test_module_in_training_mode_is_run_in_evaluation_mode_and_not_changed(digits, tmp_path):
    network = Digits()
    network.load_state_dict(digits.module.state_dict())
    network.train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    converted = Converted(module.load(network, image_options()), tmp_path / "m.onnx")
    feed = {"image": digits.images[:40]}
    expected = converted.agrees_on(feed)["output"]
    with torch.no_grad():
        np.testing.assert_array_equal(expected, digits.module(torch.tensor(feed["image"])).numpy())
    assert any("training mode" in note for note in converted.model.notes)
    assert converted.model.native is network
    assert all(each.training for each in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_trained_cnn_from_a_program_file_passes_the_gate(digits, tmp_path):
    shape = {"image": {0: torch.export.Dim("b")}}
    program = torch.export.export(digits.module, (torch.ones(2, 1, 8, 8),), dynamic_shapes=shape)
    torch.export.save(program, tmp_path / "digits.pt2")
    result = convert(tmp_path / "digits.pt2", tmp_path / "digits.onnx")
    assert result.report.passed
    assert result.report.samples.batch_sizes[0] == 1
    engine = onnxruntime.load(tmp_path / "digits.onnx", LoadOptions())
    labels = engine.run({"image": digits.images})["output"].argmax(1)
    np.testing.assert_array_equal(labels, digits.module(torch.tensor(digits.images)).argmax(1).numpy())
    assert (labels == digits.labels).mean() > 0.9


OPSETS = [8, 9, 13, 18, 21, 25, 26]


@pytest.mark.parametrize("opset", OPSETS)
def test_requested_opset_is_written(opset, digits, tmp_path):
    converted = Converted(module.load(digits.module, image_options()), tmp_path / "m.onnx", opset)
    assert opset_of(onnx.load(tmp_path / "m.onnx")) == opset
    converted.agrees_on({"image": digits.images[:20]})
    onnx.checker.check_model(str(tmp_path / "m.onnx"), full_check=True)


def test_a_mask_for_all_queries_is_written_so_that_the_engine_runs_it(tmp_path):
    """ONNX Runtime refuses Attention of opset 23 with a mask of [N, 1, 1, L]."""

    class Masked(nn.Module):
        def forward(self, x):
            mask = (x.sum(-1) > -4)[:, None, None, :]
            return nn.functional.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], attn_mask=mask)

    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    Converted(module.load(Masked(), LoadOptions(example={"x": x})), tmp_path / "m.onnx", 23).agrees_on({"x": x})
    assert opset_of(onnx.load(tmp_path / "m.onnx")) == 23


def test_batch_is_dynamic_by_default(digits, tmp_path):
    converted = Converted(module.load(digits.module, image_options()), tmp_path / "m.onnx")
    assert converted.dims() == {"image": ("batch", 1, 8, 8)}
    for rows in (1, 2, 5):
        assert converted.agrees_on({"image": digits.images[:rows]})["output"].shape == (rows, 10)


def test_traced_file_agrees(digits, tmp_path):
    torch.jit.save(torch.jit.trace(digits.module, torch.ones(2, 1, 8, 8)), str(tmp_path / "t.pt"))
    converted = Converted(torchscript.load(tmp_path / "t.pt", image_options()), tmp_path / "m.onnx")
    assert converted.dims() == {"image": ("batch", 1, 8, 8)}
    converted.agrees_on({"image": digits.images[:7]})


# ---------------------------------------------------------------- names and layers


class PaddedPool(nn.Module):
    """Zeros around negative values: a pool that pads with minus infinity gives negative numbers at the border."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool2d(nn.functional.pad(-torch.exp(self.conv(x)), (1, 1, 1, 1)), 3, 2)


@pytest.mark.parametrize("scripted", [False, True])
def test_zeros_around_a_pool_stay_zeros(scripted, tmp_path):
    """ONNX Runtime 1.31 would move the padding into the pool."""
    network, options = PaddedPool().eval(), example(x=np.ones((2, 3, 8, 8), np.float32))
    model = torchscript.load(torch.jit.script(network), options) if scripted else module.load(network, options)
    expected = Converted(model, tmp_path / "m.onnx").agrees_on({"x": np.ones((2, 3, 8, 8), np.float32)})
    assert expected["output"].max() == 0


def test_names_are_kept(tmp_path):
    nested = {"x": torch.ones(2, 3), "extra": {"shift": [torch.ones(2, 3)]}, "idle": torch.ones(2, 1), "factor": 3.0}
    converted = Converted(module.load(Nested(), LoadOptions(example=nested)), tmp_path / "m.onnx")
    assert list(converted.dims()) == ["x", "extra.shift.0", "idle"]
    assert converted.candidate.outputs == {
        "linear": "linear", "again": "again", "x_output": "x", "parts.0": "parts.0", "parts.1.0": "parts.1.0",
    }  # fmt: skip
    feed = {"x": POSITIVE[:, :3], "extra.shift.0": NEGATIVE[:, 1:], "idle": POSITIVE[:, :1]}
    expected = converted.agrees_on(feed)
    np.testing.assert_array_equal(expected["linear"], feed["x"] * 3 + feed["extra.shift.0"])


RECURRENT = {
    "LSTM": nn.LSTM(5, 7, 2, batch_first=True),
    "bidirectional GRU": nn.GRU(5, 7, batch_first=True, bidirectional=True),
    "RNN": nn.RNN(5, 7, batch_first=True),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_take_any_length(name, tmp_path):
    torch.manual_seed(0)
    options = LoadOptions(inputs=(TensorSpec("input", "float32", ("batch", "time", 5)),))
    converted = Converted(module.load(RECURRENT[name].eval(), options), tmp_path / "m.onnx")
    assert converted.dims() == {"input": ("batch", "time", 5)}
    for rows, length in ((1, 3), (2, 11)):
        feed = np.random.default_rng(0).standard_normal((rows, length, 5)).astype(np.float32)
        assert converted.agrees_on({"input": feed})["output_0"].shape[:2] == (rows, length)


def test_lstm_of_fixed_length_becomes_one_operator(tmp_path):
    model = module.load(RECURRENT["LSTM"].eval(), example(input=np.ones((2, 6, 5), np.float32)))
    converted = Converted(model, tmp_path / "m.onnx")
    assert converted.engine.facts().operators["LSTM"] == 2  # one a layer
    converted.agrees_on_generated()


def test_large_weights_go_to_a_second_file(tmp_path):
    model = module.load(nn.Linear(40, 30), example(input=np.ones((2, 40), np.float32)))
    with torch.no_grad():
        graph = torch.onnx.export(model.captured.program, dynamo=True, verbose=False).model
    save_graph(graph, tmp_path / "m.onnx", inline_limit=1000)
    assert (tmp_path / "m.onnx.data").stat().st_size >= 30 * 40 * 4
    x = np.ones((2, 40), np.float32)
    actual = onnxruntime.load(tmp_path / "m.onnx", LoadOptions()).run({"input": x})
    np.testing.assert_allclose(next(iter(actual.values())), model.run({"input": x})["output"], **F32)


# ---------------------------------------------------------------- what can't be converted


class Inner(nn.Module):
    def forward(self, x):
        return x.kthvalue(2).values


def test_unsupported_operator_is_named_with_its_place(tmp_path, capfd):
    network = nn.Sequential(nn.Linear(4, 4), Inner())
    with pytest.raises(ParityGateError) as caught:
        Converted(module.load(network, example(input=POSITIVE)), tmp_path / "m.onnx")
    assert (caught.value.code, caught.value.subject) == ("PG404", "aten::kthvalue")
    assert "1 (Inner)" in caught.value.cause
    assert capfd.readouterr() == ("", "")


def test_operator_that_only_the_other_exporter_has(tmp_path):
    class Distances(nn.Module):
        def forward(self, x):
            return torch.cdist(x, torch.arange(12.0).reshape(3, 4))

    converted = Converted(module.load(Distances(), example(x=POSITIVE)), tmp_path / "m.onnx")
    assert converted.candidate.route == "torch.onnx (traced)"
    assert "aten::cdist_forward" in converted.candidate.notes[0]
    converted.agrees_on({"x": np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)})


def test_complex_output_is_refused(tmp_path):
    class Spectrum(nn.Module):
        def forward(self, x):
            return torch.fft.rfft(x)

    with pytest.raises(ParityGateError, match=r"PG404.*complex64"):
        Converted(module.load(Spectrum(), example(x=POSITIVE)), tmp_path / "m.onnx")


def test_old_opset_of_a_module_that_cannot_be_traced_is_written_from_the_program(tmp_path):
    class Sizes(nn.Module):
        def forward(self, x):
            return x.reshape(torch.sym_int(x.shape[0]) * 2, -1) + torch.tensor(range(x.shape[1] // 2)).sum()

    model = module.load(Sizes(), LoadOptions(example={"x": POSITIVE}))
    assert shapes(model)["x"] == ("batch", 4)
    Converted(model, tmp_path / "m.onnx", 13).agrees_on({"x": POSITIVE})
    assert opset_of(onnx.load(tmp_path / "m.onnx")) == 13
