"""Branches, sizes and state that depend on the inputs survive the conversion from PyTorch to ONNX."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch_conversion import Converted

from fixtures.torch_modules import F32, NEGATIVE, POSITIVE, SILERO, example, shapes
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import module, torchscript
from paritygate.validate.errors import ParityGateError
from paritygate.validate.signature import TensorSpec

pytestmark = pytest.mark.xdist_group("torch")


# ---------------------------------------------------------------- branches


class Branches(nn.Module):
    """Branches that depend on the values, with outputs of different shape, and a loop."""

    def forward(self, x: torch.Tensor):
        if bool(x.sum() > 0):
            part = x * 2
        else:
            part = x[:1] - 1
        count = 0
        while bool(part.abs().max() > 4):
            part = part / 2
            count += 1
        return {"part": part, "rows": torch.zeros(len(part), 2), "count": torch.tensor(count)}


@pytest.mark.parametrize("kind", ["scripted file", "module"])
def test_both_branches_survive(kind, tmp_path):
    """A module with branches can't be exported, so it is scripted; the branches' shapes differ, which the TorchScript
    exporter ignores unless corrected.
    """
    options = example(x=POSITIVE)
    if kind == "module":
        model = module.load(Branches(), options)
    else:
        torch.jit.save(torch.jit.script(Branches()), str(tmp_path / "b.pt"))
        model = torchscript.load(tmp_path / "b.pt", options)
    converted = Converted(model, tmp_path / "m.onnx")
    assert converted.agrees_on({"x": POSITIVE})["rows"].shape == (3, 2)
    assert converted.agrees_on({"x": NEGATIVE})["rows"].shape == (1, 2)
    assert converted.agrees_on({"x": POSITIVE[:1]})["count"] == 3


def test_branch_that_can_only_be_traced_is_refused_with_its_line(tmp_path):
    class Hidden(nn.Module):
        def forward(self, x):
            choose = {True: 1.0, False: -1.0}
            return x + [*choose.values()][float(x.sum()) > 0]

    with pytest.raises(ParityGateError) as caught:
        Converted(module.load(Hidden(), example(x=POSITIVE)), tmp_path / "m.onnx")
    assert caught.value.code == "PG405"
    assert "test_branches_and_state.py" in caught.value.subject
    assert "torch.where" in caught.value.remedy


class Inner(nn.Module):
    """A branch that TorchScript can keep."""

    def forward(self, x: torch.Tensor):
        if bool(x.sum() > 0):
            return x * 2
        return -x


def test_branch_of_a_part_survives_in_a_module_that_can_only_be_traced(tmp_path):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            return self.inner(x + sum(dict.fromkeys(self._modules, 1.0).values()))

    native = Outer()
    converted = Converted(module.load(native, example(x=POSITIVE)), tmp_path / "m.onnx")
    assert converted.candidate.route == "torch.onnx (traced)"
    assert converted.agrees_on({"x": POSITIVE})["output"].max() == 20
    assert converted.agrees_on({"x": NEGATIVE})["output"].max() == 8
    assert type(native.inner) is Inner


def test_checks_of_distributions_do_not_stand_in_the_way(tmp_path):
    class Density(nn.Module):
        def forward(self, x):
            return torch.distributions.Normal(x, 2.0).log_prob(x * 0.5)

    converted = Converted(module.load(Density(), example(x=POSITIVE)), tmp_path / "m.onnx")
    converted.agrees_on({"x": NEGATIVE})
    assert torch.distributions.Distribution._validate_args


# ---------------------------------------------------------------- sizes


class FixesSize(nn.Module):
    """Pitfall P16: exporters write a fixed size here without a warning."""

    def forward(self, x):
        rows = int(x.shape[0])
        return x.reshape(rows, -1) + torch.ones(rows, 1)


def test_size_fixed_by_the_code_makes_the_signature_fixed_with_a_note(tmp_path):
    converted = Converted(module.load(FixesSize(), example(x=POSITIVE)), tmp_path / "m.onnx")
    assert shapes(converted.model) == {"x": (3, 4), "output": (3, 4)}
    assert converted.dims() == {"x": (3, 4)}
    assert any("axis 0 of 'x'" in note for note in converted.model.notes)
    converted.agrees_on({"x": NEGATIVE})


def test_size_fixed_by_the_code_stays_dynamic_when_requested(tmp_path):
    """torch.export can't do it, but TorchScript keeps the conversion to a number."""
    options = LoadOptions(example={"x": POSITIVE}, dynamic=(("x", 0),))
    converted = Converted(module.load(FixesSize(), options), tmp_path / "m.onnx")
    assert converted.dims() == {"x": ("batch", 4)}
    for rows in (1, 2, 3):
        converted.agrees_on({"x": POSITIVE[:rows]})


# ---------------------------------------------------------------- state: silero-vad


@pytest.fixture(scope="module")
def silero(tmp_path_factory) -> Converted:
    specs = (TensorSpec("x", "float32", ("batch", 512)), TensorSpec("sr", "int64", ()))
    model = torchscript.load(SILERO, LoadOptions(inputs=specs))
    return Converted(model, tmp_path_factory.mktemp("silero") / "silero.onnx")


def test_state_becomes_inputs_and_outputs(silero):
    assert shapes(silero.model) == {
        "x": ("batch", 512), "sr": (), "_last_sr": (), "_last_batch_size": (), "_context": ("batch", 64),
        "_state": (2, "batch", 128), "output": ("batch", 1), "_last_sr_next": (), "_last_batch_size_next": (),
        "_context_next": ("batch", 64), "_state_next": (2, "batch", 128),
    }  # fmt: skip
    hints = {hint.name: hint.vocabulary for hint in silero.model.hints()}
    assert hints["sr"] == (16000,)  # 8000, which forward compares with too, doesn't fit 512 samples
    silero.agrees_on_generated()


@pytest.mark.parametrize("rows", [1, 3])
def test_state_carries_over_several_steps(rows, silero):
    """The expected values come from the module itself, called step by step as its authors intend."""
    untouched = torch.jit.load(str(SILERO))
    state = {
        "_last_sr": np.array(0), "_last_batch_size": np.array(0), "_context": np.zeros((rows, 64), np.float32),
        "_state": np.zeros((2, rows, 128), np.float32),
    }  # fmt: skip
    rng = np.random.default_rng(0)
    for _ in range(6):
        sound = rng.standard_normal((rows, 512)).astype(np.float32) / 3
        with torch.no_grad():
            expected = untouched(torch.tensor(sound), 16000).numpy()
        actual = silero.engine.run({"x": sound, "sr": np.array(16000), **state})
        np.testing.assert_allclose(actual["output"], expected, **F32)
        state = {name: actual[f"{name}_next"] for name in state}
    assert np.ptp(state["_state"]) > 0.1  # the state did change


def test_reset_branch_of_the_state_survives(silero):
    """A different rate than before resets the state, in a branch whose shapes differ from the other's."""
    sound = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    fresh = {"_context": np.zeros((1, 64), np.float32), "_state": np.zeros((2, 1, 128), np.float32)}
    stale = {name: array + 1 for name, array in fresh.items()}
    common = {"x": sound, "sr": np.array(16000), "_last_batch_size": np.array(1)}
    reset = silero.agrees_on(common | stale | {"_last_sr": np.array(8000)})
    kept = silero.agrees_on(common | stale | {"_last_sr": np.array(16000)})
    start = silero.agrees_on(common | fresh | {"_last_sr": np.array(16000)})
    np.testing.assert_array_equal(reset["output"], start["output"])
    assert abs(kept["output"] - start["output"]).max() > 1e-3


def test_module_keeps_its_own_state(silero):
    assert silero.model.native._state.shape == (0,)
    assert silero.model.native._last_sr == 0
