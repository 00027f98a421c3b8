"""PyTorch modules, programs and TorchScript as models: inputs, dynamic axes, names, hints, an untouched reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fixtures.torch_modules import POSITIVE, Nested, example, shapes
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import exported, module, torchscript
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import TensorSpec

pytestmark = pytest.mark.xdist_group("torch")


# ---------------------------------------------------------------- inputs


@pytest.mark.parametrize("scripted", [False, True])
def test_undeclared_inputs_name_forwards_arguments(scripted):
    class Pair(nn.Module):
        def forward(self, left: torch.Tensor, right: torch.Tensor):
            return left + right

    source, engine = (torch.jit.script(Pair()), torchscript) if scripted else (Pair(), module)
    with pytest.raises(ParityGateError) as caught:
        engine.load(source, LoadOptions())
    assert caught.value.code == "PG206"
    assert "left" in caught.value.cause
    assert "right" in caught.value.cause
    assert "--input left:float32" in caught.value.remedy


def test_input_that_forward_does_not_have_is_named():
    with pytest.raises(ParityGateError, match=r"PG206.*picture"):
        module.load(nn.Linear(2, 2), example(picture=np.ones((1, 2), np.float32)))


def test_declared_inputs_get_sizes_that_the_module_accepts():
    """The first lengths to try are too short for this pooling."""
    deep = nn.Sequential(nn.MaxPool2d(32), nn.Flatten(2), nn.AdaptiveAvgPool1d(1))
    specs = (TensorSpec("input", "float32", ("n", 3, "height", "width")),)
    model = module.load(deep, LoadOptions(inputs=specs))
    assert shapes(model)["input"] == ("n", 3, "height", "width")


def test_samples_without_names_bind_in_order():
    model = module.load(nn.Linear(3, 2), example(input_0=np.ones((2, 3))))
    assert shapes(model) == {"input": ("batch", 3), "output": ("batch", 2)}
    assert model.signature.inputs[0].dtype == "float32"  # the samples are double, the weights aren't


def test_embedding_bounds_its_indices():
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.kinds = nn.Embedding(17, 4), nn.Embedding(3, 4)

        def forward(self, tokens: torch.Tensor, kinds: torch.Tensor):
            return (self.words(tokens.long()) + self.kinds(kinds[:, :1])).sum(1)

    options = example(tokens=np.ones((2, 5), np.int32), kinds=np.ones((2, 5), np.int64))
    for model in (module.load(Text(), options), torchscript.load(torch.jit.script(Text()), options)):
        assert {hint.name: (hint.low, hint.high) for hint in model.hints()} == {"tokens": (0, 16), "kinds": (0, 2)}


def test_declaration_that_contradicts_the_sample_is_an_error():
    options = LoadOptions(
        example={"input": np.ones((2, 3), np.float32)}, inputs=(TensorSpec("input", "float32", ("n", 1, 3)),)
    )
    with pytest.raises(ParityGateError, match="PG201"):
        module.load(nn.Linear(3, 2), options)


@pytest.mark.parametrize(("axis", "code"), [(1, "PG405"), (7, "PG201")])
def test_axis_that_cannot_be_dynamic_is_an_error_when_requested(axis, code):
    options = LoadOptions(example={"input": np.ones((2, 3), np.float32)}, dynamic=(("input", axis),))
    with pytest.raises(ParityGateError, match=code):
        module.load(nn.Linear(3, 2), options)


def test_program_with_a_fixed_batch_stays_fixed(tmp_path):
    torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.ones(2, 3),)), tmp_path / "p.pt2")
    assert shapes(exported.load(tmp_path / "p.pt2", LoadOptions())) == {"input": (2, 3), "output": (2, 2)}
    with pytest.raises(ParityGateError, match="PG201"):
        exported.load(tmp_path / "p.pt2", LoadOptions(dynamic=(("input", 0),)))


# ---------------------------------------------------------------- the reference stays as it is


def test_module_that_works_in_place_does_not_change_the_samples():
    class InPlace(nn.Module):
        def forward(self, x):
            return x.add_(1)

    model = module.load(InPlace(), example(x=np.zeros((2, 3), np.float32)))
    feed = {"x": np.zeros((2, 3), np.float32)}
    assert model.run(feed)["output"].sum() == 6
    assert feed["x"].sum() == 0


def test_attribute_that_only_training_changes_is_not_state():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = 0

        def forward(self, x: torch.Tensor):
            if self.training:
                self.steps = self.steps + 1
            return x * 2

    scripted = torch.jit.script(Counts())
    assert shapes(torchscript.load(scripted, example(x=POSITIVE))) == {"x": ("batch", 4), "output": ("batch", 4)}
    assert scripted.training
    assert scripted.steps == 0


# ---------------------------------------------------------------- outputs


def test_names_are_kept_by_a_program_file(tmp_path):
    arguments = {"extra": {"shift": [torch.ones(2, 3)]}, "idle": torch.ones(2, 1), "factor": 3.0}
    torch.export.save(torch.export.export(Nested(), (torch.ones(2, 3),), arguments), tmp_path / "n.pt2")
    model = exported.load(tmp_path / "n.pt2", LoadOptions())
    assert [spec.name for spec in model.signature.inputs] == ["x", "extra.shift.0", "idle"]
    assert [spec.name for spec in model.signature.outputs] == ["linear", "again", "x", "parts.0", "parts.1.0"]
    feed = {"x": np.ones((2, 3), np.float32), "extra.shift.0": np.ones((2, 3), np.float32)}
    assert model.run(feed | {"idle": np.ones((2, 1), np.float32)})["linear"].sum() == 24


def test_output_that_is_not_a_tensor_is_named():
    class Text(nn.Module):
        def forward(self, x):
            return {"x": x, "thing": "text"}

    with pytest.raises(ParityGateError, match=r"PG404.*'thing'"):
        module.load(Text(), example(x=POSITIVE))
