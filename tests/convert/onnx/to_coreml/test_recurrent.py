"""ONNX to Core ML: the options of recurrent operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx_models import (
    assert_agreement,
    convert_model,
    recurrent_model,
)

RECURRENT: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"direction": "bidirectional", "extras": ("B", "h", "c", "P")}),
    ("LSTM", {"direction": "reverse", "extras": ("B", "L", "h", "c")}),
    ("LSTM", {"clip": 0.4, "extras": ("B", "P")}),
    ("LSTM", {"input_forget": 1}),
    ("LSTM", {"constant": False, "time": 1}),
    (
        "LSTM",
        {
            "activations": ["HardSigmoid", "ScaledTanh", "Affine"],
            "activation_alpha": [0.3, 0.7, 0.9],
            "activation_beta": [0.4, 0.8, 0.1],
        },
    ),
    ("GRU", {"direction": "bidirectional", "extras": ()}),
    ("GRU", {"direction": "bidirectional", "linear_before_reset": 1, "extras": ("B", "h")}),
    ("GRU", {"direction": "reverse", "constant": False, "clip": 0.5}),
    ("GRU", {"activations": ["HardSigmoid", "Softsign"], "activation_alpha": [0.3], "activation_beta": [0.4]}),
    ("RNN", {"direction": "bidirectional", "activations": ["LeakyRelu", "Relu"], "extras": ("B", "L")}),
    ("RNN", {"direction": "reverse"}),
]


@pytest.mark.parametrize(("operator", "asked"), RECURRENT)
def test_recurrent_options(tmp_path: Path, operator: str, asked: dict[str, Any]) -> None:
    model, feed = recurrent_model(operator, **asked)
    assert_agreement(model, convert_model(model, tmp_path), feed)
