"""PyTorch's file formats are told apart, and files with code in them refused, without running any of it."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fixtures.pickles import Bomb
from fixtures.torch_modules import example, image_options, shapes
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import exported, module
from paritygate.validate.engines.torch.sniff import sniff
from paritygate.validate.errors import ParityGateError

pytestmark = pytest.mark.xdist_group("torch")


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
    "other bytes": (lambda path: path.write_bytes(b"not a model"), "PG401"),
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


def test_pickled_module_of_a_users_class_needs_trust(digits, tmp_path):
    path = tmp_path / "digits.pt"
    torch.save(digits.module, path)
    with pytest.raises(ParityGateError) as caught:
        module.load(path, image_options())
    assert caught.value.code == "PG501"
    assert "Digits" in caught.value.cause
    model = module.load(path, image_options(trust=True))
    assert shapes(model) == {"image": ("batch", 1, 8, 8), "output": ("batch", 10)}


def test_pickled_module_of_torchs_own_layers_needs_no_trust(tmp_path):
    network = nn.Sequential(nn.Linear(4, 6), nn.TransformerEncoderLayer(6, 2, batch_first=True), nn.GELU())
    torch.save(network, tmp_path / "m.pt")
    model = module.load(tmp_path / "m.pt", example(input=np.ones((2, 3, 4), np.float32)))
    assert model.facts().parameters == sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("old", [False, True])
def test_code_in_a_module_runs_neither_when_sniffed_nor_when_loaded(old, tmp_path):
    network = nn.Linear(2, 2)
    network.extra = Bomb(tmp_path / "mark")
    torch.save(network, tmp_path / "m.pt", _use_new_zipfile_serialization=not old)
    assert sniff(tmp_path / "m.pt") == "torch_module"
    with pytest.raises(ParityGateError, match="PG501"):
        module.load(tmp_path / "m.pt", example(input=np.ones((2, 2), np.float32)))
    assert not (tmp_path / "mark").exists()


def dynamic_program():
    class Double(nn.Module):
        def forward(self, x):
            return x.reshape(-1, 2) * 2

    return torch.export.export(Double(), (torch.ones(3, 2),), dynamic_shapes={"x": {0: torch.export.Dim("b")}})


def rewrite_member(path: Path, member: str, change) -> None:
    """Replace the content of one member of a zip file by ``change(content)``."""
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
def test_program_that_contains_code_is_refused(member, attack, tmp_path):
    """torch.export.load evaluates expressions, unpickles sample inputs and looks operators up by name."""
    path = tmp_path / "p.pt2"
    torch.export.save(dynamic_program(), path)
    assert exported.load(path, LoadOptions()).signature.inputs[0].shape == ("batch", 2)
    rewrite_member(path, member, attack(tmp_path / "mark"))
    with pytest.raises(ParityGateError, match="PG501"):
        exported.load(path, LoadOptions())
    assert not (tmp_path / "mark").exists()


def test_pickle_helper_is_a_bomb(tmp_path):
    """Otherwise the tests above would prove nothing."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()
