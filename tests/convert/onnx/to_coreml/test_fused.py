"""ONNX to Core ML: the operators that ONNX Runtime's optimiser writes in place of several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import assert_agreement, convert_model

NODES = {
    "Gelu": "com.microsoft.Gelu (x)",
    "BiasGelu": "com.microsoft.BiasGelu (x, b)",
    "FastGelu": "com.microsoft.FastGelu (x)",
    "FastGelu with a bias": "com.microsoft.FastGelu (x, b)",
    "QuickGelu": "com.microsoft.QuickGelu (x)",
    "QuickGelu with alpha": "com.microsoft.QuickGelu <alpha: float = 0.5> (x)",
}


@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
@pytest.mark.parametrize("name", NODES)
def test_fused_operator(name: str, suffix: str, tmp_path: Path) -> None:
    """The product behind it needs the type of the result, which ONNX can't infer."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> m (float[2, 4] x) => (float[2, 4] y) '
        f"<float[4] b = {{0.5, -1.0, 0.0, 2.0}}> {{ a = {NODES[name]}  y = Mul (a, a) }}"
    )
    feed = {"x": np.linspace(-3, 3, 8, dtype=np.float32).reshape(2, 4)}
    assert_agreement(model, convert_model(model, tmp_path, suffix=suffix), feed)
