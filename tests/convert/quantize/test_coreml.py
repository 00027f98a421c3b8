"""Weights of ML Programs in 8 and 4 bits, through coremltools."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

pytest.importorskip("coremltools")

from paritygate.convert import convert
from paritygate.validate.errors import ParityGateError


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("network"), np.random.default_rng(2)
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[4, 64] x) => (float[4, 10] y)'
        "{a = MatMul(x, w) b = Relu(a) y = MatMul(b, v)}"
    )
    for name, shape in (("w", (64, 96)), ("v", (96, 10))):
        array = (rng.normal(size=shape) / 8).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    onnx.save(model, str(folder / "m.onnx"))
    np.savez(folder / "x.npz", x=rng.normal(size=(4, 64)).astype(np.float32))
    return folder / "m.onnx"


@pytest.mark.parametrize(("method", "system", "least"), [("weights", "iOS16", 35.0), ("weights-int4", "iOS18", 15.0)])
def test_weights_are_quantised(method: str, system: str, least: float, network: Path, tmp_path: Path) -> None:
    """The right value is the float32 model's: 6 dB for each bit, less the spread within a channel or block."""
    samples = network.with_name("x.npz")
    done = convert(network, tmp_path / "q.mlpackage", quantize=method, samples=samples, min_snr=least)
    text = str(done.report)
    assert done.report.passed
    assert done.report.budgets[0].value < 60  # something was rounded
    assert "2 of 2 layers with 7,104 of their 7,104 weights" in text
    assert f"its deployment target is {system}" in text


def test_an_older_system_is_refused_at_once(network: Path, tmp_path: Path) -> None:
    given = {"quantize": "weights-int4", "samples": network.with_name("x.npz"), "min_snr": 10}
    with pytest.raises(ParityGateError, match="needs iOS18") as error:
        convert(network, tmp_path / "q.mlpackage", deployment_target="macOS13", **given)
    assert error.value.code == "PG408"
