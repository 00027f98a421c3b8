"""ONNX Runtime lacks kernels of some dtypes: the error says which."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import parser

from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.onnxruntime import load
from paritygate.validate.errors import ParityGateError


@pytest.mark.parametrize(
    ("dtype", "nodes", "said"),
    [
        ("double", "y = Elu(x)", "no kernel for Elu of float64 at opset"),
        ("double", "h = Relu(x) y = HardSigmoid(h)", "no kernel for HardSigmoid of float64 at opset"),
        ("uint8", "y = Neg(x)", "Neg"),
    ],
)
def test_a_dtype_without_a_kernel_is_named(dtype: str, nodes: str, said: str, tmp_path: Path) -> None:
    text = f'<ir_version: 8, opset_import: ["" : 17]> m ({dtype}[N] x) => ({dtype}[N] y) {{ {nodes} }}'
    onnx.save(parser.parse_model(text), tmp_path / "m.onnx")
    with pytest.raises(ParityGateError, match=said) as caught:
        load(tmp_path / "m.onnx", LoadOptions())
    if "kernel" in said:
        assert caught.value.code == "PG404"
        assert "--dtype float32" in caught.value.remedy
