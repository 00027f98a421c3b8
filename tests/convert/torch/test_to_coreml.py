"""PyTorch to Core ML through coremltools' frontend: modules, programs, TorchScript, options, precision, refusals.

The expected values are the module's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fixtures.arrays import normal
from fixtures.coreml_conversion import check_conversion, run_candidate
from fixtures.torch_modules import SILERO
from paritygate.convert import ParityGateError, convert
from paritygate.convert.routes.base import FP16, MIXED, RouteOptions
from paritygate.convert.routes.torch import to_coreml
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.engines.torch import exported, module, torchscript
from paritygate.validate.samples import Sample, Samples, save_outputs, save_samples
from paritygate.validate.workers.job_folder import JobFolder

pytestmark = pytest.mark.xdist_group("torch")

Array = np.ndarray[Any, Any]
Feed = Mapping[str, Array]

CLOSE = {"rtol": 1e-5, "atol": 2e-6}
"""Float32 sums of a few dozen terms in a different order: some units in the last place of values around 1."""

HALF = {"rtol": 4e-3, "atol": 5e-3}
"""A dozen operators, each rounded to float16's eleven digits, on values around 1."""


# --- helpers


def loaded(network: nn.Module, example: Feed, dynamic: Sequence[tuple[str, int]] = ()) -> Any:
    return module.load(network.eval(), LoadOptions(example=example, dynamic=tuple(dynamic)))


check = partial(check_conversion, to_coreml.convert, tolerance=CLOSE)


# --- modules


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.recurrent = kind(6, 5, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrent(self.embedding(tokens))[0][:, -1])


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.GELU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10), nn.GELU(approximate="tanh"),
    )  # fmt: skip


def bert() -> nn.Module:
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    )


def vit() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    return ViTForImageClassification(
        ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=16,
            patch_size=8, num_labels=5,
        )
    )  # fmt: skip


TOKENS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
MODULES: dict[str, tuple[Callable[[], nn.Module], Feed, str]] = {
    "CNN": (convolutional, {"input": normal(2, 1, 8, 8)}, ".mlmodel"),
    "LSTM, whose name differs in exported programs": (lambda: Recurrent(nn.LSTM), {"tokens": TOKENS}, ".mlmodel"),
    "GRU, whose two results are one tuple": (lambda: Recurrent(nn.GRU), {"tokens": TOKENS}, ".mlpackage"),
    "transformer encoder": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), {"src": normal(2, 5, 8)}, ".mlpackage",
    ),
    "BERT, which makes its masks with new_ones and &": (
        bert, {"input_ids": TOKENS, "attention_mask": np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]])}, ".mlpackage",
    ),
    "ViT": (vit, {"pixel_values": normal(2, 3, 16, 16)}, ".mlpackage"),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str, tmp_path: Path):
    make, example, suffix = MODULES[name]
    torch.manual_seed(0)
    model = loaded(make(), example)
    rows = [{key: value[row : row + 1] for key, value in example.items()} for row in range(2)]
    candidate = check(model, tmp_path / f"model{suffix}", *rows)
    assert candidate.route == "coremltools (torch.export)"


def test_lengths_may_vary(tmp_path: Path):
    model = loaded(nn.Conv1d(3, 4, 2), {"input": normal(2, 3, 6)}, [("input", 2)])
    options = RouteOptions(ranges={("input", 2): (2, 9)})
    candidate = check(
        model, tmp_path / "m.mlpackage", *({"input": normal(1, 3, n)} for n in (2, 5, 9)), options=options
    )
    with pytest.raises(ParityGateError) as error:
        run_candidate(candidate, {"input": normal(1, 3, 10)})
    assert error.value.code == "PG204"


def test_programs_are_converted_for_one_row_whatever_their_batch_size(tmp_path: Path):
    torch.manual_seed(0)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(convolutional().eval(), (torch.zeros(4, 1, 8, 8),), dynamic_shapes=({0: batch},))
    model = exported.load(program, LoadOptions())
    candidate = to_coreml.convert(model, tmp_path / "m.mlpackage", RouteOptions(class_labels=tuple(range(10))))
    x = normal(3, 1, 8, 8)
    wanted = model.run({"input": x})["output"]
    engine = coreml.load(candidate.path, LoadOptions())
    for row, value in enumerate(wanted):
        outputs = engine.run({"input": x[row : row + 1]})
        np.testing.assert_allclose(outputs["output/values"].ravel(), value, **CLOSE)
        assert outputs["classLabel"].ravel()[0] == value.argmax()


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > 0):
            y = self.up(x)
        else:
            y = self.down(x)
        return y


@pytest.mark.parametrize("scripted", [True, False])
def test_branches_on_data_are_kept(scripted: bool, tmp_path: Path):
    torch.manual_seed(0)
    example = {"x": normal(1, 4)}
    network = Branches().eval()
    options = LoadOptions(example=example)
    model = torchscript.load(torch.jit.script(network), options) if scripted else module.load(network, options)
    feeds = [{"x": sign * np.abs(normal(1, 4))} for sign in (1, -1)]
    check(model, tmp_path / "model.mlpackage", *feeds)


# --- precision


class Normalised(nn.Module):
    """Intermediate squares beyond float16's largest number; the results are around 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = torch.relu(x) * 400.0
        return wide / torch.sqrt((wide * wide).sum(-1, keepdim=True) + 1e-3)


def test_mixed_precision_keeps_what_float16_loses(tmp_path: Path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), Normalised(), nn.Linear(8, 3), nn.Softmax(-1))
    feed = {"input": normal(1, 6)}
    model = loaded(network, {"input": normal(2, 6)})
    save_samples(Samples((Sample("x", feed, "normal", 1),), "test", 0), JobFolder(tmp_path).samples)
    save_outputs([model.run(feed)], JobFolder(tmp_path).expected)
    with pytest.raises(AssertionError):
        check(model, tmp_path / "half.mlpackage", feed, options=RouteOptions(precision=FP16), tolerance=HALF)
    options = RouteOptions(precision=MIXED, evidence=JobFolder(tmp_path))
    candidate = check(model, tmp_path / "mixed.mlpackage", feed, options=options, tolerance=HALF)
    note = next(note for note in candidate.notes if note.startswith("mixed precision"))
    assert "reduce_sum" in note
    assert "linear" not in note


# --- what must fail


class Counting(nn.Module):
    """Keeps a count in a buffer, which coremltools would turn into a float16 state."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return x + self.count


class Unknown(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.linalg.det(x)


@pytest.mark.parametrize(("network", "shape", "says"), [(Counting(), (2, 3), "count"), (Unknown(), (2, 3, 3), "det")])
def test_what_core_ml_lacks_is_named(network: nn.Module, shape: tuple[int, ...], says: str, tmp_path: Path):
    model = loaded(network, {"x": normal(*shape)})
    with pytest.raises(ParityGateError, match=says) as error:
        to_coreml.convert(model, tmp_path / "model.mlpackage", RouteOptions())
    assert error.value.code in {"PG404", "PG405"}


def test_operator_that_needs_a_newer_target_raises_it_unless_the_user_set_one(tmp_path: Path):
    model = loaded(nn.PixelUnshuffle(2), {"input": normal(2, 1, 4, 4)})
    candidate = check(model, tmp_path / "m.mlpackage", {"input": normal(1, 1, 4, 4)})
    assert coreml.load(candidate.path, LoadOptions()).native.spec.specificationVersion >= 7
    with pytest.raises(ParityGateError) as error:
        to_coreml.convert(model, tmp_path / "n.mlpackage", RouteOptions(deployment_target="iOS15"))
    assert error.value.code == "PG408"


def test_silero_vad_goes_through_onnx(tmp_path: Path):
    """TorchScript with branches, a number among its inputs, and a state that starts as empty tensors."""
    output = tmp_path / "silero.mlpackage"
    done = convert(SILERO, output, inputs=["x:float32:1,512", "sr:int64:"])
    assert done.report.passed, str(done)
    assert output.exists()
    assert "route coremltools was rejected: sr" in str(done)


def test_the_registry_is_as_before(tmp_path: Path):
    from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY

    before = dict(_TORCH_OPS_REGISTRY.name_to_func_mapping)
    to_coreml.convert(loaded(nn.ReLU(), {"input": normal(2, 3)}), tmp_path / "m.mlpackage", RouteOptions())
    assert before == _TORCH_OPS_REGISTRY.name_to_func_mapping
    assert "new_ones" not in before
