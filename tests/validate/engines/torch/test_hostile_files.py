"""Hostile PyTorch files are refused before anything in them runs; damaged ones are said to be so."""

from __future__ import annotations

import io
import random
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fixtures.hostile.payloads import touch
from fixtures.hostile.torch_files import Writer, hostile_torch_files
from paritygate.validate.detect import detect
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.torch import exported, module, torchscript
from paritygate.validate.engines.torch.checkpoints.read import read_checkpoint
from paritygate.validate.engines.torch.files.names import MODULES, TENSORS
from paritygate.validate.engines.torch.files.pickles import load as load_saved
from paritygate.validate.errors import ParityGateError

ENGINES = {"torch_export": exported.load, "torch_module": module.load, "torchscript": torchscript.load}
CATALOGUE = dict(hostile_torch_files())
DAMAGE = {"zip_then_zip.pt", "data_before_zip.pt", "renamed_member.pt", "legacy_version_is_hostile.pt"}
"""Files that PyTorch can't read either: status 4 is enough."""
OPTIONS = LoadOptions(example={"input": np.zeros((2, 4), np.float32)})


def load(path: Path) -> Any:
    """What the command line does: recognise the format, then load."""
    return ENGINES[detect(path).name](path, OPTIONS)


def refusal(path: Path) -> ParityGateError:
    with pytest.raises(ParityGateError) as caught:
        load(path)
    return caught.value


@pytest.mark.parametrize(("name", "write"), CATALOGUE.items(), ids=CATALOGUE.keys())
def test_hostile_files_are_refused(name: str, write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, mark = tmp_path / name, tmp_path / "mark"
    write(path, mark)
    before = sorted(tmp_path.iterdir())
    assert refusal(path).code == ("PG402" if name in DAMAGE else "PG501")
    assert sorted(tmp_path.iterdir()) == before


MODULE_FILES = {name: write for name, write in CATALOGUE.items() if not name.endswith(".pt2")}


@pytest.mark.parametrize(("name", "write"), MODULE_FILES.items(), ids=MODULE_FILES.keys())
def test_hostile_weights_are_refused(name: str, write: Writer, tmp_path: Path) -> None:
    path, mark = tmp_path / name, tmp_path / "mark"
    write(path, mark)
    with path.open("rb") as file, pytest.raises(ParityGateError) as caught:
        load_saved(path, file, TENSORS)
    assert caught.value.code in ("PG501", "PG402")
    with pytest.raises(ParityGateError) as caught:
        read_checkpoint(path)
    assert caught.value.code in ("PG501", "PG402")
    assert not mark.exists()


def test_trust_runs_it(tmp_path: Path) -> None:
    """The same file with --trust: the mark shows that the tests above would notice."""
    path, mark = tmp_path / "model.pt", tmp_path / "mark"
    torch.save(touch(mark), path)
    assert refusal(path).code == "PG501"
    assert not mark.exists()
    with pytest.raises(ParityGateError, match="PG402"):
        module.load(path, LoadOptions(trust=True))
    assert mark.exists()


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.linear(input).relu()


LAYERS = {
    "linear": lambda: torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.GELU(), torch.nn.LayerNorm(3)),
    "functions": lambda: torch.nn.TransformerEncoderLayer(4, 2, 8, activation=torch.nn.functional.gelu),
    "native function": lambda: torch.nn.TransformerEncoderLayer(4, 2, 8, activation=torch.relu),
    "recurrent": lambda: torch.nn.LSTM(4, 3, batch_first=True),
    "images": lambda: torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.MaxPool2d(2)),
    "attention": lambda: torch.nn.MultiheadAttention(4, 2),
    "embedding": lambda: torch.nn.ModuleDict({"a": torch.nn.Embedding(5, 3), "b": torch.nn.EmbeddingBag(5, 3)}),
    "weight norm": lambda: torch.nn.utils.weight_norm(torch.nn.Linear(4, 3)),
    "spectral norm": lambda: torch.nn.utils.spectral_norm(torch.nn.Linear(4, 3)),
    "half": lambda: torch.nn.Linear(4, 3).half(),
    "parameters": lambda: torch.nn.ParameterList([torch.nn.Parameter(torch.ones(2))]),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_modules_of_torchs_own_layers_load(name: str, zipped: bool, tmp_path: Path) -> None:
    original = LAYERS[name]().eval()
    path = tmp_path / "a model (1).pt"
    torch.save(original, path, _use_new_zipfile_serialization=zipped)
    assert detect(path).name == "torch_module"
    with path.open("rb") as file:
        back = load_saved(path, file, MODULES)
    assert [*back.state_dict()] == [*original.state_dict()]
    assert all(torch.equal(back.state_dict()[key], value) for key, value in original.state_dict().items())


CHECKPOINTS = {
    "state": lambda: Net().state_dict(),
    "wrapped": lambda: {"state_dict": Net().state_dict(), "epoch": 3, "loss": np.float64(0.5)},
    "sparse": lambda: {"a": torch.eye(3).to_sparse(), "b": torch.ones(2, dtype=torch.bfloat16)},
    "optimizer": lambda: torch.optim.Adam(Net().parameters()).state_dict(),
    "options": lambda: {"args": __import__("argparse").Namespace(lr=0.1, out=Path("x")), "a": np.arange(3)},
    "quantised": lambda: {"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)},
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_load(name: str, protocol: int, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(CHECKPOINTS[name](), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    with path.open("rb") as file:
        assert isinstance(load_saved(path, file, TENSORS), dict)
    with pytest.raises(ParityGateError, match="only weights"):
        detect(path)


def _exported() -> bytes:
    out = io.BytesIO()
    batch = torch.export.Dim("batch", min=2, max=64)
    torch.export.save(torch.export.export(Net(), (torch.ones(3, 4),), dynamic_shapes=({0: batch},)), out)
    return out.getvalue()


def _scripted() -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Net().eval()), out)
    return out.getvalue()


def _saved(zipped: bool) -> bytes:
    out = io.BytesIO()
    torch.save(torch.nn.Linear(4, 3), out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


SOUND = {
    "a.pt2": _exported, "b.pt": lambda: _saved(True), "c.pth": lambda: _saved(False), "d.ts": _scripted,
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_load(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(SOUND[name]())
    assert load(path).signature.outputs


def test_programs_with_checks_of_their_inputs_load(tmp_path: Path) -> None:
    """Their texts are executed by PyTorch; those that it writes must pass."""

    class Sizes(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor, scale: float) -> torch.Tensor:
            return torch.cat([x, y]).reshape(-1, x.shape[1] // 2) * scale

    length, width = torch.export.Dim("length", min=3, max=40), torch.export.Dim("width", min=2, max=20)
    shapes = ({0: length, 1: 2 * width}, {0: 2 * length, 1: 2 * width}, None)
    path = tmp_path / "sizes.pt2"
    program = torch.export.export(Sizes(), (torch.ones(4, 6), torch.ones(8, 6), 2.0), dynamic_shapes=shapes)
    torch.export.save(program, path)
    assert exported.load(path, LoadOptions()).signature.outputs


@pytest.mark.parametrize("name", SOUND)
def test_a_truncated_file_is_said_to_be_damaged(name: str, tmp_path: Path) -> None:
    content, path = SOUND[name](), tmp_path / name
    for kept in (20, len(content) // 3, len(content) // 2, len(content) - 3):
        path.write_bytes(content[:kept])
        assert refusal(path).code in ("PG402", "PG501" if name == "c.pth" else "PG402"), kept


@pytest.mark.parametrize("name", SOUND)
def test_a_flipped_byte_is_an_error_or_loads(name: str, tmp_path: Path) -> None:
    content, path, chance, codes = SOUND[name](), tmp_path / name, random.Random(5), set()
    for _ in range(60):
        damaged = bytearray(content)
        damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            load(path)
        except ParityGateError as error:
            codes.add(error.code)
    assert codes <= {"PG401", "PG402", "PG404", "PG406", "PG501", "PG206"}
    assert "PG402" in codes


def test_members_may_be_compressed_but_not_without_bound(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(io.BytesIO(_saved(True))) as source:
        members = [(entry.filename, source.read(entry)) for entry in source.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    assert load(path).signature.outputs
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{members[0][0].partition('/')[0]}/data/99", bytes(1 << 29))
    assert "unpack" in refusal(path).cause
