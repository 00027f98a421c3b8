"""Weights of both files in a verdict: real conversions are accounted for, a row that no sample feeds is found."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from paritygate.convert import convert
from paritygate.validate import validate
from paritygate.validate.report.render.json import render_report

ROWS = 5000
"""Far more than generated samples feed."""


def embedding(folder: Path) -> Path:
    """Words, a dense layer with its bias, and the sigmoid of one number."""
    torch = pytest.importorskip("torch")

    class Words(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.dense = torch.nn.Embedding(ROWS, 8), torch.nn.Linear(8, 3)

        def forward(self, tokens):
            return torch.sigmoid(self.dense(self.words(tokens).mean(1)))

    torch.manual_seed(0)
    example = (torch.zeros(2, 4, dtype=torch.long),)
    program = torch.export.export(Words().eval(), example, dynamic_shapes=({0: torch.export.Dim("N")},))
    torch.export.save(program, folder / "words.pt2")
    return folder / "words.pt2"


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The program and its ONNX file."""
    folder = tmp_path_factory.mktemp("words")
    source = embedding(folder)
    assert convert(source, folder / "words.onnx").report.passed
    return source, folder / "words.onnx"


def changed(source: Path, path: Path, row: int) -> Path:
    """A copy with one row of the words doubled."""
    model = onnx.load(str(source))
    table = next(tensor for tensor in model.graph.initializer if tensor.dims == [ROWS, 8])
    values = numpy_helper.to_array(table).copy()
    values[row] *= 2
    table.CopyFrom(numpy_helper.from_array(values, table.name))
    onnx.save(model, str(path))
    return path


def test_a_conversion_accounts_for_all_values(converted: tuple[Path, Path]):
    report = validate(*converted)
    assert report.passed
    assert report.weights is not None
    assert report.weights.identical == report.weights.values == ROWS * 8 + 8 * 3 + 3
    assert "weights: 40,027 of 40,027 parameter values accounted for (all identical)" in str(report)


def test_a_row_that_no_sample_feeds_fails(converted: tuple[Path, Path], tmp_path: Path):
    source, right = converted
    samples = tmp_path / "samples.npz"
    np.savez(samples, tokens=np.arange(8).reshape(2, 4))
    report = validate(source, changed(right, tmp_path / "row.onnx", 4321), samples=samples)
    assert all(output.passed for output in report.outputs)
    (finding,) = (finding for finding in report.findings if finding.code == "PG114")
    assert report.exit_code == 1
    assert "the first at [4321, 0]" in finding.message
    assert json.loads(render_report("validate", report))["result"]["weights"]["differences"][0]["places"] == 8


def test_core_ml_holds_the_same_weights(tmp_path: Path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).eval()
    program = torch.export.export(layers, (torch.zeros(1, 6),))
    torch.export.save(program, tmp_path / "net.pt2")
    report = convert(tmp_path / "net.pt2", tmp_path / "Net.mlpackage").report
    assert report.weights is not None
    assert report.weights.identical == report.weights.values == 6 * 5 + 5 + 5 * 2 + 2


@pytest.mark.parametrize(("bounds", "severity"), [({}, "error"), ({"rtol": 0.5, "atol": 0.5}, "warning")])
def test_bounds_of_the_users_own_accept_other_weights(converted, bounds, severity: str, tmp_path: Path):
    """Pruned or trained on: whoever sets bounds knows that the weights differ."""
    source, right = converted
    report = validate(source, changed(right, tmp_path / "row.onnx", 4321), **bounds)
    assert [finding.severity for finding in report.findings if finding.code == "PG114"] == [severity]
    assert report.passed == (severity == "warning")


def test_a_saved_model_without_objects_is_read_from_its_frozen_graph(tmp_path: Path):
    """basic-pitch's, which its package ships; batch normalisation is folded into its convolutions."""
    package = find_spec("basic_pitch")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "saved_models" / "icassp_2022" / "nmp"
    weights = convert(source, tmp_path / "pitch.onnx", policy="table", localise=False).report.weights
    assert weights is not None
    assert weights.accounted == weights.values == 185_112
    assert weights.folded > 10_000
