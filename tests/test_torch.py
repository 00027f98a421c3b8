"""PyTorch sources: formats told apart, code refused, signatures, and conversions that keep names, axes and branches."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import silero_vad
import torch
from sklearn.datasets import load_digits
from torch import nn

from paritygate.convert import convert
from paritygate.convert.routes.base import Candidate, ConvertOptions
from paritygate.convert.routes.onnx.opset import opset_of
from paritygate.convert.routes.torch import to_onnx as torch_to_onnx
from paritygate.convert.routes.torch import torchscript_to_onnx
from paritygate.convert.routes.torch.dynamo import save_graph
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import exported as torch_export
from paritygate.validate.engines.torch import module as torch_module
from paritygate.validate.engines.torch import torchscript
from paritygate.validate.engines.torch.sniff import sniff
from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import generate_samples
from paritygate.validate.signature import TensorSpec

pytestmark = pytest.mark.xdist_group("torch")

F32 = {"rtol": 1e-4, "atol": 1e-5}
"""Two float32 engines that sum in different orders differ by some units of the last place of the greatest summand."""

SILERO = Path(silero_vad.__file__).parent / "data" / "silero_vad.jit"


class Digits(nn.Module):
    """A small CNN for scikit-learn's 8x8 digits, with what changes between training and evaluation."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10))

    def forward(self, image):
        return self.head(self.features(image))


@dataclass(frozen=True)
class Trained:
    module: Digits
    images: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="module")
def digits() -> Trained:
    """A few steps on the real digits, so that running statistics and weights aren't those of a fresh module."""
    torch.manual_seed(0)
    data = load_digits()
    images, labels = (data.images[:, None] / 16).astype(np.float32), data.target
    module = Digits()
    optimiser = torch.optim.Adam(module.parameters(), 0.01)
    for start in range(0, 1500, 50):
        batch = slice(start, start + 50)
        loss = nn.functional.cross_entropy(module(torch.tensor(images[batch])), torch.tensor(labels[batch]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Trained(module.eval(), images, labels)


def image_options(**changes) -> LoadOptions:
    return LoadOptions(example={"image": np.zeros((1, 1, 8, 8), np.float32)}, **changes)


def example(**arrays) -> LoadOptions:
    return LoadOptions(example=arrays)


class Converted:
    """A source and its candidate, loaded from the file that was written."""

    def __init__(self, model, path: Path, opset: int | None = None):
        self.model = model
        route = torchscript_to_onnx if isinstance(model, torchscript.ScriptModel) else torch_to_onnx
        self.candidate: Candidate = route.convert(model, path, ConvertOptions(opset))
        self.engine = onnxruntime.load(path, LoadOptions())

    def agrees_on(self, feed, **tolerance) -> dict[str, np.ndarray]:
        expected = self.model.run(feed)
        inputs = {name: feed[source] for name, source in self.candidate.inputs.items()}
        actual = self.engine.run(inputs)
        assert set(self.candidate.outputs) == set(actual)
        for name, source in self.candidate.outputs.items():
            assert actual[name].dtype == expected[source].dtype
            np.testing.assert_allclose(actual[name], expected[source], **(tolerance or F32))
        return expected

    def agrees_on_generated(self) -> None:
        for feed in generate_samples(self.model.signature, self.model.hints()).feeds:
            largest = max((np.abs(each).max() for each in feed.values() if each.dtype.kind == "f"), default=1)
            self.agrees_on(feed, rtol=1e-4, atol=1e-5 * max(1, largest))

    def dims(self) -> dict[str, tuple]:
        return {spec.name: spec.shape for spec in self.engine.signature.inputs}


def shapes(model) -> dict[str, tuple]:
    return {spec.name: spec.shape for spec in (*model.signature.inputs, *model.signature.outputs)}


# ---------------------------------------------------------------- formats


def write_program(path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.ones(2, 3),)), path)


FILES = {
    "program": (write_program, "torch_export"),
    "scripted": (lambda path: torch.jit.save(torch.jit.script(nn.Linear(3, 2)), str(path)), "torchscript"),
    "module": (lambda path: torch.save(nn.Linear(3, 2), path), "torch_module"),
    "old module": (
        lambda path: torch.save(nn.Linear(3, 2), path, _use_new_zipfile_serialization=False),
        "torch_module",
    ),
    "state dict": (lambda path: torch.save(nn.Linear(3, 2).state_dict(), path), "PG402"),
    "old state dict": (
        lambda path: torch.save(nn.Linear(3, 2).state_dict(), path, _use_new_zipfile_serialization=False),
        "PG402",
    ),
    "checkpoint": (lambda path: torch.save({"epoch": 3, "model": nn.Linear(3, 2).state_dict()}, path), "PG402"),
    "other zip": (lambda path: zipfile.ZipFile(path, "w").writestr("readme.txt", "hello"), "PG401"),
    "other bytes": (lambda path: path.write_bytes(b"nothing of the kind"), "PG401"),
}


@pytest.mark.parametrize("name", FILES)
def test_file_formats_are_told_apart(name, tmp_path):
    write, expected = FILES[name]
    path = tmp_path / "file.pt"
    write(path)
    if not expected.startswith("PG"):
        assert sniff(path) == expected
        return
    with pytest.raises(ParityGateError, match=expected) as caught:
        sniff(path)
    assert ("--weights" in caught.value.remedy) == (expected == "PG402")


def test_sniffing_does_not_import_torch(tmp_path):
    torch.save(nn.Linear(3, 2), tmp_path / "m.pt")
    code = (
        "import sys; from pathlib import Path; from paritygate.validate.engines.torch.sniff import sniff; "
        f"print(sniff(Path({str(tmp_path / 'm.pt')!r})), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["torch_module", "False"]


# ---------------------------------------------------------------- code in files


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_pickled_module_of_own_class_is_refused_unless_trusted(digits, tmp_path):
    path = tmp_path / "digits.pt"
    torch.save(digits.module, path)
    with pytest.raises(ParityGateError) as caught:
        torch_module.load(path, image_options())
    assert caught.value.code == "PG501"
    assert "Digits" in caught.value.cause
    model = torch_module.load(path, image_options(trust=True))
    assert shapes(model) == {"image": ("batch", 1, 8, 8), "output": ("batch", 10)}


def test_pickled_module_of_torchs_own_layers_needs_no_trust(tmp_path):
    module = nn.Sequential(nn.Linear(4, 6), nn.TransformerEncoderLayer(6, 2, batch_first=True), nn.GELU())
    torch.save(module, tmp_path / "m.pt")
    model = torch_module.load(tmp_path / "m.pt", example(input=np.ones((2, 3, 4), np.float32)))
    assert model.facts().parameters == sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize("old", [False, True])
def test_bomb_in_a_module_is_neither_sniffed_nor_loaded_off(old, tmp_path):
    module = nn.Linear(2, 2)
    module.extra = Bomb(tmp_path / "mark")
    torch.save(module, tmp_path / "m.pt", _use_new_zipfile_serialization=not old)
    assert sniff(tmp_path / "m.pt") == "torch_module"
    with pytest.raises(ParityGateError, match="PG501"):
        torch_module.load(tmp_path / "m.pt", example(input=np.ones((2, 2), np.float32)))
    assert not (tmp_path / "mark").exists()


def dynamic_program():
    class Double(nn.Module):
        def forward(self, x):
            return x.reshape(-1, 2) * 2

    return torch.export.export(Double(), (torch.ones(3, 2),), dynamic_shapes={"x": {0: torch.export.Dim("b")}})


def rewritten(path: Path, member: str, change) -> None:
    """Replace one member of a zip file by what ``change`` makes of its bytes."""
    with zipfile.ZipFile(path) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    name = next(each for each in content if each.endswith(member))
    content[name] = change(content[name])
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in content.items():
            archive.writestr(each, data)


def with_expression(mark: Path):
    def change(content: bytes) -> bytes:
        def walk(node):
            if isinstance(node, dict):
                if "expr_str" in node:
                    node["expr_str"] = f"__import__('os').mkdir({str(mark)!r})"
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)

        document = json.loads(content)
        walk(document)
        return json.dumps(document).encode()

    return change


def with_pickle(mark: Path):
    def change(content: bytes) -> bytes:
        buffer = io.BytesIO()
        torch.save((((Bomb(mark),), {})), buffer)
        return buffer.getvalue()

    return change


def with_target(mark: Path):
    return lambda content: content.replace(b"torch.ops.aten.mul.Tensor", b"torch.ops.load_library")


@pytest.mark.parametrize(
    ("member", "attack"),
    [("model.json", with_expression), ("sample_inputs/model.pt", with_pickle), ("model.json", with_target)],
)
def test_program_that_brings_code_along_is_refused(member, attack, tmp_path):
    """torch.export.load evaluates expressions, unpickles sample inputs and looks operators up by name."""
    path = tmp_path / "p.pt2"
    torch.export.save(dynamic_program(), path)
    assert torch_export.load(path, LoadOptions()).signature.inputs[0].shape == ("batch", 2)
    rewritten(path, member, attack(tmp_path / "mark"))
    with pytest.raises(ParityGateError, match="PG501"):
        torch_export.load(path, LoadOptions())
    assert not (tmp_path / "mark").exists()


# ---------------------------------------------------------------- module:factory

FACTORY = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.second(self.first(x).relu())

def make():
    return Net()

def broken():
    raise RuntimeError("no such checkpoint")
"""


@pytest.fixture
def factory(tmp_path) -> str:
    (tmp_path / "my_net.py").write_text(FACTORY)
    return f"{tmp_path / 'my_net.py'}"


X = example(x=np.ones((2, 4), np.float32))


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    first, second = nn.Linear(4, 5).state_dict(), nn.Linear(5, 2).state_dict()
    return {f"first.{key}": value for key, value in first.items()} | {f"second.{k}": v for k, v in second.items()}


def test_factory_with_weights(factory, tmp_path):
    weights = state()
    torch.save(weights, tmp_path / "w.pt")
    model = torch_module.load(f"{factory}:make", LoadOptions(example=X.example, weights=tmp_path / "w.pt"))
    x = np.ones((3, 4), np.float32)
    hidden = np.maximum(x @ weights["first.weight"].numpy().T + weights["first.bias"].numpy(), 0)
    expected = hidden @ weights["second.weight"].numpy().T + weights["second.bias"].numpy()
    np.testing.assert_allclose(model.run({"x": x})["output"], expected, **F32)


WRONG_WEIGHTS = {
    "missing": ({"first.weight": None}, "missing: first.weight"),
    "unexpected": ({"third.bias": torch.ones(1)}, "unexpected: third.bias"),
    "shape": ({"first.bias": torch.ones(7)}, "different shape: first.bias"),
}


@pytest.mark.parametrize("name", WRONG_WEIGHTS)
def test_weights_that_do_not_fit_are_listed(name, factory, tmp_path):
    change, expected = WRONG_WEIGHTS[name]
    weights = {key: value for key, value in (state() | change).items() if value is not None}
    torch.save(weights, tmp_path / "w.pt")
    with pytest.raises(ParityGateError) as caught:
        torch_module.load(f"{factory}:make", LoadOptions(example=X.example, weights=tmp_path / "w.pt"))
    assert caught.value.code == "PG402"
    assert expected in caught.value.cause


def test_weights_with_code_are_refused(factory, tmp_path):
    torch.save({"first.weight": Bomb(tmp_path / "mark")}, tmp_path / "w.pt")
    with pytest.raises(ParityGateError, match="PG501"):
        torch_module.load(f"{factory}:make", LoadOptions(example=X.example, weights=tmp_path / "w.pt"))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("nothing", "make"), ("broken", "no such checkpoint"), ("nn.Linear", "Linear")]
)
def test_factory_that_fails(name, said, factory):
    with pytest.raises(ParityGateError) as caught:
        torch_module.load(f"{factory}:{name}", X)
    assert caught.value.code == "PG402"
    assert said in str(caught.value)


# ---------------------------------------------------------------- inputs


@pytest.mark.parametrize("scripted", [False, True])
def test_undeclared_inputs_name_forwards_arguments(scripted):
    class Pair(nn.Module):
        def forward(self, left: torch.Tensor, right: torch.Tensor):
            return left + right

    source, engine = (torch.jit.script(Pair()), torchscript) if scripted else (Pair(), torch_module)
    with pytest.raises(ParityGateError) as caught:
        engine.load(source, LoadOptions())
    assert caught.value.code == "PG206"
    assert "left" in caught.value.cause
    assert "right" in caught.value.cause
    assert "--input left:float32" in caught.value.remedy


def test_input_that_forward_does_not_have_is_named():
    with pytest.raises(ParityGateError, match=r"PG206.*picture"):
        torch_module.load(nn.Linear(2, 2), example(picture=np.ones((1, 2), np.float32)))


def test_declared_inputs_find_sizes_that_the_module_takes():
    """Poolings need room: the first lengths to try are too short for this one."""
    deep = nn.Sequential(nn.MaxPool2d(32), nn.Flatten(2), nn.AdaptiveAvgPool1d(1))
    specs = (TensorSpec("input", "float32", ("n", 3, "height", "width")),)
    model = torch_module.load(deep, LoadOptions(inputs=specs))
    assert shapes(model)["input"] == ("n", 3, "height", "width")


def test_samples_without_names_bind_in_order():
    model = torch_module.load(nn.Linear(3, 2), example(input_0=np.ones((2, 3))))
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
    for model in (torch_module.load(Text(), options), torchscript.load(torch.jit.script(Text()), options)):
        assert {hint.name: (hint.low, hint.high) for hint in model.hints()} == {"tokens": (0, 16), "kinds": (0, 2)}


# ---------------------------------------------------------------- training mode, untouched reference


def test_module_in_training_mode_is_run_in_evaluation_mode_and_left_alone(digits, tmp_path):
    module = Digits()
    module.load_state_dict(digits.module.state_dict())
    module.train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    converted = Converted(torch_module.load(module, image_options()), tmp_path / "m.onnx")
    feed = {"image": digits.images[:40]}
    expected = converted.agrees_on(feed)["output"]
    with torch.no_grad():
        np.testing.assert_array_equal(expected, digits.module(torch.tensor(feed["image"])).numpy())
    assert any("training mode" in note for note in converted.model.notes)
    assert converted.model.native is module
    assert all(each.training for each in module.modules())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_module_that_works_in_place_does_not_change_the_samples():
    class InPlace(nn.Module):
        def forward(self, x):
            return x.add_(1)

    model = torch_module.load(InPlace(), example(x=np.zeros((2, 3), np.float32)))
    feed = {"x": np.zeros((2, 3), np.float32)}
    assert model.run(feed)["output"].sum() == 6
    assert feed["x"].sum() == 0


# ---------------------------------------------------------------- conversions


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


OPSETS = [9, 13, 18, 21, 25, 26]


@pytest.mark.parametrize("opset", OPSETS)
def test_opset_that_was_asked_for_is_written(opset, digits, tmp_path):
    converted = Converted(torch_module.load(digits.module, image_options()), tmp_path / "m.onnx", opset)
    assert opset_of(onnx.load(tmp_path / "m.onnx")) == opset
    converted.agrees_on({"image": digits.images[:20]})
    onnx.checker.check_model(str(tmp_path / "m.onnx"), full_check=True)


def test_opset_that_nothing_writes_is_refused(digits, tmp_path):
    with pytest.raises(ParityGateError, match="PG408"):
        Converted(torch_module.load(digits.module, image_options()), tmp_path / "m.onnx", 8)


def test_batch_is_dynamic_by_default_and_proved_so(digits, tmp_path):
    converted = Converted(torch_module.load(digits.module, image_options()), tmp_path / "m.onnx")
    assert converted.dims() == {"image": ("batch", 1, 8, 8)}
    for rows in (1, 2, 5):
        assert converted.agrees_on({"image": digits.images[:rows]})["output"].shape == (rows, 10)


class PaddedPool(nn.Module):
    """Zeros around negative values: a pool that pads with minus infinity gives negative numbers at the border."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool2d(nn.functional.pad(-torch.exp(self.conv(x)), (1, 1, 1, 1)), 3, 2)


@pytest.mark.parametrize("scripted", [False, True])
def test_zeros_around_a_pool_stay_zeros(scripted, tmp_path):
    """ONNX Runtime 1.31 moves the padding into the pool unless something keeps it from doing so."""
    module, options = PaddedPool().eval(), example(x=np.ones((2, 3, 8, 8), np.float32))
    model = torchscript.load(torch.jit.script(module), options) if scripted else torch_module.load(module, options)
    expected = Converted(model, tmp_path / "m.onnx").agrees_on({"x": np.ones((2, 3, 8, 8), np.float32)})
    assert expected["output"].max() == 0


def test_traced_file_agrees(digits, tmp_path):
    torch.jit.save(torch.jit.trace(digits.module, torch.ones(2, 1, 8, 8)), str(tmp_path / "t.pt"))
    converted = Converted(torchscript.load(tmp_path / "t.pt", image_options()), tmp_path / "m.onnx")
    assert converted.dims() == {"image": ("batch", 1, 8, 8)}
    converted.agrees_on({"image": digits.images[:7]})


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


POSITIVE, NEGATIVE = np.full((3, 4), 9, np.float32), np.full((3, 4), -9, np.float32)


@pytest.mark.parametrize("kind", ["scripted file", "module"])
def test_both_branches_survive(kind, tmp_path):
    """A module with branches can't be exported, so it is scripted; the branches' shapes differ, which the
    TorchScript exporter by itself overlooks.
    """
    options = example(x=POSITIVE)
    if kind == "module":
        model = torch_module.load(Branches(), options)
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
        Converted(torch_module.load(Hidden(), example(x=POSITIVE)), tmp_path / "m.onnx")
    assert caught.value.code == "PG405"
    assert "test_torch.py" in caught.value.subject
    assert "torch.where" in caught.value.remedy


class FixesSize(nn.Module):
    """Pitfall P16: exporters write a fixed size here, and none of them says so."""

    def forward(self, x):
        rows = int(x.shape[0])
        return x.reshape(rows, -1) + torch.ones(rows, 1)


def test_size_fixed_by_the_code_makes_the_signature_fixed_and_is_said(tmp_path):
    converted = Converted(torch_module.load(FixesSize(), example(x=POSITIVE)), tmp_path / "m.onnx")
    assert shapes(converted.model) == {"x": (3, 4), "output": (3, 4)}
    assert converted.dims() == {"x": (3, 4)}
    assert any("axis 0 of 'x'" in note for note in converted.model.notes)
    converted.agrees_on({"x": NEGATIVE})


def test_size_fixed_by_the_code_stays_dynamic_when_asked_for(tmp_path):
    """torch.export can't, but TorchScript keeps the conversion to a number."""
    options = LoadOptions(example={"x": POSITIVE}, dynamic=(("x", 0),))
    converted = Converted(torch_module.load(FixesSize(), options), tmp_path / "m.onnx")
    assert converted.dims() == {"x": ("batch", 4)}
    for rows in (1, 2, 3):
        converted.agrees_on({"x": POSITIVE[:rows]})


def test_declaration_that_contradicts_the_sample_is_an_error():
    options = LoadOptions(
        example={"input": np.ones((2, 3), np.float32)}, inputs=(TensorSpec("input", "float32", ("n", 1, 3)),)
    )
    with pytest.raises(ParityGateError, match="PG201"):
        torch_module.load(nn.Linear(3, 2), options)


@pytest.mark.parametrize(("axis", "code"), [(1, "PG405"), (7, "PG201")])
def test_axis_that_can_not_be_dynamic_is_an_error_when_asked_for(axis, code):
    options = LoadOptions(example={"input": np.ones((2, 3), np.float32)}, dynamic=(("input", axis),))
    with pytest.raises(ParityGateError, match=code):
        torch_module.load(nn.Linear(3, 2), options)


def test_program_with_a_fixed_batch_stays_fixed_and_says_why_not(tmp_path):
    write_program(tmp_path / "p.pt2")
    assert shapes(torch_export.load(tmp_path / "p.pt2", LoadOptions())) == {"input": (2, 3), "output": (2, 2)}
    with pytest.raises(ParityGateError, match="PG201"):
        torch_export.load(tmp_path / "p.pt2", LoadOptions(dynamic=(("input", 0),)))


class Nested(nn.Module):
    """Containers in and out, an output that is an input, a weight, another output, or nothing, and an idle input."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(3.0))

    def forward(self, x, extra, *, idle, factor=2.0):
        y = x * factor + extra["shift"][0]
        return {"linear": y, "again": y, "x": x, "nothing": None, "parts": (y.sum(1), [self.weight])}


def test_names_are_kept(tmp_path):
    nested = {"x": torch.ones(2, 3), "extra": {"shift": [torch.ones(2, 3)]}, "idle": torch.ones(2, 1), "factor": 3.0}
    converted = Converted(torch_module.load(Nested(), LoadOptions(example=nested)), tmp_path / "m.onnx")
    assert list(converted.dims()) == ["x", "extra_shift_0", "idle"]
    assert converted.candidate.outputs == {
        "linear": "linear", "again": "again", "x_output": "x", "parts_0": "parts_0", "parts_1_0": "parts_1_0",
    }  # fmt: skip
    feed = {"x": POSITIVE[:, :3], "extra_shift_0": NEGATIVE[:, 1:], "idle": POSITIVE[:, :1]}
    expected = converted.agrees_on(feed)
    np.testing.assert_array_equal(expected["linear"], feed["x"] * 3 + feed["extra_shift_0"])


def test_names_are_kept_by_a_program_file(tmp_path):
    arguments = {"extra": {"shift": [torch.ones(2, 3)]}, "idle": torch.ones(2, 1), "factor": 3.0}
    torch.export.save(torch.export.export(Nested(), (torch.ones(2, 3),), arguments), tmp_path / "n.pt2")
    model = torch_export.load(tmp_path / "n.pt2", LoadOptions())
    assert [spec.name for spec in model.signature.inputs] == ["x", "extra_shift_0", "idle"]
    assert [spec.name for spec in model.signature.outputs] == ["linear", "again", "x", "parts_0", "parts_1_0"]
    feed = {"x": np.ones((2, 3), np.float32), "extra_shift_0": np.ones((2, 3), np.float32)}
    assert model.run(feed | {"idle": np.ones((2, 1), np.float32)})["linear"].sum() == 24


RECURRENT = {
    "LSTM": nn.LSTM(5, 7, 2, batch_first=True),
    "bidirectional GRU": nn.GRU(5, 7, batch_first=True, bidirectional=True),
    "RNN": nn.RNN(5, 7, batch_first=True),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_take_any_length(name, tmp_path):
    torch.manual_seed(0)
    options = LoadOptions(inputs=(TensorSpec("input", "float32", ("batch", "time", 5)),))
    converted = Converted(torch_module.load(RECURRENT[name].eval(), options), tmp_path / "m.onnx")
    assert converted.dims() == {"input": ("batch", "time", 5)}
    for rows, length in ((1, 3), (2, 11)):
        feed = np.random.default_rng(0).standard_normal((rows, length, 5)).astype(np.float32)
        assert converted.agrees_on({"input": feed})["output_0"].shape[:2] == (rows, length)


def test_lstm_of_fixed_length_becomes_one_operator(tmp_path):
    model = torch_module.load(RECURRENT["LSTM"].eval(), example(input=np.ones((2, 6, 5), np.float32)))
    converted = Converted(model, tmp_path / "m.onnx")
    assert converted.engine.facts().operators["LSTM"] == 2  # one a layer
    converted.agrees_on_generated()


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
    assert hints["sr"] == (16000,)  # 8000, which forward compares with too, doesn't go with 512 samples
    silero.agrees_on_generated()


@pytest.mark.parametrize("rows", [1, 3])
def test_state_carries_over_several_steps(rows, silero):
    """The expected values come from the module itself, called step by step as its authors mean it to be."""
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
    assert np.ptp(state["_state"]) > 0.1  # it did carry something


def test_reset_branch_of_the_state_survives(silero):
    """Another rate than before resets the state: the branch whose shapes differ from the other's."""
    sound = np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    fresh = {"_context": np.zeros((1, 64), np.float32), "_state": np.zeros((2, 1, 128), np.float32)}
    stale = {name: array + 1 for name, array in fresh.items()}
    common = {"x": sound, "sr": np.array(16000), "_last_batch_size": np.array(1)}
    reset = silero.agrees_on(common | stale | {"_last_sr": np.array(8000)})
    kept = silero.agrees_on(common | stale | {"_last_sr": np.array(16000)})
    start = silero.agrees_on(common | fresh | {"_last_sr": np.array(16000)})
    np.testing.assert_array_equal(reset["output"], start["output"])
    assert abs(kept["output"] - start["output"]).max() > 1e-3


def test_state_that_only_training_changes_is_no_state():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = 0

        def forward(self, x: torch.Tensor):
            if self.training:
                self.steps = self.steps + 1
            return x * 2

    module = torch.jit.script(Counts())
    assert shapes(torchscript.load(module, example(x=POSITIVE))) == {"x": ("batch", 4), "output": ("batch", 4)}
    assert module.training
    assert module.steps == 0


def test_module_keeps_its_own_state(silero):
    assert silero.model.native._state.shape == (0,)
    assert silero.model.native._last_sr == 0


# ---------------------------------------------------------------- what can't be converted


class Inner(nn.Module):
    def forward(self, x):
        return x.kthvalue(2).values


def test_unsupported_operator_is_named_with_its_place(tmp_path, capfd):
    module = nn.Sequential(nn.Linear(4, 4), Inner())
    with pytest.raises(ParityGateError) as caught:
        Converted(torch_module.load(module, example(input=POSITIVE)), tmp_path / "m.onnx")
    assert (caught.value.code, caught.value.subject) == ("PG404", "aten::kthvalue")
    assert "1 (Inner)" in caught.value.cause
    assert capfd.readouterr() == ("", "")


def test_operator_that_only_the_other_exporter_has(tmp_path):
    class Distances(nn.Module):
        def forward(self, x):
            return torch.cdist(x, torch.arange(12.0).reshape(3, 4))

    converted = Converted(torch_module.load(Distances(), example(x=POSITIVE)), tmp_path / "m.onnx")
    assert converted.candidate.route == "torch.onnx (traced)"
    assert "aten::cdist_forward" in converted.candidate.notes[0]
    converted.agrees_on({"x": np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)})


@pytest.mark.parametrize("value", ["text", 5])
def test_output_that_is_no_tensor_is_named(value):
    class Text(nn.Module):
        def forward(self, x):
            return {"x": x, "thing": value}

    with pytest.raises(ParityGateError, match=r"PG404.*'thing'"):
        torch_module.load(Text(), example(x=POSITIVE))


def test_complex_output_is_refused(tmp_path):
    class Spectrum(nn.Module):
        def forward(self, x):
            return torch.fft.rfft(x)

    with pytest.raises(ParityGateError, match=r"PG404.*complex64"):
        Converted(torch_module.load(Spectrum(), example(x=POSITIVE)), tmp_path / "m.onnx")


def test_old_opset_of_a_module_that_can_not_be_traced_is_refused(tmp_path):
    class Sizes(nn.Module):
        def forward(self, x):
            return x.reshape(torch.sym_int(x.shape[0]) * 2, -1) + torch.tensor(range(x.shape[1] // 2)).sum()

    model = torch_module.load(Sizes(), LoadOptions(example={"x": POSITIVE}))
    assert shapes(model)["x"] == ("batch", 4)
    with pytest.raises(ParityGateError, match=r"PG408.*opset 13"):
        Converted(model, tmp_path / "m.onnx", 13)


def test_large_weights_go_beside_the_file(tmp_path):
    model = torch_module.load(nn.Linear(40, 30), example(input=np.ones((2, 40), np.float32)))
    with torch.no_grad():
        graph = torch.onnx.export(model.captured.program, dynamo=True, verbose=False).model
    save_graph(graph, tmp_path / "m.onnx", inline_limit=1000)
    assert (tmp_path / "m.onnx.data").stat().st_size >= 30 * 40 * 4
    x = np.ones((2, 40), np.float32)
    actual = onnxruntime.load(tmp_path / "m.onnx", LoadOptions()).run({"input": x})
    np.testing.assert_allclose(next(iter(actual.values())), model.run({"input": x})["output"], **F32)


def test_pickle_helper_is_a_bomb(tmp_path):
    """Or the tests above would prove nothing."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()
