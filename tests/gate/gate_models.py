"""Small ONNX models, and configs for them."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
from onnx import parser

SCALE = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,4] x) => (float[N,4] y) {{ c = Constant <value_float = {}> () y = Mul (x, c) }}"""


def write_model(path: Path, factor: float = 2.0) -> Path:
    """A model that multiplies its input."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(parser.parse_model(SCALE.format(factor)), str(path))
    return path


def write_config(folder: Path, text: str) -> Path:
    """The folder's paritygate.toml."""
    path = folder / "paritygate.toml"
    path.write_text(text)
    return path


def touch_later(path: Path) -> None:
    """Another time of change, the same content."""
    os.utime(path, (1, 1))
