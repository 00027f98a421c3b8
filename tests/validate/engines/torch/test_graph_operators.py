"""TorchScript's code and a program's operators: what is refused, and what must not be."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from paritygate.validate.engines.torch import exported
from paritygate.validate.engines.torch.graph_operators import check_program, check_script_file
from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import LoadOptions


class Saves(torch.nn.Module):
    """Its names look like operators that are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.save: list[int] = [1]
        self.inner = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 1e9:
            print("getattr of save")
            raise ValueError("don't save from_file")
        return torch.jit.wait(torch.jit.fork(torch.relu, self.inner(x)))


def quantised() -> torch.nn.Module:
    linear = torch.nn.Sequential(torch.nn.Linear(4, 3))
    return torch.ao.quantization.quantize_dynamic(linear, {torch.nn.Linear}, dtype=torch.qint8)


@pytest.mark.parametrize("module", [Saves(), quantised(), torch.nn.LSTM(4, 3), torch.nn.TransformerEncoderLayer(4, 2)])
def test_models_that_only_compute_are_not_refused(module: torch.nn.Module, tmp_path: Path):
    torch.jit.script(module).save(str(tmp_path / "m.pt"))
    check_script_file(tmp_path / "m.pt")


@pytest.mark.parametrize("operator", [torch.ops.aten.from_file.default, torch.ops._c10d_functional.wait_tensor.default])
def test_a_program_that_reads_files_or_calls_processes_is_refused(operator: Any, tmp_path: Path):
    graph = torch.fx.Graph()
    graph.output(graph.call_function(operator, (graph.placeholder("x"),)))
    program = SimpleNamespace(graph_module=torch.fx.GraphModule(torch.nn.Module(), graph))
    with pytest.raises(ParityGateError, match=operator.__name__.partition(".")[0]) as caught:
        check_program(tmp_path / "m.pt2", program)
    assert caught.value.code == "PG501"


def test_a_program_that_computes_is_not_refused(tmp_path: Path):
    program = torch.export.export(torch.nn.Linear(4, 3), (torch.zeros(2, 4),))
    torch.export.save(program, tmp_path / "m.pt2")
    assert exported.load(tmp_path / "m.pt2", LoadOptions()).signature.inputs


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PTMF" * 9, b"junk" + b"PK\x03\x04"])
def test_what_is_no_archive_is_damaged(content: bytes, tmp_path: Path):
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises(ParityGateError) as caught:
        check_script_file(tmp_path / "m.pt")
    assert caught.value.code == "PG402"
