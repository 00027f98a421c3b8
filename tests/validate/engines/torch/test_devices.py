"""TorchScript and programs that were saved on a GPU run on the CPU.

A file as a GPU would have written it is made of one from the CPU: the same code, with the GPU in the place of the CPU.
The right outputs are those of the module that was saved.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fixtures.torch_modules import F32, example
from paritygate.convert.routes.base import RouteOptions
from paritygate.convert.routes.torch import torchscript_to_onnx
from paritygate.validate.engines import onnxruntime
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import exported, torchscript

pytestmark = pytest.mark.xdist_group("torch")


@torch.jit.script
def count(x: torch.Tensor) -> torch.Tensor:
    return torch.arange(x.size(1), device=torch.device("cpu"))


class Scripted(nn.Module):
    """A device in a function, an attribute, a text, a constant and a method; a branch for the GPU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.device, self.where = nn.Linear(4, 3), torch.device("cpu"), "cpu"
        self.shift = torch.arange(3.0)

    def forward(self, x: torch.Tensor) -> Any:
        if not x.is_cuda:
            x = x.cpu()
        bias = torch.ones(1, 3, device=self.device) + torch.ones([3], device="cpu").to(self.where)
        return self.linear(x.to("cpu")) + bias + count(x)[:3] + self.shift


class Traced(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> Any:
        x = x.to(torch.device("cpu"))
        return self.linear(x) + torch.zeros(x.shape[0], 3, device=x.device) + torch.tensor([1.0, 2.0, 3.0])


def as_from_a_gpu(path: Path, device: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    place = b"X" + len(device).to_bytes(4, "little") + device
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if name.endswith(".py"):
                content = content.replace(b'torch.device("cpu")', b'torch.device("%s")' % device)
                content = content.replace(b"torch.cpu(", b"torch.cuda(")
            elif name.endswith(".json"):
                content = content.replace(b'"type": "cpu", "index": null', b'"type": "%s", "index": 0' % device)
            elif name.endswith(".pkl"):
                content = content.replace(b"X\x03\x00\x00\x00cpu", place)
            archive.writestr(name, content)


MODULES = {
    "scripted": lambda: torch.jit.script(Scripted().eval()),
    "traced": lambda: torch.jit.trace(Traced().eval(), torch.ones(2, 4), check_trace=False),
}


@pytest.mark.parametrize("device", [b"cuda:0", b"cuda:1", b"mps"])
@pytest.mark.parametrize("name", MODULES)
def test_runs_and_converts_on_the_cpu(name: str, device: bytes, tmp_path: Path) -> None:
    module, path, x = MODULES[name](), tmp_path / "gpu.pt", np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    torch.jit.save(module, path)
    as_from_a_gpu(path, device)
    model = torchscript.load(path, example(x=x))
    expected = module(torch.tensor(x)).detach().numpy()
    np.testing.assert_array_equal(model.run({"x": x})["output"], expected)
    assert any(device.decode() in note and "runs on the CPU" in note for note in model.notes)
    torchscript_to_onnx.convert(model, tmp_path / "m.onnx", RouteOptions())
    actual = onnxruntime.load(tmp_path / "m.onnx", LoadOptions()).run({"x": x})["output"]
    np.testing.assert_allclose(actual, expected, **F32)


def test_program_runs_on_the_cpu(tmp_path: Path) -> None:
    module, path, x = Traced().eval(), tmp_path / "gpu.pt2", np.ones((2, 4), np.float32)
    torch.export.save(torch.export.export(module, (torch.ones(2, 4),)), path)
    as_from_a_gpu(path, b"cuda")
    model = exported.load(path, LoadOptions())
    np.testing.assert_allclose(model.run({"x": x})["output"], module(torch.tensor(x)).detach().numpy(), **F32)
    assert "it was saved for cuda, and runs on the CPU here" in model.notes


def test_file_from_the_cpu_is_read_as_it_is(tmp_path: Path) -> None:
    torch.jit.save(MODULES["traced"](), tmp_path / "cpu.pt")
    assert not any("CPU" in note for note in torchscript.load(tmp_path / "cpu.pt", example(x=np.ones((2, 4)))).notes)


def test_files_of_this_kind_fail_without_it(tmp_path: Path) -> None:
    """Otherwise the tests above would prove nothing."""
    torch.jit.save(MODULES["traced"](), tmp_path / "gpu.pt")
    as_from_a_gpu(tmp_path / "gpu.pt", b"cuda:0")
    with pytest.raises((RuntimeError, NotImplementedError)):
        torch.jit.load(tmp_path / "gpu.pt", map_location="cpu")(torch.ones(2, 4))
